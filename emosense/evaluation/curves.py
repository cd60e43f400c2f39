"""One-vs-rest ROC and precision-recall curves of each class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Curve:
    """A curve with the area under it.

    Attributes:
        x: false positive rate (ROC) or recall (precision-recall), in 0..1, never falling.
        y: true positive rate or precision, in 0..1.
        area: trapezoidal area under ROC, or average precision; NaN if the class has no image
            or every image.

    >>> roc_curve(np.array([True, False]), np.array([0.9, 0.1])).area
    1.0
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    area: float


def roc_curve(positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating]) -> Curve:
    """Return the receiver operating characteristic.

    Args:
        positive: (n,) whether the image is of the class.
        scores: (n,) the class's probability.
    """
    hits, misses = _cumulative_counts(positive, scores)
    if hits[-1] == 0 or misses[-1] == 0:
        return Curve(np.array([0.0, 1.0]), np.array([0.0, 1.0]), float("nan"))
    x = np.concatenate([[0.0], misses / misses[-1]])
    y = np.concatenate([[0.0], hits / hits[-1]])
    return Curve(x, y, float(np.trapezoid(y, x)))


def precision_recall_curve(
    positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating]
) -> Curve:
    """Return precision over recall; the area is average precision, sum of dR * P.

    Arguments as for :func:`roc_curve`.
    """
    hits, misses = _cumulative_counts(positive, scores)
    if hits[-1] == 0 or misses[-1] == 0:
        return Curve(np.array([0.0, 1.0]), np.array([1.0, 1.0]), float("nan"))
    recall = np.concatenate([[0.0], hits / hits[-1]])
    precision = np.concatenate([[1.0], hits / (hits + misses)])
    return Curve(recall, precision, float((np.diff(recall) * precision[1:]).sum()))


def class_curves(predictions: Predictions) -> dict[str, tuple[Curve, Curve]]:
    """Return (ROC, precision-recall) by emotion name."""
    curves = {}
    for class_index, name in enumerate(EMOTIONS):
        positive, scores = (
            predictions.labels == class_index,
            predictions.probabilities[:, class_index],
        )
        curves[name] = (
            roc_curve(positive, scores),
            precision_recall_curve(positive, scores),
        )
    return curves


def _cumulative_counts(
    positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return cumulative true and false positives at each distinct score, highest first."""
    order = np.argsort(-scores, kind="stable")
    last_of_score = np.append(np.diff(scores[order]) != 0, True)
    hits = positive[order].cumsum().astype(float)
    misses = (~positive[order]).cumsum().astype(float)
    return hits[last_of_score], misses[last_of_score]
