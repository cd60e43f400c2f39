"""Accuracy under common corruptions, after ImageNet-C (Hendrycks and Dietterich 2019, arXiv:1903.12261).

Unlike there, mean corruption accuracy is not divided by that of a reference network, and what is
corrupted is a picture in which the face has to be found again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from emosense.evaluation.bootstrap import Interval
from emosense.evaluation.predictions import (
    CORRUPTIONS,
    SEVERITIES,
    DegradedPredictions,
    Predictions,
)
from emosense.evaluation.proportion import wilson_interval

Counted = Literal["all", "found", "missed"]

COUNTED: Final[dict[Counted, str]] = {
    "all": "all faces; those not found again are cropped where they were before",
    "found": "the faces that the detector finds again, which are the easier ones",
    "missed": "all faces; those not found again count as wrong",
}
"""Which degraded faces an accuracy is of: of the network alone, of the network where it is given a face,
or of detector and network together."""


@dataclass(frozen=True)
class SeverityResult:
    """A model's accuracy at one severity of a corruption.

    Attributes:
        severity: 1 to 5; 0 are the same faces uncorrupted.
        faces: number of degraded faces.
        found: number of those that the detector found.
        counted: number of those that the accuracy is of.
        accuracy: fraction of correct predictions on the counted faces with its 95 % Wilson interval,
            in 0..1; NaN if there are none.

    >>> SeverityResult(1, 130, 91, 130, Interval(0.5, 0.4, 0.6)).found_fraction
    0.7
    """

    severity: int
    faces: int
    found: int
    counted: int
    accuracy: Interval

    @property
    def found_fraction(self) -> float:
        """Fraction of the faces that the detector found, in 0..1; NaN without faces."""
        return self.found / self.faces if self.faces else float("nan")


@dataclass(frozen=True)
class RobustnessCurve:
    """A model's accuracy against the severity of a corruption.

    Attributes:
        clean: the same faces uncorrupted.
        corrupted: one result per severity, rising.

    >>> def result(severity, accuracy):
    ...     return SeverityResult(severity, 10, 10, 10, Interval(accuracy, 0.0, 1.0))
    >>> curve = RobustnessCurve(result(0, 0.6), (result(1, 0.5), result(2, 0.4)))
    >>> round(curve.mean_accuracy, 2), round(curve.relative_drop, 2)
    (0.45, 0.25)
    """

    clean: SeverityResult
    corrupted: tuple[SeverityResult, ...]

    @property
    def mean_accuracy(self) -> float:
        """Mean accuracy over the severities, each with the same weight; NaN if one has no faces."""
        return float(np.mean([result.accuracy.value for result in self.corrupted]))

    @property
    def relative_drop(self) -> float:
        """Fraction of the uncorrupted accuracy that is lost on average; NaN if that is 0."""
        clean = self.clean.accuracy.value
        return 1 - self.mean_accuracy / clean if clean else float("nan")

    @property
    def faces(self) -> int:
        """Number of degraded faces, of all severities."""
        return sum(result.faces for result in self.corrupted)

    @property
    def found(self) -> int:
        """Number of those that the detector found."""
        return sum(result.found for result in self.corrupted)


def robustness_curve(
    natural: Predictions,
    images: npt.NDArray[np.integer[Any]],
    degraded: DegradedPredictions,
    corruption: str | None = None,
    counted: Counted = "all",
) -> RobustnessCurve:
    """Compute a model's accuracy against the severity of a corruption.

    Args:
        natural: predictions of n test images as they are.
        images: (n,) index of each of them in the test set, rising.
        degraded: predictions of degraded faces of these images.
        corruption: one of :data:`~emosense.evaluation.predictions.CORRUPTIONS`; None takes all.
        counted: which faces the accuracy is of, see :data:`COUNTED`. Uncorrupted, it is of the images
            that have a counted degraded face.
    """
    if corruption is not None:
        degraded = degraded.rows(degraded.corruptions == CORRUPTIONS.index(corruption))
    is_counted = degraded.found if counted == "found" else np.ones(len(degraded.found), bool)
    correct = degraded.predictions.correct
    if counted == "missed":
        correct = correct & degraded.found
    same = np.searchsorted(images, np.unique(degraded.images[is_counted]))
    n = len(same)
    clean = SeverityResult(0, n, n, n, wilson_interval(natural.correct[same]))
    corrupted = []
    for severity in range(1, SEVERITIES + 1):
        rows = degraded.severities == severity
        corrupted.append(
            SeverityResult(
                severity,
                int(rows.sum()),
                int(degraded.found[rows].sum()),
                int(is_counted[rows].sum()),
                wilson_interval(correct[rows & is_counted]),
            )
        )
    return RobustnessCurve(clean, tuple(corrupted))
