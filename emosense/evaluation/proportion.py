"""Confidence intervals of a proportion: a fraction of images that have a property."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosense.evaluation.bootstrap import Interval

_Z: Final = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""


def wilson_interval(has_property: npt.NDArray[Any]) -> Interval:
    """Return a fraction with its 95 % Wilson score interval (Wilson 1927).

    Unlike the bootstrap's it is right for a few images, and for all or none of them (Brown, Cai and
    DasGupta 2001). SciPy's ``binomtest`` has the same interval behind an exact test, which takes a
    millisecond: too much for the hundreds of proportions of a page.

    Args:
        has_property: (n,) bool; n may be 0.

    Returns:
        The fraction and its bounds in 0..1; all NaN without images.

    >>> interval = wilson_interval(np.array([True, True, False, True]))
    >>> interval.value, round(interval.low, 3), round(interval.high, 3)
    (0.75, 0.301, 0.954)
    """
    n = len(has_property)
    if n == 0:
        return Interval(math.nan, math.nan, math.nan)
    fraction = float(np.count_nonzero(has_property)) / n
    centre = fraction + _Z**2 / (2 * n)
    spread = _Z * math.sqrt(fraction * (1 - fraction) / n + _Z**2 / (4 * n**2))
    scale = 1 + _Z**2 / n
    low, high = (centre - spread) / scale, (centre + spread) / scale
    # Rounding must not put a bound on the wrong side of 0, 1 or the fraction itself.
    return Interval(fraction, max(0.0, min(low, fraction)), min(1.0, max(high, fraction)))
