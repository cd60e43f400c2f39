"""Classification metrics from labels and predicted probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.networks.model_card import ClassMetrics, Metrics

ECE_BINS: Final = 15
_CHANCE_MARGIN: Final = 0.02
"""Accuracy that is less than this above the majority class's frequency counts as chance: 0.02 is
about three standard errors on 3,600 images."""


def compute_metrics(
    labels: npt.NDArray[np.integer], probabilities: npt.NDArray[np.floating]
) -> Metrics:
    """Compute all classification metrics.

    Args:
        labels: (n,) class indices, n >= 1.
        probabilities: (n, 7), rows sum to 1.

    Raises:
        ValueError: the shapes do not match, or there is no image.
    """
    n, classes = len(labels), len(EMOTIONS)
    if n == 0 or probabilities.shape != (n, classes):
        raise ValueError(
            f"Expected n >= 1 labels and probabilities of shape (n, {classes}). "
            f"Received: {labels.shape} and {probabilities.shape}"
        )
    predicted = probabilities.argmax(axis=1)
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels.astype(np.intp), predicted), 1)
    true_positives = confusion.diagonal().astype(float)
    support, predicted_counts = confusion.sum(axis=1), confusion.sum(axis=0)
    precision = safe_divide(true_positives, predicted_counts.astype(float))
    recall = safe_divide(true_positives, support.astype(float))
    f1 = safe_divide(2 * precision * recall, precision + recall)
    label_probability = probabilities[np.arange(n), labels.astype(np.intp)].astype(float)
    return Metrics(
        images=n,
        loss=float(-np.log(np.clip(label_probability, 1e-7, 1.0)).mean()),
        accuracy=float(true_positives.sum() / n),
        macro_precision=float(precision.mean()),
        macro_recall=float(recall.mean()),
        macro_f1=float(f1.mean()),
        ece=expected_calibration_error(labels, probabilities),
        per_class={
            name: ClassMetrics(precision=float(p), recall=float(r), f1=float(f), support=int(s))
            for name, p, r, f, s in zip(EMOTIONS, precision, recall, f1, support, strict=True)
        },
        confusion=confusion.tolist(),
    )


def expected_calibration_error(
    labels: npt.NDArray[np.integer], probabilities: npt.NDArray[np.floating], bins: int = ECE_BINS
) -> float:
    """Return the expected calibration error (ECE) over equal-width bins, in 0..1.

    Args:
        labels: (n,) class indices.
        probabilities: (n, 7), rows sum to 1.
        bins: number of bins of the top probability.
    """
    confidence = probabilities.max(axis=1).astype(float)
    correct = probabilities.argmax(axis=1) == labels
    index = confidence_bins(confidence, bins)
    gaps = np.bincount(index, weights=correct - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def is_majority_baseline(accuracy: float, supports: Sequence[int]) -> bool:
    """Return whether a model does no better than always predicting the majority class.

    Args:
        accuracy: the model's accuracy in 0..1.
        supports: number of images of each class; at least one image.
    """
    return accuracy < max(supports) / sum(supports) + _CHANCE_MARGIN


def confidence_bins(confidence: npt.NDArray[np.float64], bins: int) -> npt.NDArray[np.intp]:
    """Return the index of the equal-width bin (low, high] of each value in 0..1."""
    return np.clip(np.ceil(confidence * bins).astype(np.intp) - 1, 0, bins - 1)


def safe_divide(
    numerator: npt.NDArray[np.float64], denominator: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Divide elementwise; the result is 0 where the denominator is 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)
