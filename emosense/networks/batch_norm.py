"""Batch normalisation (Ioffe & Szegedy 2015, arXiv:1502.03167) for training only.

It speeds up learning, but in inference it is a fixed scale and shift per channel, which the
weights before it can take in. Networks are therefore trained with it and saved without it: fewer
parameters, the same outputs. By convention the normalisation of the layer ``x`` is named
``x_norm``; between the two may stand what commutes with a scale above 0, such as max pooling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import keras

MOMENTUM: Final = 0.9
EPSILON: Final = 1e-3
NORM_SUFFIX: Final = "_norm"


def fold_batch_norm(trained: keras.Model, plain: keras.Model) -> keras.Model:
    """Merge each batch normalisation of a trained network into the layer that it belongs to.

    Args:
        trained: with batch normalisation; left as it is.
        plain: the same network with biases instead; its weights are set.

    Returns:
        ``plain``, which now computes what ``trained`` does in inference.
    """
    norms = dict(_normalised(trained))
    for layer in plain.layers:
        weights = [np.asarray(w, np.float64) for w in trained.get_layer(layer.name).get_weights()]
        if layer.name in norms:
            norm = norms[layer.name]
            gamma, beta, mean, variance = (np.asarray(w, np.float64) for w in norm.get_weights())
            scale = gamma / np.sqrt(variance + norm.epsilon)
            weights = [weights[0] * scale, beta - mean * scale]
        layer.set_weights(weights)
    return plain


def unfold_batch_norm(plain: keras.Model, untrained: keras.Model, faces: Any) -> keras.Model:
    """Undo :func:`fold_batch_norm`, so that folded weights can be trained further.

    The statistics that folding dropped are measured anew on ``faces``. Each filter gets the
    length that He initialisation gives it: batch normalisation makes the outputs indifferent to
    it, but it decides how far a training step turns the filter.

    Args:
        plain: the folded network, with biases.
        untrained: the same network with batch normalisation; its weights are set.
        faces: (n, 48, 48, 1) float32 in 0..1, as training shows them.

    Returns:
        ``untrained``, which now computes what ``plain`` does, in inference and, for ``faces``,
        in training.
    """
    import keras

    norms = dict(_normalised(untrained))
    for layer in untrained.layers:
        if layer.weights and layer.name not in norms and layer not in norms.values():
            layer.set_weights(plain.get_layer(layer.name).get_weights())
    # In the order of the data: what reaches a normalisation depends on all before it.
    for name, norm in norms.items():
        kernel, bias = plain.get_layer(name).get_weights()
        axes = tuple(range(kernel.ndim - 1))
        length = np.sqrt(2 / np.maximum((kernel.astype(np.float64) ** 2).sum(axes), 1e-12))
        untrained.get_layer(name).set_weights([kernel * length])
        seen = keras.Model(untrained.input, norm.input).predict(faces, batch_size=256, verbose=0)
        axes = tuple(range(seen.ndim - 1))
        mean, variance = seen.mean(axes, np.float64), seen.astype(np.float64).var(axes)
        gamma = np.sqrt(variance + norm.epsilon) / length
        norm.set_weights([gamma, bias + mean / length, mean, variance])
    return untrained


def _normalised(model: keras.Model) -> list[tuple[str, Any]]:
    """Return (name of a layer, its batch normalisation), in the order of the data."""
    return [
        (layer.name.removesuffix(NORM_SUFFIX), layer)
        for layer in model.layers
        if layer.name.endswith(NORM_SUFFIX)
    ]
