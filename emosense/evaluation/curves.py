"""One-vs-rest ROC and precision-recall curves of each class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.evaluation.predictions import Predictions

_GRID_POINTS: Final = 201


@dataclass(frozen=True)
class Curve:
    """A ROC or precision-recall curve and its area.

    Attributes:
        x: false positive rate (ROC) or recall (precision-recall), in 0..1, non-decreasing.
        y: true positive rate (ROC) or precision (precision-recall), in 0..1.
        area: trapezoidal area under the ROC curve, or average precision; NaN if the class has
            no image or every image.

    >>> roc_curve(np.array([False, True, True]), np.array([0.1, 0.4, 0.8])).area
    1.0
    """

    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    area: float


def roc_curve(positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating]) -> Curve:
    """Compute the receiver operating characteristic (ROC) of a class.

    Args:
        positive: (n,) bool, whether the image is of the class.
        scores: (n,) predicted probability of the class.
    """
    true_positives, false_positives = _cumulative_counts(positive, scores)
    if true_positives[-1] == 0 or false_positives[-1] == 0:
        return Curve(np.array([0.0, 1.0]), np.array([0.0, 1.0]), float("nan"))
    x = np.concatenate([[0.0], false_positives / false_positives[-1]])
    y = np.concatenate([[0.0], true_positives / true_positives[-1]])
    return Curve(x, y, float(np.trapezoid(y, x)))


def precision_recall_curve(
    positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating]
) -> Curve:
    """Compute the precision-recall curve of a class.

    The area is the average precision: the sum of the precisions weighted by the increase in
    recall.

    Args:
        positive: (n,) bool, whether the image is of the class.
        scores: (n,) predicted probability of the class.
    """
    true_positives, false_positives = _cumulative_counts(positive, scores)
    if true_positives[-1] == 0 or false_positives[-1] == 0:
        return Curve(np.array([0.0, 1.0]), np.array([1.0, 1.0]), float("nan"))
    recall = np.concatenate([[0.0], true_positives / true_positives[-1]])
    precision = np.concatenate([[1.0], true_positives / (true_positives + false_positives)])
    return Curve(recall, precision, float((np.diff(recall) * precision[1:]).sum()))


def class_curves(predictions: Predictions) -> dict[str, tuple[Curve, Curve]]:
    """Return the one-vs-rest ROC and precision-recall curves of each class, by emotion name."""
    curves = {}
    for class_index, name in enumerate(EMOTIONS):
        positive = predictions.labels == class_index
        scores = predictions.probabilities[:, class_index]
        curves[name] = (
            roc_curve(positive, scores),
            precision_recall_curve(positive, scores),
        )
    return curves


def macro_curves(curves: Mapping[str, tuple[Curve, Curve]]) -> tuple[Curve, Curve]:
    """Return the means of the ROC and the precision-recall curves of all classes.

    The mean is taken over the classes at each false positive rate or recall; its area is the mean of
    the areas. Classes without an image, or with every image, are left out.

    Args:
        curves: ROC and precision-recall curve of each class, see :func:`class_curves`.
    """
    defined = [pair for pair in curves.values() if not np.isnan(pair[0].area)]
    if not defined:
        return next(iter(curves.values()))
    grid = np.linspace(0.0, 1.0, _GRID_POINTS)
    roc_mean = np.mean([np.interp(grid, roc.x, roc.y) for roc, _ in defined], axis=0)
    # Average precision takes the precision of the next threshold between two recalls.
    precision = [pr.y[np.searchsorted(pr.x, grid)] for _, pr in defined]
    return (
        Curve(grid, roc_mean, float(np.mean([roc.area for roc, _ in defined]))),
        Curve(grid, np.mean(precision, axis=0), float(np.mean([pr.area for _, pr in defined]))),
    )


def _cumulative_counts(
    positive: npt.NDArray[np.bool_], scores: npt.NDArray[np.floating]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Count true and false positives at or above each distinct score, highest first."""
    order = np.argsort(-scores, kind="stable")
    last_of_score = np.append(np.diff(scores[order]) != 0, True)
    true_positives = positive[order].cumsum().astype(float)
    false_positives = (~positive[order]).cumsum().astype(float)
    return true_positives[last_of_score], false_positives[last_of_score]
