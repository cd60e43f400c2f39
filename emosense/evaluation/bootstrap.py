"""Bootstrap confidence intervals of metrics.

Bootstrap over the test images (Efron & Tibshirani 1993): the images are drawn anew with
replacement, every metric is computed on each draw. The interval covers the choice of test
images, not the luck of one training run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.evaluation.metrics import ECE_BINS, compute_metrics, confidence_bins, safe_divide
from emosense.evaluation.predictions import Predictions

RESAMPLES: Final = 1000
_CHUNK: Final = 100


@dataclass(frozen=True)
class Interval:
    """A metric with its 95 % confidence interval; all three in the metric's unit.

    >>> predictions = Predictions(
    ...     np.uint8([3, 3, 6]), np.eye(7, dtype=np.float32)[[3, 0, 6]], np.zeros(3, bool)
    ... )
    >>> bootstrap(predictions)["accuracy"].value.__round__(3)
    0.667
    """

    value: float
    low: float
    high: float


def bootstrap(
    predictions: Predictions, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """Return 95 % confidence intervals of the headline metrics.

    The interval holds the middle 95 % of the draws, moved so that their mean lies on the
    figure: drawing anew adds scatter, which alone would push ECE up.

    Args:
        predictions: n at least 1.
        resamples: number of draws.
        seed: seed of the draws; two models on the same images get the same draws.

    Returns:
        ``accuracy``, ``macro_precision``, ``macro_recall``, ``macro_f1``, ``ece`` in 0..1 and
        ``loss`` in nats, as :class:`~emosense.evaluation.metrics.Metrics` defines them.
    """
    n, classes = len(predictions), len(EMOTIONS)
    labels = predictions.labels.astype(np.intp)
    confidence = predictions.probabilities.max(axis=1).astype(float)
    of_label = np.clip(predictions.probabilities[np.arange(n), labels].astype(float), 1e-7, 1.0)
    # Every figure is a function of sums over images, so a draw is one row of a matrix product.
    cells = np.zeros((n, classes * classes))
    cells[np.arange(n), labels * classes + predictions.predicted] = 1
    gaps = np.zeros((n, ECE_BINS))
    gaps[np.arange(n), confidence_bins(confidence, ECE_BINS)] = predictions.correct - confidence
    terms = np.hstack([cells, gaps, -np.log(of_label)[:, np.newaxis]])
    sums = np.vstack([counts.astype(float) @ terms for counts in _draws(n, resamples, seed)])
    confusion = sums[:, : classes * classes].reshape(-1, classes, classes)
    hits = confusion.diagonal(axis1=1, axis2=2)
    precision = safe_divide(hits, confusion.sum(axis=1))
    recall = safe_divide(hits, confusion.sum(axis=2))
    drawn = {
        "accuracy": hits.sum(axis=1) / n,
        "macro_precision": precision.mean(axis=1),
        "macro_recall": recall.mean(axis=1),
        "macro_f1": safe_divide(2 * precision * recall, precision + recall).mean(axis=1),
        "ece": np.abs(sums[:, classes * classes : -1]).sum(axis=1) / n,
        "loss": sums[:, -1] / n,
    }
    point_estimates = compute_metrics(predictions.labels, predictions.probabilities)
    return {
        name: _interval_around(
            getattr(point_estimates, name), values, 0.0, np.inf if name == "loss" else 1.0
        )
        for name, values in drawn.items()
    }


def accuracy_difference(
    first: Predictions, second: Predictions, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Return accuracy of ``first`` minus that of ``second``, drawn over the same images.

    Raises:
        ValueError: the two were not made on the same images.
    """
    require_same_images(first, second)
    n = len(first)
    ahead = first.correct.astype(float) - second.correct.astype(float)
    drawn = (
        np.concatenate([counts.astype(float) @ ahead for counts in _draws(n, resamples, seed)]) / n
    )
    return _interval_around(float(ahead.mean()), drawn)


def require_same_images(first: Predictions, second: Predictions) -> None:
    """Raise ValueError unless both were made on the same images, as far as labels tell."""
    if not np.array_equal(first.labels, second.labels):
        raise ValueError(
            f"Expected predictions on the same images. Received: {len(first)} and {len(second)} "
            "images whose labels differ"
        )


@lru_cache(maxsize=4)
def _draws(n: int, resamples: int, seed: int) -> tuple[npt.NDArray[np.uint8], ...]:
    """Return resampling counts, one bootstrap draw a row: how often each of the n images was drawn.

    Models on the same images share their draws, which take most of the time.
    """
    rng = np.random.default_rng(seed)
    chunks = []
    for start in range(0, resamples, _CHUNK):
        rows = min(_CHUNK, resamples - start)
        drawn = rng.integers(0, n, (rows, n)) + n * np.arange(rows)[:, np.newaxis]
        counts = np.bincount(drawn.ravel(), minlength=rows * n).reshape(rows, n)
        chunks.append(np.minimum(counts, 255).astype(np.uint8))
    return tuple(chunks)


def _interval_around(
    value: float,
    drawn: npt.NDArray[np.float64],
    floor: float = -np.inf,
    ceiling: float = np.inf,
) -> Interval:
    low, high = np.quantile(drawn, (0.025, 0.975)) - drawn.mean() + value
    return Interval(value, max(floor, float(low)), min(ceiling, float(high)))
