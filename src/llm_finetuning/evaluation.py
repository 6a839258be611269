"""Intervals for metrics. The metrics themselves are scikit-learn's, sacrebleu's and seqeval's, called on the page."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def bootstrap_interval(
    metric: Callable[[Any, Any], float],
    references: Sequence[Any] | npt.NDArray[Any],
    predictions: Sequence[Any] | npt.NDArray[Any],
    *,
    resamples: int = 1_000,
    confidence: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the percentile bootstrap interval of ``metric(references, predictions)`` over the test examples.

    ``references`` and ``predictions`` have one entry per example; examples are drawn with replacement, in pairs
    (Efron and Tibshirani 1993, chapter 13). ``metric`` gets numbers as arrays, and texts or sequences as lists, as
    scikit-learn, sacrebleu and seqeval want them. Returns the lower and the upper end, in the metric's unit.
    Raises ValueError when the lengths differ or are zero.
    """
    if len(references) != len(predictions) or len(references) == 0:
        raise ValueError(f"{len(references)} references and {len(predictions)} predictions: give one of each, or more.")
    rng = np.random.default_rng(seed)
    draws = (rng.integers(len(references), size=len(references)) for _ in range(resamples))
    values = [metric(_pick(references, draw), _pick(predictions, draw)) for draw in draws]
    tail = 100 * (1 - confidence) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def _pick(values: Sequence[Any] | np.ndarray, draw: np.ndarray) -> Any:
    if isinstance(values[0], str | list | tuple):
        return [values[i] for i in draw]
    return np.asarray(values)[draw]
