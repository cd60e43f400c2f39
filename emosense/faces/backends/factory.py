"""Factory of detector backends."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosense.errors import DetectorError
from emosense.faces.backends.base import DetectorBackend
from emosense.runtime.gpu import GpuFallback, cpu_backend

BACKENDS: Final = ("auto", "onnx", "opencv", "cuda", "keras")


def create_detector_backend(name: str = "auto") -> DetectorBackend:
    """Create a detector backend.

    Args:
        name: ``onnx`` or ``opencv`` (CPU); ``cuda`` (GPU, by ONNX Runtime); ``keras`` (any device of
            the Keras backend); or ``auto``: ``cuda`` where it works, else ``keras`` if the Keras
            backend has a GPU, else ``onnx``. A GPU that belongs to another process or fails is
            replaced by the CPU.

    Raises:
        DetectorError: the name is unknown, or the weights are missing or damaged.
    """
    if name not in BACKENDS:
        raise DetectorError(f"Expected a backend of {', '.join(BACKENDS)}. Received: {name!r}")
    if name == "opencv":
        from emosense.faces.backends.opencv import OpenCvYuNet

        return OpenCvYuNet()
    if name == "onnx":
        return _onnx()
    return _FallbackYuNet(name)


def _onnx() -> DetectorBackend:
    from emosense.faces.backends.onnx import OnnxYuNet

    return OnnxYuNet()


def _cuda() -> DetectorBackend:
    from emosense.faces.backends.cuda import CudaYuNet

    return CudaYuNet()


def _keras() -> DetectorBackend:
    from emosense.faces.backends.keras import KerasYuNet

    return KerasYuNet()


class _FallbackYuNet:
    """YuNet on the GPU as long as that works, and on the CPU."""

    def __init__(self, name: str) -> None:
        self._fallback = GpuFallback[Any](
            name,
            {"cuda": _cuda, "keras": _keras},
            lambda: _keras() if cpu_backend(name) == "keras" else _onnx(),
        )

    @property
    def label(self) -> str:
        return self._fallback.label

    @property
    def on_gpu(self) -> bool:
        return self._fallback.on_gpu

    def detect(
        self, images: npt.NDArray[np.uint8], threshold: float
    ) -> list[npt.NDArray[np.float32]]:
        found: list[npt.NDArray[np.float32]] = self._fallback.call(
            lambda backend: backend.detect(images, threshold)
        )
        return found
