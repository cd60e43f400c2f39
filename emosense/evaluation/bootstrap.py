"""Bootstrap confidence intervals of metrics (Efron & Tibshirani 1993).

The test images are resampled with replacement, and every metric is computed on each resample.
The interval covers the sampling of the test images, not the variance between training runs.
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
    """A metric with its 95 % confidence interval.

    Attributes:
        value: the metric on the original test set.
        low: lower bound, in the unit of the metric.
        high: upper bound, in the unit of the metric.

    >>> Interval(0.62, 0.60, 0.64).value
    0.62
    """

    value: float
    low: float
    high: float


def bootstrap(
    predictions: Predictions, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """Compute 95 % confidence intervals of the overall metrics.

    The interval is the central 95 % of the bootstrap distribution, shifted so that its mean
    equals the metric on the original images: resampling adds variance, which would bias ECE
    upwards.

    Args:
        predictions: predictions of at least one image.
        resamples: number of bootstrap resamples.
        seed: random seed; two models on the same images get the same resamples.

    Returns:
        Intervals of ``accuracy``, ``macro_precision``, ``macro_recall``, ``macro_f1`` and
        ``ece`` in 0..1 and of ``loss`` in nats, as
        :class:`~emosense.networks.model_card.Metrics` defines them.
    """
    n, classes = len(predictions), len(EMOTIONS)
    labels = predictions.labels.astype(np.intp)
    confidence = predictions.probabilities.max(axis=1).astype(float)
    label_probability = predictions.probabilities[np.arange(n), labels].astype(float)
    losses = -np.log(np.clip(label_probability, 1e-7, 1.0))
    # Every metric is a function of sums over images: a resample is a row of a matrix product.
    cells = np.zeros((n, classes * classes))
    cells[np.arange(n), labels * classes + predictions.predicted] = 1
    gaps = np.zeros((n, ECE_BINS))
    gaps[np.arange(n), confidence_bins(confidence, ECE_BINS)] = predictions.correct - confidence
    terms = np.hstack([cells, gaps, losses[:, np.newaxis]])
    chunks = _resample_counts(n, resamples, seed)
    sums = np.vstack([counts.astype(float) @ terms for counts in chunks])
    hits, precision, recall, f1 = _class_metrics(sums[:, : classes * classes])
    resampled = {
        "accuracy": hits.sum(axis=1) / n,
        "macro_precision": precision.mean(axis=1),
        "macro_recall": recall.mean(axis=1),
        "macro_f1": f1.mean(axis=1),
        "ece": np.abs(sums[:, classes * classes : -1]).sum(axis=1) / n,
        "loss": sums[:, -1] / n,
    }
    metrics = compute_metrics(predictions.labels, predictions.probabilities)
    return {
        name: _interval(getattr(metrics, name), values, 0.0, np.inf if name == "loss" else 1.0)
        for name, values in resampled.items()
    }


def class_bootstrap(
    predictions: Predictions, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, dict[str, Interval]]:
    """Compute 95 % confidence intervals of each class's metrics, as :func:`bootstrap` does.

    Args:
        predictions: predictions of at least one image.
        resamples: number of bootstrap resamples.
        seed: random seed.

    Returns:
        Intervals of ``precision``, ``recall`` and ``f1`` in 0..1, by emotion name; classes without
        an image are missing.
    """
    n, classes = len(predictions), len(EMOTIONS)
    cells = np.zeros((n, classes * classes), np.float32)  # counts, which it holds exactly
    cells[np.arange(n), predictions.labels.astype(np.intp) * classes + predictions.predicted] = 1
    chunks = _resample_counts(n, resamples, seed)
    sums = np.vstack([counts.astype(np.float32) @ cells for counts in chunks])
    _, precision, recall, f1 = _class_metrics(sums.astype(float))
    metrics = compute_metrics(predictions.labels, predictions.probabilities).per_class
    return {
        name: {
            metric: _interval(getattr(metrics[name], metric), values[:, index], 0.0, 1.0)
            for metric, values in (("precision", precision), ("recall", recall), ("f1", f1))
        }
        for index, name in enumerate(EMOTIONS)
        if metrics[name].support
    }


def _class_metrics(cells: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], ...]:
    """Return hits, precision, recall and F1, each (resamples, 7), from (resamples, 49) counts."""
    classes = len(EMOTIONS)
    confusion = cells.reshape(-1, classes, classes)
    hits = confusion.diagonal(axis1=1, axis2=2)
    precision = safe_divide(hits, confusion.sum(axis=1))
    recall = safe_divide(hits, confusion.sum(axis=2))
    return hits, precision, recall, safe_divide(2 * precision * recall, precision + recall)


def accuracy_difference(
    first: Predictions, second: Predictions, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Return the accuracy of ``first`` minus that of ``second``, from a paired bootstrap.

    Args:
        first: predictions of one model.
        second: predictions of another model on the same images.
        resamples: number of bootstrap resamples.
        seed: random seed of the resamples.

    Raises:
        ValueError: the predictions are of different images.
    """
    require_same_images(first, second)
    n = len(first)
    differences = first.correct.astype(float) - second.correct.astype(float)
    chunks = _resample_counts(n, resamples, seed)
    resampled = np.concatenate([counts.astype(float) @ differences for counts in chunks]) / n
    return _interval(float(differences.mean()), resampled)


def require_same_images(first: Predictions, second: Predictions) -> None:
    """Check that two predictions are of the same images, by comparing their labels.

    Raises:
        ValueError: the labels differ.
    """
    if not np.array_equal(first.labels, second.labels):
        raise ValueError(
            f"Expected predictions on the same images. Received: {len(first)} and {len(second)} "
            "images whose labels differ"
        )


@lru_cache(maxsize=4)
def _resample_counts(n: int, resamples: int, seed: int) -> tuple[npt.NDArray[np.uint8], ...]:
    """Return matrices with one resample per row: how often each of the n images was drawn.

    They are cached, because models on the same images share their resamples, whose computation
    takes most of the time.
    """
    rng = np.random.default_rng(seed)
    chunks = []
    for start in range(0, resamples, _CHUNK):
        rows = min(_CHUNK, resamples - start)
        cells = rng.integers(0, n, (rows, n)) + n * np.arange(rows)[:, np.newaxis]
        counts = np.bincount(cells.ravel(), minlength=rows * n).reshape(rows, n)
        chunks.append(np.minimum(counts, 255).astype(np.uint8))
    return tuple(chunks)


def _interval(
    value: float,
    resampled: npt.NDArray[np.float64],
    minimum: float = -np.inf,
    maximum: float = np.inf,
) -> Interval:
    low, high = np.quantile(resampled, (0.025, 0.975)) - resampled.mean() + value
    return Interval(value, max(minimum, float(low)), min(maximum, float(high)))
