"""Quality score of a face: what its picture is worth to a network. Needs no image library."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

_INTERCEPT: Final = 0.854
DEFECT_WEIGHTS: Final = {
    "small": 0.175,
    "blurred": 0.41,
    "dark": 0.257,
    "overexposed": 0.092,
    "low contrast": 0.017,
    "tilted": 0.105,
    "turned aside": 0.219,
    "turned up or down": 0.0,
    "cut off": 0.37,
}
"""What a unit of each of :func:`defects` takes off the log-odds of a correct answer."""


def quality_scores(measures: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Return the quality scores of faces.

    A logistic regression of the networks' answers on what is poor about a face, fitted on PublicTest's
    faces as they are and degraded (``benchmarks/face_quality.py``; docs/confidence.md has the weights'
    origin), relative to its value for a face without faults. After ISO/IEC 29794-1, where the quality of
    a sample is what it is worth to a recogniser.

    Args:
        measures: (n, 8), the fields of :class:`emosense.results.FaceQuality` but the score; NaN counts
            as faultless.

    Returns:
        (n,) scores in 0..1; 1 is a face without faults.
    """
    logits = _INTERCEPT - defects(measures) @ np.array(list(DEFECT_WEIGHTS.values()))
    return np.asarray((1 + math.exp(-_INTERCEPT)) / (1 + np.exp(-logits)))


def defects(measures: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
    """Return what is poor about faces, each from 0 (faultless) to 4.

    Args:
        measures: (n, 8), as in :func:`quality_scores`.

    Returns:
        (n, k) in the order of :data:`DEFECT_WEIGHTS`.
    """
    size, sharpness, brightness, contrast, roll, yaw, pitch, cut_off = np.asarray(
        measures, np.float64
    ).T
    with np.errstate(divide="ignore"):
        columns = (
            np.log2(44 / size),
            np.log2(0.7 / sharpness),
            np.log2(0.3 / brightness),
            (brightness - 0.7) / 0.1,
            np.log2(0.14 / contrast),
            np.abs(roll) / 15,
            np.abs(yaw) / 15,
            np.abs(pitch) / 15,
            cut_off / 0.2,
        )
    stacked = np.nan_to_num(np.stack(columns, axis=1), nan=0.0)
    return np.asarray(np.clip(stacked, 0.0, 4.0), np.float64)
