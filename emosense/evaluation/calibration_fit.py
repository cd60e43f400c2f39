"""Fits temperature scaling and the abstention threshold on the validation split."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar

from emosense.evaluation.predictions import Predictions
from emosense.evaluation.selective import coverage_curve
from emosense.networks.temperature_scaling import Calibration

TARGET_ACCURACY: Final = 0.75
"""Accuracy that the abstention threshold is chosen for: three of four predictions correct."""

ALWAYS_ABSTAIN: Final = 1.01
"""A threshold above any probability."""

_MIN_ACCEPTED = 30
_TEMPERATURE_RANGE = (0.05, 20.0)


def fit_calibration(raw: Predictions, split: str) -> Calibration:
    """Fit temperature and abstention threshold.

    The temperature minimises the cross-entropy (Guo et al. 2017, arXiv:1706.04599). The
    threshold is the lowest at which the accepted predictions reach :data:`TARGET_ACCURACY`; it
    is chosen without images that have a duplicate in Training, because new photos have none.

    Args:
        raw: uncalibrated predictions.
        split: name of the split that the predictions are of.
    """
    rows = np.arange(len(raw))

    def cross_entropy(log_temperature: float) -> float:
        calibration = Calibration(temperature=float(np.exp(log_temperature)))
        probabilities = calibration.apply(raw.probabilities)
        label_probability = probabilities[rows, raw.labels.astype(np.intp)].astype(float)
        return float(-np.log(np.maximum(label_probability, 1e-7)).mean())

    bounds = tuple(np.log(_TEMPERATURE_RANGE))
    minimum = minimize_scalar(cross_entropy, bounds=bounds, method="bounded")
    temperature = round(float(np.exp(minimum.x)), 4)
    unique = raw if raw.is_duplicate.all() else raw.without_duplicates()
    curve = coverage_curve(unique.calibrated(Calibration(temperature=temperature)))
    reached = np.flatnonzero(curve.accuracy >= TARGET_ACCURACY)
    if len(reached) == 0 or reached[-1] + 1 < min(_MIN_ACCEPTED, len(unique)):
        return Calibration(
            temperature=temperature,
            threshold=ALWAYS_ABSTAIN,
            accuracy=TARGET_ACCURACY,
            coverage=0.0,
            part=split,
        )
    last = int(reached[-1])
    return Calibration(
        temperature=temperature,
        threshold=float(curve.threshold[last]),
        accuracy=TARGET_ACCURACY,
        coverage=round(float(curve.coverage[last]), 4),
        part=split,
    )
