"""Fits temperature scaling and the abstention threshold on the validation split."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar

from emosense.evaluation.predictions import DegradedPredictions, Predictions
from emosense.evaluation.selective import coverage_curve
from emosense.networks.temperature_scaling import (
    Calibration,
    QualityCalibration,
    ReliabilityCell,
)

TARGET_ACCURACY: Final = 0.75
"""Accuracy that the abstention threshold is chosen for: three of four predictions correct."""

ALWAYS_ABSTAIN: Final = 1.01
"""A threshold above any probability."""

_MIN_ACCEPTED = 30
_TEMPERATURE_RANGE = (0.05, 20.0)
_SLOPE_RANGE = (-3.0, 3.0)
_MIN_THIRD = 300
"""Faces in a third of quality below which nothing is fitted by quality."""
_CELLS = 6


def fit_calibration(
    raw: Predictions, split: str, degraded: DegradedPredictions | None = None
) -> Calibration:
    """Fit temperature and abstention threshold.

    The temperature minimises the cross-entropy (Guo et al. 2017, arXiv:1706.04599). The
    threshold is the lowest at which the accepted predictions reach :data:`TARGET_ACCURACY`; it
    is chosen without images that have a duplicate in Training, because new photos have none.

    With degraded faces, both depend on the quality score: the logarithm of the temperature linearly,
    and the threshold by thirds of the scores of all faces that the detector finds, natural and
    degraded. In each third the accepted predictions reach the target by one standard error, because it
    is chosen as the lowest that does.

    Args:
        raw: uncalibrated predictions.
        split: name of the split that the predictions are of.
        degraded: uncalibrated predictions on degraded faces of that split.
    """
    found = raw.found
    if degraded is not None and found is not None:
        faces = _concatenated(
            raw.rows(found & _unique(raw)),
            degraded.predictions.rows(degraded.found & _unique(degraded.predictions)),
        )
        by_quality = _fit_by_quality(raw, split, faces)
        if by_quality is not None:
            return by_quality
    return _fit(raw, split)


def _fit(raw: Predictions, split: str) -> Calibration:
    def cross_entropy(log_temperature: float) -> float:
        return _cross_entropy(raw, Calibration(temperature=float(np.exp(log_temperature))))

    bounds = tuple(np.log(_TEMPERATURE_RANGE))
    minimum = minimize_scalar(cross_entropy, bounds=bounds, method="bounded")
    temperature = round(float(np.exp(minimum.x)), 4)
    unique = raw.rows(_unique(raw))
    threshold, coverage = _threshold(unique.calibrated(Calibration(temperature=temperature)))
    return Calibration(
        temperature=temperature,
        threshold=threshold,
        accuracy=TARGET_ACCURACY,
        coverage=round(coverage, 4),
        part=split,
    )


def _fit_by_quality(raw: Predictions, split: str, faces: Predictions) -> Calibration | None:
    """Fit by quality; None if that leaves too few faces in a third, e.g. as all scores are the same."""
    scores = faces.scores
    if scores is None or len(faces) < 3 * _MIN_THIRD:
        return None
    lowest, middle = (round(float(edge), 4) for edge in np.quantile(scores, [1 / 3, 2 / 3]))
    if np.bincount(np.digitize(scores, [lowest, middle]), minlength=3).min() < _MIN_THIRD:
        return None
    empty = [ReliabilityCell(low=0.0, images=1, accuracy=0.0)]

    def calibration(temperature: float, slope: float) -> Calibration:
        quality = QualityCalibration(
            slope=slope, edges=[lowest, middle], thresholds=[0.0] * 3, reliability=[empty] * 3
        )
        return Calibration(temperature=temperature, quality=quality)

    def cross_entropy(parameters: npt.NDArray[np.float64]) -> float:
        log_temperature, slope = map(float, parameters)
        return _cross_entropy(faces, calibration(math.exp(log_temperature), slope))

    log_range = (math.log(_TEMPERATURE_RANGE[0]), math.log(_TEMPERATURE_RANGE[1]))
    minimum = minimize(
        cross_entropy, np.zeros(2), bounds=[log_range, _SLOPE_RANGE], method="Nelder-Mead"
    )
    fitted = calibration(round(float(np.exp(minimum.x[0])), 4), round(float(minimum.x[1]), 4))
    assert fitted.quality is not None
    calibrated, thirds = faces.calibrated(fitted), fitted.quality.third(scores)
    by_third = [calibrated.rows(thirds == third) for third in range(3)]
    # Worse quality never needs less confidence.
    thresholds = [_threshold(of_third, standard_errors=1)[0] for of_third in by_third]
    thresholds = [max(thresholds[third:]) for third in range(3)]
    quality = QualityCalibration(
        slope=fitted.quality.slope,
        edges=fitted.quality.edges,
        thresholds=thresholds,
        reliability=[_cells(of_third) for of_third in by_third],
    )
    whole = Calibration(
        temperature=fitted.temperature,
        threshold=thresholds[1],
        accuracy=TARGET_ACCURACY,
        part=split,
        quality=quality,
    )
    unique = raw.rows(_unique(raw)).calibrated(whole)
    coverage = round(float(unique.sure(whole).mean()), 4)
    return whole.model_copy(update={"coverage": coverage})


def _threshold(predictions: Predictions, standard_errors: float = 0.0) -> tuple[float, float]:
    """Return the lowest threshold that reaches the target accuracy, and its coverage."""
    curve = coverage_curve(predictions)
    accepted = np.arange(1, len(predictions) + 1)
    spread = np.sqrt(TARGET_ACCURACY * (1 - TARGET_ACCURACY) / accepted)
    reached = np.flatnonzero(curve.accuracy >= TARGET_ACCURACY + standard_errors * spread)
    if len(reached) == 0 or reached[-1] + 1 < min(_MIN_ACCEPTED, len(predictions)):
        return ALWAYS_ABSTAIN, 0.0
    last = int(reached[-1])
    return float(curve.threshold[last]), float(curve.coverage[last])


def _cells(predictions: Predictions) -> list[ReliabilityCell]:
    """Return cells of equally many faces, by rising confidence."""
    confidence = predictions.probabilities.max(axis=1).astype(float)
    parts = np.array_split(np.argsort(confidence, kind="stable"), _CELLS)
    return [
        ReliabilityCell(
            low=0.0 if number == 0 else round(float(confidence[part[0]]), 4),
            images=len(part),
            accuracy=round(float(predictions.correct[part].mean()), 4),
        )
        for number, part in enumerate(parts)
        if len(part)
    ]


def _cross_entropy(raw: Predictions, calibration: Calibration) -> float:
    probabilities = raw.calibrated(calibration).probabilities
    rows = np.arange(len(raw))
    label_probability = probabilities[rows, raw.labels.astype(np.intp)].astype(float)
    return float(-np.log(np.maximum(label_probability, 1e-7)).mean())


def _unique(predictions: Predictions) -> npt.NDArray[np.bool_]:
    """Return which images have no duplicate in Training; all of them if each has one."""
    is_duplicate = predictions.is_duplicate
    return np.ones(len(predictions), bool) if is_duplicate.all() else ~is_duplicate


def _concatenated(first: Predictions, second: Predictions) -> Predictions:
    assert first.quality is not None
    assert second.quality is not None
    return Predictions(
        np.concatenate([first.labels, second.labels]),
        np.concatenate([first.probabilities, second.probabilities]),
        np.concatenate([first.is_duplicate, second.is_duplicate]),
        None,
        np.concatenate([first.quality, second.quality]),
    )
