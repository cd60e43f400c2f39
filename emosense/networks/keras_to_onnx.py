"""Converts a ``.keras`` archive to an ONNX graph, without Keras or TensorFlow.

ONNX Runtime outruns TensorFlow on CPUs (docs/speed.md), and a process that needs nothing else
starts sooner and is smaller. Only common layers of image classifiers are supported; a network
with any other layer runs in Keras.
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
    """The network has a layer, or a layer option, that cannot be converted to ONNX.

    >>> str(UnsupportedLayer("DepthwiseConv2D"))
    'DepthwiseConv2D'
    """


def keras_to_onnx(archive: bytes) -> bytes:
    """Convert a network to ONNX: (n, 48, 48) uint8 faces -> (n, 7) float32 probabilities.

    Args:
        archive: content of a ``.keras`` file with a functional model.

    Returns:
        The serialised ONNX model.

    Raises:
        UnsupportedLayer: a layer, or a layer option, cannot be converted.
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
    """Collects ONNX nodes and initialisers, layer by layer.

    Feature maps have the layout (n, channels, height, width) inside the graph.
    """

    def __init__(self, config: dict[str, Any], weights: dict[str, list[Array]]) -> None:
        self._weights = weights
        self._nodes: list[Any] = []
        self._constants: list[Any] = []
        # All networks take grey values in 0..1.
        self._add("Cast", ["faces"], "faces_float", to=1)
        self._add("Div", ["faces_float", self._constant("white", np.float32(255))], "unit")
        axes = self._constant("channel_axis", np.array([1], np.int64))
        self._add("Unsqueeze", ["unit", axes], "image")
        for layer in config["layers"]:
            self._layer(layer)
        self._add("Identity", [_only_output(config["output_layers"])], "probabilities")

    def model(self) -> bytes:
        """Return the checked, serialised ONNX model."""
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
        class_name, build_config = layer["class_name"], layer.get("build_config") or {}
        config = {**layer["config"], "input_shape": build_config.get("input_shape")}
        name, inputs = config["name"], list(_input_layers(layer["inbound_nodes"]))
        if class_name not in _LAYERS:
            raise UnsupportedLayer(class_name)
        _LAYERS[class_name](self, name, config, inputs)

    def _input(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        self._add("Identity", ["image"], name)

    def _dropout(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        self._add("Identity", inputs, name)

    def _convolution(self, name: str, config: dict[str, Any], inputs: list[str]) -> None:
        _require(config, data_format="channels_last", dilation_rate=[1, 1], groups=1)
        kernel, *bias = self._weights[name]
        names = [self._constant(f"{name}_kernel", kernel.transpose(3, 2, 0, 1))]
        names += [self._constant(f"{name}_bias", array) for array in bias]
        self._with_activation(
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
        self._with_activation("Gemm", [*inputs, *names], name, config["activation"])

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
        """Add a layer normalisation over a whole image, without scale and offset weights."""
        _require(config, axis=[1, 2, 3], scale=False, center=False)
        if config["input_shape"] is None:
            raise UnsupportedLayer("LayerNormalization of unknown size")
        _, height, width, channels = config["input_shape"]
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
        # Keras flattens feature maps with the channels last.
        self._add("Transpose", inputs, f"{name}_last", perm=[0, 2, 3, 1])
        self._add("Flatten", [f"{name}_last"], name)

    def _with_activation(
        self, op_type: str, inputs: list[str], name: str, activation: str, **attributes: Any
    ) -> None:
        if activation not in _ACTIVATIONS:
            raise UnsupportedLayer(f"activation {activation}")
        activation_op = _ACTIVATIONS[activation]
        if activation_op is None:
            self._add(op_type, inputs, name, **attributes)
            return
        self._add(op_type, inputs, f"{name}_linear", **attributes)
        axis = {"axis": 1} if activation_op == "Softmax" else {}
        self._add(activation_op, [f"{name}_linear"], name, **axis)

    def _add(self, op_type: str, inputs: list[str], output: str, **attributes: Any) -> None:
        from onnx import helper

        self._nodes.append(helper.make_node(op_type, inputs, [output], **attributes))

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
    "FusedBatchNormalization": _Graph._batch_norm,
    "LayerNormalization": _Graph._standardise,
    "ReLU": _Graph._relu,
    "Add": _Graph._sum,
    "GlobalAveragePooling2D": _Graph._average,
    "Flatten": _Graph._flatten,
}
_PADDING = {"valid": "VALID", "same": "SAME_UPPER"}
_ACTIVATIONS = {"linear": None, "relu": "Relu", "softmax": "Softmax"}


def _only_output(outputs: list[Any]) -> str:
    """Return the name of the output layer, which is stored as [name, 0, 0] or [[name, 0, 0]]."""
    output = outputs if isinstance(outputs[0], str) else outputs[0]
    if output is not outputs and len(outputs) > 1:
        raise UnsupportedLayer("several outputs")
    return str(output[0])


def _require(config: dict[str, Any], **expected: Any) -> None:
    for key, value in expected.items():
        if config.get(key) != value:
            raise UnsupportedLayer(f"{key} {config.get(key)!r}")


def _input_layers(node: Any) -> Iterator[str]:
    """Yield the names of the layers whose outputs are inputs of a serialised layer call."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            yield node["config"]["keras_history"][0]
        else:
            for value in node.values():
                yield from _input_layers(value)
    elif isinstance(node, list):
        for value in node:
            yield from _input_layers(value)
