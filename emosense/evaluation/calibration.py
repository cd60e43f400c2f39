"""Fits a model's calibration on the images it was chosen on, never on the final test."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.optimize import minimize_scalar

from emosense.evaluation.predictions import Predictions
from emosense.evaluation.trust import coverage_curve
from emosense.networks.calibration import Calibration

SURE_ACCURACY: Final = 0.75
"""Share of right answers that "sure" stands for: three of four."""

NEVER: Final = 1.01
"""A threshold that no probability reaches."""

_FEWEST = 30
_RANGE = (0.05, 20.0)


def fit_calibration(raw: Predictions, part: str) -> Calibration:
    """Fit temperature and threshold.

    The temperature minimises the cross-entropy (Guo et al. 2017, arXiv:1706.04599). The
    threshold is the lowest that answers with :data:`SURE_ACCURACY`; it is chosen without the
    images that also stand in Training, because new photos never do.

    Args:
        raw: uncalibrated predictions.
        part: the name of their images.
    """
    rows = np.arange(len(raw))

    def loss(log_temperature: float) -> float:
        found = Calibration(float(np.exp(log_temperature))).apply(raw.probabilities)
        chosen = found[rows, raw.labels.astype(np.intp)].astype(float)
        return float(-np.log(np.maximum(chosen, 1e-7)).mean())

    best = minimize_scalar(loss, bounds=tuple(np.log(_RANGE)), method="bounded")
    temperature = round(float(np.exp(best.x)), 4)
    fresh = raw if raw.copy.all() else raw.without_copies()
    calibrated = fresh.calibrated(Calibration(temperature))
    curve = coverage_curve(calibrated)
    enough = np.flatnonzero(curve.accuracy >= SURE_ACCURACY)
    if len(enough) == 0 or enough[-1] + 1 < min(_FEWEST, len(fresh)):
        return Calibration(temperature, NEVER, SURE_ACCURACY, 0.0, part)
    last = int(enough[-1])
    return Calibration(
        temperature,
        float(curve.threshold[last]),
        SURE_ACCURACY,
        round(float(curve.coverage[last]), 4),
        part,
    )
