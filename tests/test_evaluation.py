"""Intervals against what is known of them."""

import numpy as np
import pytest
from datasets import Dataset

from llm_finetuning.evaluation import bootstrap_interval


def accuracy(labels, predicted):
    return float(np.mean(labels == predicted))


@pytest.mark.parametrize(("confidence", "z"), [(0.95, 1.96), (0.8, 1.2816)])
def test_the_interval_of_an_accuracy_is_the_binomial_one(confidence, z):
    truth, guess = np.ones(400, dtype=int), np.array([1] * 320 + [0] * 80)
    low, high = bootstrap_interval(accuracy, truth, guess, resamples=4000, confidence=confidence)
    error = z * np.sqrt(0.8 * 0.2 / 400)
    assert low == pytest.approx(0.8 - error, abs=0.004)
    assert high == pytest.approx(0.8 + error, abs=0.004)


def test_seeds():
    truth, guess = np.arange(500) % 2, np.arange(500) % 3 % 2
    first, again, other = (bootstrap_interval(accuracy, truth, guess, resamples=99, seed=seed) for seed in (0, 0, 1))
    assert first == again != other


def test_numbers_arrive_as_arrays_also_from_lists_and_columns():
    column = Dataset.from_dict({"label": [1, 0, 1]})["label"]
    assert bootstrap_interval(accuracy, column, [1, 0, 1]) == (1, 1)


@pytest.mark.parametrize("references", [[["a", "b"], ["c", "d"], ["e", "f"]], [["a", "b"], ["c"], ["d", "e"]]])
def test_sequences_stay_whole_pairs(references):
    def exact(truth, guess):
        assert all(isinstance(item, list) for item in [truth, guess, *truth, *guess])
        return sum(a == b for a, b in zip(truth, guess, strict=True)) / len(truth)

    assert bootstrap_interval(exact, references, list(references)) == (1, 1)


def test_a_corpus_metric_over_sentences():
    def word_rate(truth, guess):  # not a mean over sentences: long ones weigh more
        hits = [a == b for t, g in zip(truth, guess, strict=True) for a, b in zip(t.split(), g.split(), strict=True)]
        return sum(hits) / len(hits)

    references = ["a b c d e f g h"] * 50 + ["a"] * 50
    predictions = ["a b c d e f g h"] * 50 + ["x"] * 50
    low, high = bootstrap_interval(word_rate, references, predictions)
    assert 0.8 < low < 8 / 9 < high < 0.95


@pytest.mark.parametrize(("truth", "guess"), [([1], [1, 2]), ([], [])])
def test_lengths_must_agree(truth, guess):
    with pytest.raises(ValueError, match="references"):
        bootstrap_interval(accuracy, truth, guess)
