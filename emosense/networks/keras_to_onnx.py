"""Converts a ``.keras`` archive into an ONNX graph, without Keras or TensorFlow.

ONNX Runtime outruns TensorFlow on CPUs (docs/speed.md), and a process that needs nothing else starts
sooner and is smaller. Only the layers that image classifiers are made of are known; a network
with any other runs in Keras.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from emosense.emotions import INPUT_SIZE

_OPSET = 17
Array = npt.NDArray[np.float32]


class UnsupportedLayer(Exception):
    """The network has a layer (or an option of one) that cannot be converted to ONNX.

    >>> raise UnsupportedLayer("LSTM")
    Traceback (most recent call last):
    emosense.networks.keras_to_onnx.UnsupportedLayer: LSTM
    """


def keras_to_onnx(archive: bytes) -> bytes:
    """Return the graph of a network: (n, 48, 48) uint8 faces -> (n, 7) float32 probabilities.

    Args:
        archive: the content of a ``.keras`` file with a functional model.

    Raises:
        UnsupportedLayer: a layer, or an option of one, that has no conversion.
    """
    import h5py

    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        config = json.loads(files.read("config.json"))
        with h5py.File(io.BytesIO(files.read("model.weights.h5"))) as file:
            weights = {
                group.attrs["name"]: [
                    np.asarray(group[str(index)], np.float32) for index in range(len(group))
                ]
                for layer in file["layers"].values()
                for group in [layer["vars"]]
            }
    if config.get("class_name") != "Functional":
        raise UnsupportedLayer(str(config.get("class_name")))
    return _Graph(config["config"], weights).model()


class _Graph:
    """Collects nodes and constants, layer by layer; maps are (n, channels, h, w) inside."""

    def __init__(self, config: dict[str, Any], weights: dict[str, list[Array]]) -> None:
        self._weights = weights
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        # Scaled as all networks take it.
        self._add("Cast", ["faces"], "faces_float", to=1)
        self._add("Div", ["faces_float", self._constant("white", np.float32(255))], "unit")
        axes = self._constant("channel_axis", np.array([1], np.int64))
        self._add("Unsqueeze", ["unit", axes], "image")
        for layer in config["layers"]:
            self._layer(layer)
        self._add("Identity", [_only_output(config["output_layers"])], "probabilities")

    def model(self) -> bytes:
        """Return the finished model."""
        from onnx import TensorProto, checker, helper

        graph = helper.make_graph(
            self._nodes,
            "emosense",
            [
                helper.make_tensor_value_info(
                    "faces", TensorProto.UINT8, ["n", INPUT_SIZE, INPUT_SIZE]
                )
            ],
            [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 7])],
            self._constants,
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", _OPSET)], ir_version=8
        )
        checker.check_model(model)
        data: bytes = model.SerializeToString()
        return data

    def _layer(self, layer: dict[str, Any]) -> None:
        kind, built = layer["class_name"], layer.get("build_config") or {}
        config = {**layer["config"], "built_for": built.get("input_shape")}
        name, inputs = config["name"], list(_histories(layer["inbound_nodes"]))
        if kind not in _LAYERS:
            raise UnsupportedLayer(kind)
        _LAYERS[kind](self, name, config, inputs)

    def _input(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        self._add("Identity", ["image"], name)

    def _dropout(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        self._add("Identity", inputs, name)

    def _convolution(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        _require(config, data_format="channels_last", dilation_rate=[1, 1], groups=1)
        kernel, *bias = self._weights[name]
        names = [self._constant(f"{name}_kernel", kernel.transpose(3, 2, 0, 1))]
        names += [self._constant(f"{name}_bias", array) for array in bias]
        self._activated(
            "Conv",
            [*inputs, *names],
            name,
            config["activation"],
            strides=config["strides"],
            auto_pad=_PADDING[config["padding"]],
            kernel_shape=config["kernel_size"],
        )

    def _dense(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        kernel, *bias = self._weights[name]
        names = [self._constant(f"{name}_kernel", kernel)]
        names += [self._constant(f"{name}_bias", array) for array in bias]
        self._activated("Gemm", [*inputs, *names], name, config["activation"])

    def _max_pooling(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        _require(config, data_format="channels_last")
        self._add(
            "MaxPool",
            inputs,
            name,
            kernel_shape=config["pool_size"],
            strides=config["strides"],
            auto_pad=_PADDING[config["padding"]],
        )

    def _batch_norm(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        _require(config, axis=-1, scale=True, center=True)
        names = [
            self._constant(f"{name}_{index}", array)
            for index, array in enumerate(self._weights[name])
        ]
        self._add("BatchNormalization", [*inputs, *names], name, epsilon=config["epsilon"])

    def _standardise(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        """Only over all of a picture, without learned numbers."""
        _require(config, axis=[1, 2, 3], scale=False, center=False)
        if config["built_for"] is None:
            raise UnsupportedLayer("LayerNormalization of unknown size")
        _, height, width, channels = config["built_for"]
        scale = np.ones((channels, height, width), np.float32)
        names = [*inputs, self._constant(f"{name}_scale", scale)]
        self._add("LayerNormalization", names, name, axis=1, epsilon=config["epsilon"])

    def _relu(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        _require(config, max_value=None, negative_slope=0.0, threshold=0.0)
        self._add("Relu", inputs, name)

    def _sum(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        if len(inputs) != 2:
            raise UnsupportedLayer("Add of other than two")
        self._add("Add", inputs, name)

    def _average(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        _require(config, data_format="channels_last", keepdims=False)
        self._add("GlobalAveragePool", inputs, f"{name}_map")
        self._add("Flatten", [f"{name}_map"], name)

    def _flatten(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        # Keras' maps have their channels last.
        self._add("Transpose", inputs, f"{name}_last", perm=[0, 2, 3, 1])
        self._add("Flatten", [f"{name}_last"], name)

    def _activated(
        self, kind: str, inputs: list[str], name: str, activation: str, **options: Any
    ) -> None:
        if activation not in _ACTIVATIONS:
            raise UnsupportedLayer(f"activation {activation}")
        after = _ACTIVATIONS[activation]
        self._add(kind, inputs, name if after is None else f"{name}_linear", **options)
        if after is not None:
            self._add(
                after, [f"{name}_linear"], name, **({"axis": 1} if after == "Softmax" else {})
            )

    def _add(self, kind: str, inputs: list[str], output: str, **options: Any) -> None:
        from onnx import helper

        self._nodes.append(helper.make_node(kind, inputs, [output], **options))

    def _constant(self, name: str, array: npt.ArrayLike) -> str:
        from onnx import numpy_helper

        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name


_LAYERS = {
    "InputLayer": _Graph._input,
    "Dropout": _Graph._dropout,
    "Conv2D": _Graph._convolution,
    "Dense": _Graph._dense,
    "MaxPooling2D": _Graph._max_pooling,
    "BatchNormalization": _Graph._batch_norm,
    "LayerNormalization": _Graph._standardise,
    "ReLU": _Graph._relu,
    "Add": _Graph._sum,
    "GlobalAveragePooling2D": _Graph._average,
    "Flatten": _Graph._flatten,
}
_PADDING = {"valid": "VALID", "same": "SAME_UPPER"}
_ACTIVATIONS = {"linear": None, "relu": "Relu", "softmax": "Softmax"}


def _only_output(outputs: list[Any]) -> str:
    """Return the layer that gives the output; it is written as [name, 0, 0], or that in a list."""
    named = outputs if isinstance(outputs[0], str) else outputs[0]
    if named is not outputs and len(outputs) > 1:
        raise UnsupportedLayer("several outputs")
    return str(named[0])


def _require(config: dict[str, Any], **expected: Any) -> None:
    for key, value in expected.items():
        if config.get(key) != value:
            raise UnsupportedLayer(f"{key} {config.get(key)!r}")


def _histories(node: Any) -> Iterator[str]:
    """Yield the names of the layers whose outputs a serialised call takes."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            yield node["config"]["keras_history"][0]
        else:
            for value in node.values():
                yield from _histories(value)
    elif isinstance(node, list):
        for value in node:
            yield from _histories(value)
