"""The interface of detector backends."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

NMS_IOU: Final = 0.3
"""Intersection over union above which two boxes are one face (OpenCV's default for YuNet)."""

TOP_K: Final = 1000
"""Candidates per image that enter non-maximum suppression."""


class DetectorBackend(Protocol):
    """Runs YuNet over canvases of one size.

    Attributes:
        label: backend and device, e.g. ``YuNet (OpenCV, CPU)``.
        on_gpu: whether it runs on a GPU.

    >>> from emosense.faces.backends.factory import create_detector_backend
    >>> create_detector_backend("opencv").label
    'YuNet (OpenCV, CPU)'
    """

    label: str
    on_gpu: bool

    def detect(
        self, canvases: npt.NDArray[np.uint8], threshold: float
    ) -> list[npt.NDArray[np.float32]]:
        """Detect the faces of every canvas.

        Args:
            canvases: (n, h, w, 3) uint8 **BGR**; h and w are multiples of 32.
            threshold: lowest score, in 0..1.

        Returns:
            One (k, 15) float32 array per canvas, sorted by score: x, y, width, height, five
            landmarks (x, y), score; in canvas pixels, not clamped.
        """
        ...
