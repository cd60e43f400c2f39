"""YuNet on the CPU, by ONNX Runtime: 2 to 3 times as fast as OpenCV's own implementation."""

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
    """ONNX Runtime runs the graph; decoding follows OpenCV's ``FaceDetectorYN``.

    Source of the decoding: modules/objdetect/src/face_detect.cpp, Apache-2.0.

    >>> OnnxYuNet().detect(np.zeros((1, 64, 64, 3), np.uint8), 0.7)[0].shape
    (0, 15)
    """

    label = "YuNet (ONNX Runtime, CPU)"
    on_gpu = False

    def __init__(self) -> None:
        self._session = onnx_session(_of_any_size(), many_sizes=True)

    def detect(
        self, canvases: npt.NDArray[np.uint8], threshold: float
    ) -> list[npt.NDArray[np.float32]]:
        """See :class:`~emosense.faces.backends.base.DetectorBackend`."""
        # One by one: batches are slower here.
        return [self._one(canvas, threshold) for canvas in canvases]

    def _one(self, canvas: npt.NDArray[np.uint8], threshold: float) -> npt.NDArray[np.float32]:
        planes = np.ascontiguousarray(canvas.transpose(2, 0, 1)[np.newaxis], np.float32)
        outputs: Any = self._session.run(None, {"input": planes})
        tables = []
        for level, stride in enumerate(_STRIDES):
            classes, objects, boxes, points = (outputs[kind * 3 + level][0] for kind in range(4))
            score = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objects[:, 0], 0, 1))
            (candidates,) = np.nonzero(score >= threshold)
            columns = canvas.shape[1] // stride
            place = np.stack([candidates % columns, candidates // columns], 1).astype(np.float32)
            centre = (boxes[candidates, 0:2] + place) * stride
            size = np.exp(boxes[candidates, 2:4]) * stride
            landmarks = (points[candidates] + np.tile(place, 5)) * stride
            tables.append(
                np.hstack([centre - size / 2, size, landmarks, score[candidates, np.newaxis]])
            )
        table = np.concatenate(tables).astype(np.float32)
        best = np.argsort(-table[:, 14], kind="stable")[:TOP_K]
        return non_max_suppression(table[best], threshold)


def _of_any_size() -> bytes:
    """Return the graph with its fixed 640x640 input opened to any size."""
    import onnx

    model = onnx.load_from_string(yunet_onnx())
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    dimensions[2].dim_param, dimensions[3].dim_param = "height", "width"
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    opened: bytes = model.SerializeToString()
    return opened
