"""YuNet on ONNX Runtime (CPU): 2 to 3 times as fast as OpenCV's own implementation."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosense.faces.backends.base import TOP_K
from emosense.faces.backends.weights import yunet_onnx
from emosense.faces.nms import non_max_suppression
from emosense.runtime.onnx_session import onnx_session

_STRIDES: Final = (8, 16, 32)


class OnnxYuNet:
    """YuNet on ONNX Runtime; decoding follows OpenCV's ``FaceDetectorYN``.

    Source of the decoding: modules/objdetect/src/face_detect.cpp, Apache-2.0.

    >>> OnnxYuNet().detect(np.zeros((1, 64, 64, 3), np.uint8), 0.7)[0].shape
    (0, 15)
    """

    label = "YuNet (ONNX Runtime, CPU)"
    on_gpu = False

    def __init__(self) -> None:
        self._session = onnx_session(_dynamic_shape_graph(), dynamic_shapes=True)

    def detect(
        self, images: npt.NDArray[np.uint8], threshold: float
    ) -> list[npt.NDArray[np.float32]]:
        """Detect faces; see :meth:`emosense.faces.backends.base.DetectorBackend.detect`."""
        # One image at a time: ONNX Runtime is slower on batches of this network.
        return [self._detect_image(image, threshold) for image in images]

    def _detect_image(
        self, image: npt.NDArray[np.uint8], threshold: float
    ) -> npt.NDArray[np.float32]:
        batch = np.ascontiguousarray(image.transpose(2, 0, 1)[np.newaxis], np.float32)
        outputs: Any = self._session.run(None, {"input": batch})
        decoded = []
        for level, stride in enumerate(_STRIDES):
            classes, objectness, boxes, offsets = (
                outputs[3 * head + level][0] for head in range(4)
            )
            score = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objectness[:, 0], 0, 1))
            (indices,) = np.nonzero(score >= threshold)
            columns = image.shape[1] // stride
            cell = np.stack([indices % columns, indices // columns], 1).astype(np.float32)
            centre = (boxes[indices, 0:2] + cell) * stride
            size = np.exp(boxes[indices, 2:4]) * stride
            landmarks = (offsets[indices] + np.tile(cell, 5)) * stride
            decoded.append(
                np.hstack([centre - size / 2, size, landmarks, score[indices, np.newaxis]])
            )
        candidates = np.concatenate(decoded).astype(np.float32)
        best = np.argsort(-candidates[:, 14], kind="stable")[:TOP_K]
        return non_max_suppression(candidates[best], threshold)


def _dynamic_shape_graph() -> bytes:
    """Return the ONNX graph with dynamic height and width instead of its fixed 640x640 input."""
    import onnx

    model = onnx.load_from_string(yunet_onnx())
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    dimensions[2].dim_param, dimensions[3].dim_param = "height", "width"
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    graph: bytes = model.SerializeToString()
    return graph
