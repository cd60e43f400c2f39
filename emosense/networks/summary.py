"""Layer summary of a network: parameters and floating point operations per layer."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def layer_summary(network: keras.Model) -> list[dict[str, Any]]:
    """Return one row per layer, without the input layer.

    Returns:
        Dicts with ``name``, ``type`` (Keras class), ``output`` (shape for one face),
        ``parameters`` and ``flops`` (for one face: two for each multiply-accumulate of
        convolutions and dense layers; other layers are negligible and count as 0).
    """
    return [
        {
            "name": layer.name,
            "type": layer.__class__.__name__,
            "output": list(layer.output.shape[1:]),
            "parameters": layer.count_params(),
            "flops": _flops(layer),
        }
        for layer in network.layers
        if layer.__class__.__name__ != "InputLayer"
    ]


def _flops(layer: keras.layers.Layer) -> int:
    import keras

    if isinstance(layer, keras.layers.Dense):
        return int(2 * prod(layer.kernel.shape))
    if isinstance(layer, keras.layers.Conv2D | keras.layers.DepthwiseConv2D):
        # Each kernel element is used once per output position.
        positions = prod(layer.output.shape[1:3])
        return int(2 * prod(layer.kernel.shape) * positions)
    return 0
