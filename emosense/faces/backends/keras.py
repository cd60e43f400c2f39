"""YuNet as a Keras 3 network: whole batches on the device, decoding and top-k included.

Architecture and decoding follow the ONNX graph and OpenCV's ``FaceDetectorYN``
(modules/objdetect/src/face_detect.cpp, Apache-2.0). Only the suppression of overlapping
boxes runs on the host.
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
# Channels after each (pointwise, depthwise) unit of the backbone; "pool" halves the map.
_BACKBONE: Final = (16, "pool", 16, 32, 32, 64, "pool", 64, 64, "pool", 64, 64, "pool", 64, 64)


class KerasYuNet:
    """The native engine. Thread-safe for calls, since it keeps no state between them.

    >>> KerasYuNet().detect(np.zeros((1, 64, 64, 3), np.uint8), 0.7)[0].shape
    (0, 15)
    """

    def __init__(self) -> None:
        self.label = f"YuNet (Keras, {device_label()})"
        self.on_gpu = has_gpu()
        self._network = build_yunet()
        self._call = compiled_call(self._candidates)

    def detect(
        self, canvases: npt.NDArray[np.uint8], threshold: float
    ) -> list[npt.NDArray[np.float32]]:
        """See :class:`~emosense.faces.backends.base.DetectorBackend`."""
        results: list[npt.NDArray[np.float32]] = []
        for start in range(0, len(canvases), _MAX_BATCH):
            tables = ops.convert_to_numpy(self._call(canvases[start : start + _MAX_BATCH]))
            results += [non_max_suppression(table, threshold) for table in tables]
        return results

    def _candidates(self, canvases: Any) -> Any:
        """Map (n, h, w, 3) uint8 to (n, top_k, 15) float32 candidates, best first."""
        tables = []
        for stride, level in zip(
            _STRIDES, self._network(ops.cast(canvases, "float32")), strict=True
        ):
            rows, columns = int(level.shape[1]), int(level.shape[2])
            x = ops.reshape(ops.tile(ops.arange(columns, dtype="float32"), [rows]), (-1, 1))
            y = ops.reshape(ops.repeat(ops.arange(rows, dtype="float32"), columns), (-1, 1))
            flat = ops.reshape(level, (-1, rows * columns, 16))
            # float32's square root of the product, as OpenCV takes it after clamping to 0..1.
            score = ops.sqrt(ops.sigmoid(flat[..., 0:1]) * ops.sigmoid(flat[..., 1:2]))
            centre = (flat[..., 2:4] + ops.concatenate([x, y], 1)) * stride
            size = ops.exp(flat[..., 4:6]) * stride
            points = (flat[..., 6:16] + ops.tile(ops.concatenate([x, y], 1), [1, 5])) * stride
            tables.append(ops.concatenate([centre - size / 2, size, points, score], -1))
        table = ops.concatenate(tables, 1)
        _, best = ops.top_k(table[..., 14], min(TOP_K, int(table.shape[1])))
        return ops.take_along_axis(table, best[..., None], axis=1)


def build_yunet() -> keras.Model:
    """Build YuNet with its weights.

    Returns:
        A model: (n, h, w, 3) float32 BGR in 0..255, sides multiples of 32 -> three maps
        (n, h/s, w/s, 16) for strides s of 8, 16, 32 with the raw outputs class, objectness,
        box (4), landmarks (10).
    """
    weights = _onnx_convolutions()

    def conv(x: Any, strides: int = 1) -> Any:
        kernel, bias = next(weights)
        outputs, inputs_per_group, side, _ = kernel.shape
        if side == 3:
            # Explicit zeros on all sides: "same" would pad stride 2 on one side only.
            x = layers.ZeroPadding2D(1)(x)
        if inputs_per_group == 1 and x.shape[-1] == outputs:
            layer: Any = layers.DepthwiseConv2D(side)
            kernel = kernel.transpose(2, 3, 0, 1)
        else:
            layer = layers.Conv2D(outputs, side, strides=strides)
            kernel = kernel.transpose(2, 3, 1, 0)
        y = layer(x)
        layer.set_weights([kernel, bias])
        return y

    def unit(x: Any) -> Any:
        return layers.ReLU()(conv(conv(x)))

    inputs = keras.Input((None, None, 3))
    x = layers.ReLU()(conv(inputs, strides=2))
    maps = []
    for step in _BACKBONE:
        if step == "pool":
            maps.append(x)
            x = layers.MaxPooling2D(2)(x)
        else:
            x = unit(x)
    top = unit(x)
    middle = unit(layers.Add()([maps[-1], layers.UpSampling2D(2)(top)]))
    bottom = unit(layers.Add()([maps[-2], layers.UpSampling2D(2)(middle)]))
    levels = (bottom, middle, top)
    # The graph stores its heads as class, box, objectness, landmarks, each for three levels.
    heads = [[conv(conv(level)) for level in levels] for _ in range(4)]
    outputs = [
        layers.Concatenate()([heads[0][i], heads[2][i], heads[1][i], heads[3][i]])
        for i in range(len(levels))
    ]
    return keras.Model(inputs, outputs, name="yunet")


def _onnx_convolutions() -> Iterator[tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]]:
    """Yield (kernel (out, in/groups, h, w), bias (out,)) in the graph's order."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(yunet_onnx()).graph
    arrays = {item.name: numpy_helper.to_array(item) for item in graph.initializer}
    for node in graph.node:
        if node.op_type == "Conv":
            yield arrays[node.input[1]], arrays[node.input[2]]
