"""Fits temperature and abstention threshold on the validation split, never on the final test."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar

from emosense.evaluation.predictions import Predictions
from emosense.evaluation.selective import coverage_curve
from emosense.networks.temperature_scaling import Calibration

TARGET_ACCURACY: Final = 0.75
"""Accuracy when answered that the abstention threshold is chosen for: three of four."""

ALWAYS_ABSTAIN: Final = 1.01
"""A threshold that no probability reaches."""

_FEWEST = 30
_RANGE = (0.05, 20.0)


def fit_calibration(raw: Predictions, part: str) -> Calibration:
    """Fit temperature and threshold.

    The temperature minimises the cross-entropy (Guo et al. 2017, arXiv:1706.04599). The
    threshold is the lowest that answers with :data:`TARGET_ACCURACY`; it is chosen without the
    images that also stand in Training, because new photos never do.

    Args:
        raw: uncalibrated predictions.
        part: the name of their images.
    """
    rows = np.arange(len(raw))

    def loss(log_temperature: float) -> float:
        found = Calibration(temperature=float(np.exp(log_temperature))).apply(raw.probabilities)
        of_label = found[rows, raw.labels.astype(np.intp)].astype(float)
        return float(-np.log(np.maximum(of_label, 1e-7)).mean())

    best = minimize_scalar(loss, bounds=tuple(np.log(_RANGE)), method="bounded")
    temperature = round(float(np.exp(best.x)), 4)
    fresh = raw if raw.is_duplicate.all() else raw.without_duplicates()
    calibrated = fresh.calibrated(Calibration(temperature=temperature))
    curve = coverage_curve(calibrated)
    enough = np.flatnonzero(curve.accuracy >= TARGET_ACCURACY)
    if len(enough) == 0 or enough[-1] + 1 < min(_FEWEST, len(fresh)):
        return Calibration(
            temperature=temperature,
            threshold=ALWAYS_ABSTAIN,
            accuracy=TARGET_ACCURACY,
            coverage=0.0,
            part=part,
        )
    last = int(enough[-1])
    return Calibration(
        temperature=temperature,
        threshold=float(curve.threshold[last]),
        accuracy=TARGET_ACCURACY,
        coverage=round(float(curve.coverage[last]), 4),
        part=part,
    )
