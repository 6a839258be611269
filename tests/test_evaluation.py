"""Intervals against what is known of them."""

import numpy as np
import pytest

from llm_finetuning.evaluation import bootstrap_interval


def accuracy(labels, predicted):
    return float(np.mean(labels == predicted))


def test_the_interval_of_an_accuracy_is_the_binomial_one():
    truth, guess = np.ones(400, dtype=int), np.array([1] * 320 + [0] * 80)
    low, high = bootstrap_interval(accuracy, truth, guess, resamples=4000)
    error = 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert low == pytest.approx(0.8 - error, abs=0.004)
    assert high == pytest.approx(0.8 + error, abs=0.004)


def test_the_same_seed_gives_the_same_interval():
    truth, guess = np.arange(50) % 2, np.zeros(50)
    assert bootstrap_interval(accuracy, truth, guess) == bootstrap_interval(accuracy, truth, guess)


def test_sentences_stay_whole():
    def exact(references, predictions):
        return float(np.mean([a == b for a, b in zip(references, predictions, strict=True)]))

    references = [["a", "b"], ["c"], ["d", "e"]]
    assert bootstrap_interval(exact, references, references) == (1, 1)


@pytest.mark.parametrize(("truth", "guess"), [([1], [1, 2]), ([], [])])
def test_lengths_must_agree(truth, guess):
    with pytest.raises(ValueError, match="references"):
        bootstrap_interval(accuracy, truth, guess)
