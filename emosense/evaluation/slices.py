"""Metrics on slices of a test set: faces of similar quality.

An accuracy over all faces hides for which ones a network fails (slice-based evaluation: Chen et al.
2019, arXiv:1909.06349). The slices here are by what a photo lets a network see of a face.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.evaluation.bootstrap import Interval
from emosense.evaluation.predictions import Predictions
from emosense.evaluation.proportion import wilson_interval
from emosense.faces.quality_score import quality_scores
from emosense.networks.temperature_scaling import Calibration

Values = npt.NDArray[np.float64]

FEW_IMAGES: Final = 30
"""Results on fewer images are marked: their intervals are some 18 points wide to either side."""


@dataclass(frozen=True)
class QualityMeasure:
    """A measure of the quality of faces that they are sliced by.

    Attributes:
        title: what it is called.
        unit: its unit as it stands behind a number, with a leading blank; empty without one.
        digits: decimal places that its values are rounded to: finer differences are noise.
        column: its column in :attr:`Predictions.quality`; None for the quality score.
        factor: what a value is multiplied by to have the unit.
        is_angle: whether it is an angle: its size counts and not its direction.

    >>> QUALITY_MEASURES["roll"].describe(3.26)
    '3.3°'
    """

    title: str
    unit: str
    digits: int
    column: int | None
    factor: float = 1.0
    is_angle: bool = False

    def describe(self, value: float) -> str:
        """Return a value with its unit."""
        return f"{value:.{self.digits}f}{self.unit}"

    def of(self, predictions: Predictions) -> Values | None:
        """Return the values of all faces.

        Returns:
            (n,) in the measure's unit, rounded; NaN where it could not be measured. None if the
            predictions have no quality.
        """
        if predictions.quality is None:
            return None
        if self.column is None:
            values = quality_scores(predictions.quality)
        else:
            values = predictions.quality[:, self.column].astype(np.float64) * self.factor
        return np.round(np.abs(values) if self.is_angle else values, self.digits)


QUALITY_MEASURES: Final = {
    "score": QualityMeasure("quality score", "", 3, None),
    "size": QualityMeasure("size", " px", 1, 0),
    "sharpness": QualityMeasure("sharpness", "", 2, 1),
    "brightness": QualityMeasure("brightness", " %", 1, 2, 100.0),
    "contrast": QualityMeasure("contrast", " %", 1, 3, 100.0),
    "roll": QualityMeasure("roll", "°", 1, 4, is_angle=True),
    "yaw": QualityMeasure("yaw", "°", 1, 5, is_angle=True),
    "cut": QualityMeasure("cut off", " %", 1, 7, 100.0),
}
"""What faces are sliced by, as :class:`emosense.results.FaceQuality` defines it."""


@dataclass(frozen=True)
class Bin:
    """A bin of values.

    Attributes:
        low: smallest value in the bin.
        high: largest value in the bin.

    >>> Bin(0.0, 12.5).high
    12.5
    """

    low: float
    high: float


@dataclass(frozen=True)
class Slice:
    """Metrics on the faces of a bin.

    Attributes:
        images: number of faces.
        accuracy: fraction of correct predictions.
        coverage: fraction of faces on which the model does not abstain.
        selective_accuracy: fraction of correct predictions on these.

    All three are in 0..1 with 95 % Wilson intervals, and NaN where there are no faces.

    >>> whole = Interval(1.0, 0.8, 1.0)
    >>> Slice(12, whole, whole, whole).has_few_images
    True
    """

    images: int
    accuracy: Interval
    coverage: Interval
    selective_accuracy: Interval

    @property
    def has_few_images(self) -> bool:
        """Whether there are fewer than :data:`FEW_IMAGES`."""
        return self.images < FEW_IMAGES


def quantile_bins(values: Values, count: int) -> tuple[Bin, ...]:
    """Divide values into bins with equally many values, as far as equal ones allow.

    Equal values are never divided. The bins are the same if all values are repeated.

    Args:
        values: (n,); NaNs are ignored.
        count: largest number of bins.

    Returns:
        The bins, rising; none without values.

    >>> [(b.low, b.high) for b in quantile_bins(np.array([0, 0, 0, 5.0, 7.0, 9.0]), 3)]
    [(0.0, 0.0), (5.0, 5.0), (7.0, 9.0)]
    """
    measured = np.sort(values[np.isfinite(values)])
    if not len(measured):
        return ()
    fractions = np.arange(1, count + 1) / count
    # A quantile that is one of the values: then no value lies between two bins.
    highs = np.unique(np.quantile(measured, fractions, method="inverted_cdf"))
    starts = [0, *np.searchsorted(measured, highs[:-1], side="right")]
    return tuple(
        Bin(float(measured[i]), float(high)) for i, high in zip(starts, highs, strict=True)
    )


def evaluate_slices(
    predictions: Predictions, calibration: Calibration, values: Values, bins: Sequence[Bin]
) -> tuple[Slice, ...]:
    """Compute the metrics of a model on each bin of a measure.

    Args:
        predictions: calibrated predictions of n faces.
        calibration: decides where the model abstains.
        values: (n,) values of the measure; faces with NaN are in no bin.
        bins: rising bins. A value between two belongs to the upper, one above all to the last.

    Returns:
        One slice per bin.
    """
    if not bins:
        return ()
    highs = np.array([each.high for each in bins])
    of_bin = np.minimum(np.searchsorted(highs, values), len(bins) - 1)
    of_bin[~np.isfinite(values)] = -1
    correct, sure = predictions.correct, predictions.sure(calibration)
    slices = []
    for index in range(len(bins)):
        rows = of_bin == index
        slices.append(
            Slice(
                int(rows.sum()),
                wilson_interval(correct[rows]),
                wilson_interval(sure[rows]),
                wilson_interval(correct[rows & sure]),
            )
        )
    return tuple(slices)
