"""Interface of the detector backends."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

NMS_IOU: Final = 0.3
"""Intersection over union above which non-maximum suppression treats two boxes as the same face
(OpenCV's default for YuNet)."""

TOP_K: Final = 1000
"""Number of best candidates per image that enter non-maximum suppression."""


class DetectorBackend(Protocol):
    """A face detector that runs YuNet on a batch of equally sized images.

    Attributes:
        label: name of the backend and device, e.g. ``YuNet (OpenCV, CPU)``.
        on_gpu: whether the backend runs on a GPU.

    >>> from emosense.faces.backends.factory import create_detector_backend
    >>> backend: DetectorBackend = create_detector_backend("opencv")
    >>> backend.label
    'YuNet (OpenCV, CPU)'
    """

    @property
    def label(self) -> str: ...  # noqa: D102
    @property
    def on_gpu(self) -> bool: ...  # noqa: D102

    def detect(
        self, images: npt.NDArray[np.uint8], threshold: float
    ) -> list[npt.NDArray[np.float32]]:
        """Detect the faces of every image.

        Args:
            images: (n, h, w, 3) uint8 **BGR**; h and w are multiples of 32.
            threshold: minimum score, in 0..1.

        Returns:
            One (k, 15) float32 array per image, rows sorted by falling score: x, y, width,
            height, five landmarks (x, y), score; in pixels, not clamped to the image.
        """
        ...
