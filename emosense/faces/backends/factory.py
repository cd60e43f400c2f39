"""Factory of detector backends."""

from __future__ import annotations

from typing import Final

from emosense.errors import DetectorError
from emosense.faces.backends.base import DetectorBackend

BACKENDS: Final = ("auto", "onnx", "opencv", "keras")


def create_detector_backend(name: str = "auto") -> DetectorBackend:
    """Create a detector backend.

    Args:
        name: ``onnx`` or ``opencv`` (CPU), ``keras`` (any device of the Keras backend), or
            ``auto``: ``keras`` if the Keras backend has a GPU, else ``onnx``.

    Raises:
        DetectorError: the name is unknown, or the weights are missing or damaged.
    """
    if name not in BACKENDS:
        raise DetectorError(f"Expected a backend of {', '.join(BACKENDS)}. Received: {name!r}")
    if name == "opencv":
        from emosense.faces.backends.opencv import OpenCvYuNet

        return OpenCvYuNet()
    from emosense.runtime.device import has_gpu

    if name == "onnx" or (name == "auto" and not has_gpu()):
        from emosense.faces.backends.onnx import OnnxYuNet

        return OnnxYuNet()
    from emosense.faces.backends.keras import KerasYuNet

    return KerasYuNet()
