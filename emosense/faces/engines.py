"""What a detector engine is, and which one this machine gets."""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from emosense.errors import DetectorError

ENGINES: Final = ("auto", "onnx", "opencv", "keras")

NMS_IOU: Final = 0.3
"""Boxes that overlap more than this are one face (OpenCV's default for YuNet)."""

TOP_K: Final = 1000
"""Candidates per image that enter the suppression."""


class Engine(Protocol):
    """Runs YuNet over canvases of one size.

    Attributes:
        label: for people, e.g. ``YuNet (OpenCV, CPU)``.
    """

    label: str

    def find(
        self, canvases: npt.NDArray[np.uint8], threshold: float
    ) -> list[npt.NDArray[np.float32]]:
        """Find the faces of every canvas.

        Args:
            canvases: (n, h, w, 3) uint8 **BGR**; h and w are multiples of 32.
            threshold: lowest score, in 0..1.

        Returns:
            One (k, 15) float32 array per canvas, sorted by score: x, y, width, height, five
            landmarks (x, y), score; in canvas pixels, not clamped.
        """
        ...


def create_engine(name: str = "auto") -> Engine:
    """Return an engine.

    Args:
        name: ``onnx`` or ``opencv`` (CPU), ``keras`` (any device of the Keras backend), or
            ``auto``: ``keras`` when the backend has a GPU, otherwise ``onnx``.

    Raises:
        DetectorError: unknown name, or damaged weights.
    """
    if name not in ENGINES:
        raise DetectorError(f"Expected an engine of {', '.join(ENGINES)}. Received: {name!r}")
    if name == "opencv":
        from emosense.faces.yunet_opencv import OpenCvYuNet

        return OpenCvYuNet()
    from emosense.networks.device import has_gpu

    if name == "onnx" or (name == "auto" and not has_gpu()):
        from emosense.faces.yunet_onnx import OnnxYuNet

        return OnnxYuNet()
    from emosense.faces.yunet_keras import KerasYuNet

    return KerasYuNet()
