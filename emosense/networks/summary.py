"""A network's summary as data: one row per layer, with its cost."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras


def layer_summary(network: keras.Model) -> list[dict[str, Any]]:
    """Return a row per layer that computes something.

    Returns:
        Dicts with ``name``, ``type`` (Keras class), ``output`` (shape for one face),
        ``parameters`` and ``flops`` (for one face: two for each multiplication and addition
        of convolutions and dense layers; all else is small beside them and counted as 0).
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
        # A kernel element meets every output position once.
        positions = prod(layer.output.shape[1:3])
        return int(2 * prod(layer.kernel.shape) * positions)
    return 0
