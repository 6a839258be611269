"""Modified Kneser-Ney equals a worked example, and its formulas written out with dictionaries and fractions."""

from collections import Counter
from fractions import Fraction

import numpy as np
import pytest

from llm_finetuning import corpora
from llm_finetuning.ngram import FALLBACK_DISCOUNTS, KneserNey

# The page's example. "d" is as frequent as "a", but only ever follows "b"; "e" is a word that the text does not have.
WORKED = "a b b d c a c a b d b c a c b b d a b d c"


def numbers(text):
    return np.array(["abcde".index(letter) for letter in text.split()])


def random_text(seed, length=400, vocab_size=6):
    rng = np.random.default_rng(seed)
    return np.minimum(rng.geometric(0.35, length) - 1, vocab_size - 1)


class Reference:
    """The same model from its definition: one dictionary per count, exact fractions, one n-gram at a time."""

    def __init__(self, tokens, vocab_size, order):
        self.vocab_size, self.order = vocab_size, order
        tokens = tuple(tokens.tolist())
        grams = {n: [tokens[i : i + n] for i in range(len(tokens) - n + 1)] for n in range(1, order + 1)}
        self.counts = {order: Counter(grams[order])}
        for n in range(1, order):
            self.counts[n] = Counter(longer[1:] for longer in set(grams[n + 1]))
        self.discounts = {n: self.estimate(self.counts[n]) for n in self.counts}

    @staticmethod
    def estimate(counts):
        n = Counter(counts.values())
        fallback = [Fraction(0), *map(Fraction, FALLBACK_DISCOUNTS)]
        if not all(n[k] for k in (1, 2, 3, 4)):
            return fallback
        share = Fraction(n[1], n[1] + 2 * n[2])
        found = [Fraction(0), *(k - (k + 1) * share * Fraction(n[k + 1], n[k]) for k in (1, 2, 3))]
        return found if min(found) >= 0 else fallback

    def probability(self, context, word):
        n = len(context) + 1
        lower = self.probability(context[1:], word) if n > 1 else Fraction(1, self.vocab_size)
        following = {gram: count for gram, count in self.counts[n].items() if gram[:-1] == context}
        if not following:
            return lower
        total = sum(following.values())
        taken = {gram: self.discounts[n][min(count, 3)] for gram, count in following.items()}
        gram = (*context, word)
        kept = Fraction(following.get(gram, 0)) - taken.get(gram, 0)
        return kept / total + Fraction(sum(taken.values())) / total * lower

    def log_probabilities(self, tokens):
        stream = tuple(tokens.tolist())
        starts = [max(0, i - self.order + 1) for i in range(len(stream))]
        found = [self.probability(stream[start:i], stream[i]) for i, start in enumerate(starts)]
        return np.log([float(p) for p in found])


def test_it_equals_the_example_worked_by_hand():
    model = KneserNey(numbers(WORKED), vocab_size=5, order=2)
    np.testing.assert_allclose(model.discounts[0], [0, 1 / 3, 1, 5 / 3], atol=1e-12)
    np.testing.assert_allclose(model.discounts[1], [0, 2 / 5, 6 / 5, 11 / 5], atol=1e-12)
    first = [np.exp(model.log_probabilities(numbers(word))[0]) for word in "abcde"]
    np.testing.assert_allclose(first, np.array([29, 49, 34, 24, 14]) / 150, atol=1e-12)
    after_b = [np.exp(model.log_probabilities(numbers(f"b {word}"))[1]) for word in "ade"]
    np.testing.assert_allclose(after_b, [551 / 5250, 43 / 125, 19 / 375], atol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_it_equals_its_definition(order, seed):
    train, test = random_text(seed), random_text(seed + 100, length=80, vocab_size=7)
    expected = Reference(train, 7, order).log_probabilities(test)
    np.testing.assert_allclose(KneserNey(train, 7, order).log_probabilities(test), expected, atol=1e-12)


def test_the_example_equals_its_definition():
    expected = Reference(numbers(WORKED), 5, 2).log_probabilities(numbers("e b d a e e d b b"))
    found = KneserNey(numbers(WORKED), 5, 2).log_probabilities(numbers("e b d a e e d b b"))
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_sum_to_one_in_every_context(order):
    train = random_text(3)
    model = KneserNey(train, 8, order)  # the words 6 and 7 are never seen
    for context in ([], [0], [7], [0, 7], [1, 0, 0], train[-4:].tolist(), [2, 5, 5, 3], [0, 0, 0, 0, 0]):
        ends = [model.log_probabilities(np.array([*context, word]))[-1] for word in range(8)]
        assert np.exp(ends).sum() == pytest.approx(1, abs=1e-12), context


def test_on_wikitext_longer_contexts_help_and_no_word_is_impossible():
    vocabulary, words = corpora.words(corpora.load("wikitext-2"))
    some = words["validation"][:20_000]
    models = [KneserNey(words["train"][:200_000], len(vocabulary), order) for order in (1, 2, 3)]
    perplexities = [model.perplexity(some) for model in models]
    assert len(vocabulary) > perplexities[0] > perplexities[1] > perplexities[2] > 1
    assert np.isfinite(models[-1].log_probabilities(some)).all()


def test_texts_shorter_than_the_context_are_read():
    model = KneserNey(random_text(0), 6, 5)
    assert model.log_probabilities(np.array([], dtype=int)).shape == (0,)
    assert model.log_probabilities(np.array([3])).shape == (1,)


def test_what_cannot_be_is_refused():
    for order in (0, 5):
        with pytest.raises(ValueError, match="does not fit 4 tokens"):
            KneserNey(np.array([0, 1, 0, 1]), 2, order)
    with pytest.raises(ValueError, match="between 0 and 1"):
        KneserNey(np.array([0, 1, 2]), 2, 1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        KneserNey(np.array([0, 1, 1]), 2, 1).log_probabilities(np.array([-1]))
