"""YuNet on OpenCV's own implementation (CPU)."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from emosense.faces.backends.base import NMS_IOU, TOP_K
from emosense.faces.backends.weights import yunet_onnx

_MAX_INSTANCES: Final = 24


class OpenCvYuNet:
    """YuNet on ``cv2.FaceDetectorYN``, with an LRU cache of one instance per image size.

    An instance that gets alternating sizes plans its network anew each time, which doubles the
    cost. Not thread-safe.

    >>> OpenCvYuNet().detect(np.zeros((1, 64, 64, 3), np.uint8), 0.7)[0].shape
    (0, 15)
    """

    label = "YuNet (OpenCV, CPU)"
    on_gpu = False

    def __init__(self) -> None:
        self._model = np.frombuffer(yunet_onnx(), np.uint8)
        self._instances: OrderedDict[tuple[int, int], Any] = OrderedDict()

    def detect(
        self, images: npt.NDArray[np.uint8], threshold: float
    ) -> list[npt.NDArray[np.float32]]:
        """Detect faces; see :meth:`emosense.faces.backends.base.DetectorBackend.detect`."""
        height, width = images.shape[1:3]
        detector = self._instance(width, height)
        detector.setScoreThreshold(threshold)
        return [self._detect_image(detector, image) for image in images]

    def _instance(self, width: int, height: int) -> Any:
        size = (width, height)
        if size in self._instances:
            self._instances.move_to_end(size)
        else:
            self._instances[size] = cv2.FaceDetectorYN.create(
                "onnx", self._model, np.empty(0, np.uint8), size, 0.7, NMS_IOU, TOP_K
            )
            if len(self._instances) > _MAX_INSTANCES:
                self._instances.popitem(last=False)
        return self._instances[size]

    @staticmethod
    def _detect_image(detector: Any, image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        _, rows = detector.detect(image)
        if rows is None:
            return np.empty((0, 15), np.float32)
        detections: npt.NDArray[np.float32] = np.asarray(rows, np.float32)
        return detections[np.argsort(-detections[:, 14], kind="stable")]
