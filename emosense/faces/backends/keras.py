"""YuNet as a Keras 3 model: batched inference, decoding and top-k run on the device.

Architecture and decoding follow the ONNX graph and OpenCV's ``FaceDetectorYN``
(modules/objdetect/src/face_detect.cpp, Apache-2.0). Only non-maximum
suppression runs on the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from emosense.faces.backends.base import TOP_K
from emosense.faces.backends.weights import yunet_onnx
from emosense.faces.nms import non_max_suppression
from emosense.runtime.device import compiled_call, device_label, has_gpu

_STRIDES: Final = (8, 16, 32)
_MAX_BATCH: Final = 32
# Output channels of each (pointwise, depthwise) unit of the backbone; "pool" is 2x2 max pooling.
_BACKBONE: Final = (16, "pool", 16, 32, 32, 64, "pool", 64, 64, "pool", 64, 64, "pool", 64, 64)


class KerasYuNet:
    """YuNet on the Keras backend, on GPU or CPU. Thread-safe: detection keeps no state.

    >>> KerasYuNet().detect(np.zeros((1, 64, 64, 3), np.uint8), 0.7)[0].shape
    (0, 15)
    """

    def __init__(self) -> None:
        self.label = f"YuNet (Keras, {device_label()})"
        self.on_gpu = has_gpu()
        self._model = build_yunet()
        self._call = compiled_call(self._candidates)

    def detect(
        self, images: npt.NDArray[np.uint8], threshold: float
    ) -> list[npt.NDArray[np.float32]]:
        """Detect faces; see :meth:`emosense.faces.backends.base.DetectorBackend.detect`."""
        results: list[npt.NDArray[np.float32]] = []
        for start in range(0, len(images), _MAX_BATCH):
            candidates = ops.convert_to_numpy(self._call(images[start : start + _MAX_BATCH]))
            results += [non_max_suppression(rows, threshold) for rows in candidates]
        return results

    def _candidates(self, images: Any) -> Any:
        """Map (n, h, w, 3) uint8 images to (n, top_k, 15) float32 candidates, best first."""
        decoded = []
        for stride, level in zip(_STRIDES, self._model(ops.cast(images, "float32")), strict=True):
            rows, columns = int(level.shape[1]), int(level.shape[2])
            x = ops.reshape(ops.tile(ops.arange(columns, dtype="float32"), [rows]), (-1, 1))
            y = ops.reshape(ops.repeat(ops.arange(rows, dtype="float32"), columns), (-1, 1))
            flat = ops.reshape(level, (-1, rows * columns, 16))
            # Geometric mean of class and objectness scores, as in OpenCV, in float32.
            score = ops.sqrt(ops.sigmoid(flat[..., 0:1]) * ops.sigmoid(flat[..., 1:2]))
            centre = (flat[..., 2:4] + ops.concatenate([x, y], 1)) * stride
            size = ops.exp(flat[..., 4:6]) * stride
            landmarks = (flat[..., 6:16] + ops.tile(ops.concatenate([x, y], 1), [1, 5])) * stride
            decoded.append(ops.concatenate([centre - size / 2, size, landmarks, score], -1))
        candidates = ops.concatenate(decoded, 1)
        _, best = ops.top_k(candidates[..., 14], min(TOP_K, int(candidates.shape[1])))
        return ops.take_along_axis(candidates, best[..., None], axis=1)


def build_yunet() -> keras.Model:
    """Build the YuNet model with its pretrained weights.

    Returns:
        A model that maps (n, h, w, 3) float32 BGR images in 0..255, with h and w multiples of 32,
        to three feature maps (n, h/s, w/s, 16) for strides s of 8, 16 and 32. Their channels are
        the raw class and objectness scores, the box (4) and the landmarks (10).
    """
    weights = _onnx_convolutions()

    def conv(x: Any, strides: int = 1) -> Any:
        kernel, bias = next(weights)
        filters, inputs_per_group, kernel_size, _ = kernel.shape
        if kernel_size == 3:
            # Explicit zero padding on all sides: "same" pads stride 2 on one side only.
            x = layers.ZeroPadding2D(1)(x)
        if inputs_per_group == 1 and x.shape[-1] == filters:
            layer: Any = layers.DepthwiseConv2D(kernel_size)
            kernel = kernel.transpose(2, 3, 0, 1)
        else:
            layer = layers.Conv2D(filters, kernel_size, strides=strides)
            kernel = kernel.transpose(2, 3, 1, 0)
        y = layer(x)
        layer.set_weights([kernel, bias])
        return y

    def unit(x: Any) -> Any:
        return layers.ReLU()(conv(conv(x)))

    inputs = keras.Input((None, None, 3))
    x = layers.ReLU()(conv(inputs, strides=2))
    feature_maps = []
    for channels in _BACKBONE:
        if channels == "pool":
            feature_maps.append(x)
            x = layers.MaxPooling2D(2)(x)
        else:
            x = unit(x)
    top = unit(x)
    middle = unit(layers.Add()([feature_maps[-1], layers.UpSampling2D(2)(top)]))
    bottom = unit(layers.Add()([feature_maps[-2], layers.UpSampling2D(2)(middle)]))
    levels = (bottom, middle, top)
    # The ONNX graph orders the heads: class, box, objectness, landmarks, each for three levels.
    heads = [[conv(conv(level)) for level in levels] for _ in range(4)]
    outputs = [
        layers.Concatenate()([heads[0][i], heads[2][i], heads[1][i], heads[3][i]])
        for i in range(len(levels))
    ]
    return keras.Model(inputs, outputs, name="yunet")


def _onnx_convolutions() -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Yield kernels (out, in/groups, h, w) and biases (out,) in the order of the ONNX graph."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(yunet_onnx()).graph
    weights = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    for node in graph.node:
        if node.op_type == "Conv":
            yield weights[node.input[1]], weights[node.input[2]]
