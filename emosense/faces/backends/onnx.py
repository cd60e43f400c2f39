"""YuNet on ONNX Runtime (CPU): 2 to 3 times as fast as OpenCV's own implementation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosense.faces.backends.base import TOP_K
from emosense.faces.backends.weights import yunet_onnx
from emosense.faces.nms import non_max_suppression
from emosense.runtime.onnx_session import arena_shrinkage, onnx_session

STRIDES: Final = (8, 16, 32)
_MAX_BAND_PIXELS: Final = 6_300_000
"""Largest number of pixels that the network sees at once: about 70 bytes of memory each."""
_HALO: Final = 224
"""Rows above and below a band that influence its outputs; a multiple of the largest stride."""
_ORDINARY_PIXELS: Final = 1_500_000
"""Number of pixels above which the memory of a run is returned to the system after it."""


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
        return [
            self._detect_image(image, threshold, last=index == len(images) - 1)
            for index, image in enumerate(images)
        ]

    def _detect_image(
        self, image: npt.NDArray[np.uint8], threshold: float, *, last: bool
    ) -> npt.NDArray[np.float32]:
        outputs = self._feature_maps(image, last=last)
        return decode(outputs, image.shape[1], threshold)

    def _feature_maps(
        self, image: npt.NDArray[np.uint8], *, last: bool
    ) -> list[npt.NDArray[np.float32]]:
        """Run the network on an image, in bands of rows if it is large.

        A band is evaluated with the rows around it that its outputs depend on, so the values are
        those of one run; at 4,096 x 4,096 pixels that would take 1.3 GB.

        Args:
            image: (h, w, 3) uint8 BGR; h and w are multiples of 32.
            last: whether to return the memory of a large image to the system.

        Returns:
            Twelve arrays (rows * columns, channels): heads by strides.
        """
        height, width = image.shape[:2]
        rows = _band_rows(height, width)
        maps: list[list[npt.NDArray[np.float32]]] = [[] for _ in range(4 * len(STRIDES))]
        for top in range(0, height, rows):
            first, last_row = max(0, top - _HALO), min(height, top + rows + _HALO)
            batch = np.ascontiguousarray(
                image[first:last_row].transpose(2, 0, 1)[np.newaxis], np.float32
            )
            shrinks = last and top + rows >= height and height * width > _ORDINARY_PIXELS
            run_options = arena_shrinkage() if shrinks else None
            outputs: Any = self._session.run(None, {"input": batch}, run_options)
            for index, output in enumerate(outputs):
                stride = STRIDES[index % len(STRIDES)]
                columns = width // stride
                start = (top - first) // stride * columns
                stop = (min(height, top + rows) - first) // stride * columns
                maps[index].append(output[0][start:stop])
        return [parts[0] if len(parts) == 1 else np.concatenate(parts) for parts in maps]


def decode(
    outputs: Sequence[npt.NDArray[np.float32]], width: int, threshold: float
) -> npt.NDArray[np.float32]:
    """Decode YuNet's outputs for one image, and apply non-maximum suppression.

    Args:
        outputs: twelve arrays (rows * columns, channels): class, objectness, box and landmarks, each
            for strides of 8, 16 and 32.
        width: width of the image in pixels.
        threshold: minimum score, in 0..1.

    Returns:
        (k, 15) rows as :meth:`emosense.faces.backends.base.DetectorBackend.detect` returns them.
    """
    decoded = []
    for level, stride in enumerate(STRIDES):
        classes, objectness, boxes, offsets = (outputs[3 * head + level] for head in range(4))
        score = np.sqrt(np.clip(classes[:, 0], 0, 1) * np.clip(objectness[:, 0], 0, 1))
        (indices,) = np.nonzero(score >= threshold)
        columns = width // stride
        cell = np.stack([indices % columns, indices // columns], 1).astype(np.float32)
        centre = (boxes[indices, 0:2] + cell) * stride
        size = np.exp(boxes[indices, 2:4]) * stride
        landmarks = (offsets[indices] + np.tile(cell, 5)) * stride
        decoded.append(np.hstack([centre - size / 2, size, landmarks, score[indices, np.newaxis]]))
    candidates = np.concatenate(decoded).astype(np.float32)
    best = np.argsort(-candidates[:, 14], kind="stable")[:TOP_K]
    return non_max_suppression(candidates[best], threshold)


def _band_rows(height: int, width: int) -> int:
    """Return the rows of a band without its surroundings, a multiple of the largest stride."""
    if height * width <= _MAX_BAND_PIXELS:
        return height
    bands = math.ceil(height / max(_HALO, _MAX_BAND_PIXELS // width - 2 * _HALO))
    return math.ceil(height / bands / STRIDES[-1]) * STRIDES[-1]


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
