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
from emosense.runtime.onnx_session import NetworkSession, arena_shrinkage

_STRIDES: Final = (8, 16, 32)
_MAX_BAND_PIXELS: Final = 6_300_000
"""Largest number of pixels that the network sees at once: about 70 bytes of memory each."""
_HALO: Final = 224
"""Rows above and below a band that influence its outputs; a multiple of the largest stride."""
_SMALL_PIXELS: Final = 128 * 128
"""Number of pixels up to which images go through the network together: it costs less than calls."""
_SMALL_BATCH: Final = 32
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
        self._session = NetworkSession(
            dynamic_shape_model().SerializeToString(), dynamic_shapes=True
        )

    def detect(
        self, images: npt.NDArray[np.uint8], threshold: float
    ) -> list[npt.NDArray[np.float32]]:
        """Detect faces; see :meth:`emosense.faces.backends.base.DetectorBackend.detect`."""
        count, height, width = images.shape[:3]
        if height * width <= _SMALL_PIXELS:
            return [
                rows
                for start in range(0, count, _SMALL_BATCH)
                for rows in self._detect_small(images[start : start + _SMALL_BATCH], threshold)
            ]
        # One image at a time: ONNX Runtime is slower on batches of large images.
        return [
            decode(self._feature_maps(image, last=index == count - 1), width, threshold)[0]
            for index, image in enumerate(images)
        ]

    def _detect_small(
        self, images: npt.NDArray[np.uint8], threshold: float
    ) -> list[npt.NDArray[np.float32]]:
        batch = np.ascontiguousarray(images.transpose(0, 3, 1, 2), np.float32)
        return decode(self._session.run({"input": batch}), images.shape[2], threshold)

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
            Twelve arrays (1, rows * columns, channels): heads by strides.
        """
        height, width = image.shape[:2]
        rows = _band_rows(height, width)
        maps: list[list[npt.NDArray[np.float32]]] = [[] for _ in range(4 * len(_STRIDES))]
        for top in range(0, height, rows):
            first, last_row = max(0, top - _HALO), min(height, top + rows + _HALO)
            batch = np.ascontiguousarray(
                image[first:last_row].transpose(2, 0, 1)[np.newaxis], np.float32
            )
            shrinks = last and top + rows >= height and height * width > _ORDINARY_PIXELS
            run_options = arena_shrinkage() if shrinks else None
            outputs = self._session.run({"input": batch}, run_options)
            for index, output in enumerate(outputs):
                stride = _STRIDES[index % len(_STRIDES)]
                columns = width // stride
                start = (top - first) // stride * columns
                stop = (min(height, top + rows) - first) // stride * columns
                maps[index].append(output[:, start:stop])
        return [parts[0] if len(parts) == 1 else np.concatenate(parts, 1) for parts in maps]


def decode(
    maps: Sequence[npt.NDArray[np.float32]], width: int, threshold: float
) -> list[npt.NDArray[np.float32]]:
    """Decode the feature maps of equally large images into detections.

    Args:
        maps: twelve arrays (n, rows * columns, channels): heads by strides.
        width: width of the images, in pixels.
        threshold: minimum score, in 0..1.

    Returns:
        n arrays (k, 15), as :meth:`OnnxYuNet.detect` returns them.
    """
    owners, levels = [], []
    for level, stride in enumerate(_STRIDES):
        classes, objectness, boxes, offsets = (maps[3 * head + level] for head in range(4))
        score = np.sqrt(np.clip(classes[..., 0], 0, 1) * np.clip(objectness[..., 0], 0, 1))
        owner, index = np.nonzero(score >= threshold)
        columns = width // stride
        cell = np.stack([index % columns, index // columns], 1).astype(np.float32)
        centre = (boxes[owner, index, 0:2] + cell) * stride
        size = np.exp(boxes[owner, index, 2:4]) * stride
        landmarks = (offsets[owner, index] + np.tile(cell, 5)) * stride
        owners.append(owner)
        levels.append(
            np.hstack([centre - size / 2, size, landmarks, score[owner, index, np.newaxis]])
        )
    of_image, candidates = np.concatenate(owners), np.concatenate(levels).astype(np.float32)
    return [_best(candidates[of_image == image], threshold) for image in range(len(maps[0]))]


def _best(candidates: npt.NDArray[np.float32], threshold: float) -> npt.NDArray[np.float32]:
    if len(candidates) < 2:
        return candidates
    best = np.argsort(-candidates[:, 14], kind="stable")[:TOP_K]
    return non_max_suppression(candidates[best], threshold)


def _band_rows(height: int, width: int) -> int:
    """Return the rows of a band without its surroundings, a multiple of the largest stride."""
    if height * width <= _MAX_BAND_PIXELS:
        return height
    bands = math.ceil(height / max(_HALO, _MAX_BAND_PIXELS // width - 2 * _HALO))
    return math.ceil(height / bands / _STRIDES[-1]) * _STRIDES[-1]


def dynamic_shape_model() -> Any:
    """Return YuNet's ONNX model for any number, height and width of images, not its 1 x 640 x 640."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_from_string(yunet_onnx())
    dimensions = model.graph.input[0].type.tensor_type.shape.dim
    dimensions[0].dim_param = "images"
    dimensions[2].dim_param, dimensions[3].dim_param = "height", "width"
    shapes = {node.input[1] for node in model.graph.node if node.op_type == "Reshape"}
    for item in model.graph.initializer:
        if item.name in shapes:  # [1, -1, channels]; 0 keeps the number of images
            _, *others = numpy_helper.to_array(item).tolist()
            item.CopyFrom(numpy_helper.from_array(np.array([0, *others]), item.name))
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    return model
