"""Folding of batch normalisation (Ioffe & Szegedy 2015, arXiv:1502.03167) into weights.

Batch normalisation speeds up training, but in inference it is a fixed scale and shift per
channel, which can be folded into the weights of the layer before it. Networks are therefore
trained with it and saved without it: fewer parameters, the same predictions. By convention the
batch normalisation of the layer ``x`` is named ``x_norm``; layers that commute with a scale
above 0, such as max pooling, may stand between the two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import keras

MOMENTUM: Final = 0.9
EPSILON: Final = 1e-3
NORM_SUFFIX: Final = "_norm"


def fold_batch_norm(trained: keras.Model, folded: keras.Model) -> keras.Model:
    """Fold each batch normalisation of a trained network into the layer that it normalises.

    Args:
        trained: network with batch normalisation; it is not changed.
        folded: the same network with biases instead; its weights are set in place.

    Returns:
        ``folded``, which now computes what ``trained`` does in inference.
    """
    norms = dict(_batch_norms(trained))
    for layer in folded.layers:
        weights = [np.asarray(w, np.float64) for w in trained.get_layer(layer.name).get_weights()]
        if layer.name in norms:
            norm = norms[layer.name]
            gamma, beta, mean, variance = (np.asarray(w, np.float64) for w in norm.get_weights())
            scale = gamma / np.sqrt(variance + norm.epsilon)
            weights = [weights[0] * scale, beta - mean * scale]
        layer.set_weights(weights)
    return folded


def unfold_batch_norm(folded: keras.Model, untrained: keras.Model, faces: Any) -> keras.Model:
    """Undo :func:`fold_batch_norm`, so that folded weights can be fine-tuned.

    The batch statistics that folding discarded are estimated on ``faces``. Each filter is
    rescaled to the norm of He initialisation: batch normalisation makes the predictions
    independent of it, but it decides how far a training step rotates the filter.

    Args:
        folded: the network with folded batch normalisation, with biases.
        untrained: the same network with batch normalisation; its weights are set in place.
        faces: (n, 48, 48, 1) float32 training images in 0..1.

    Returns:
        ``untrained``, which now computes what ``folded`` does, in inference and, for ``faces``,
        in training.
    """
    import keras

    norms = dict(_batch_norms(untrained))
    for layer in untrained.layers:
        if layer.weights and layer.name not in norms and layer not in norms.values():
            layer.set_weights(folded.get_layer(layer.name).get_weights())
    # In forward order: the input of a batch normalisation depends on all layers before it.
    for name, norm in norms.items():
        kernel, bias = folded.get_layer(name).get_weights()
        axes = tuple(range(kernel.ndim - 1))
        factor = np.sqrt(2 / np.maximum((kernel.astype(np.float64) ** 2).sum(axes), 1e-12))
        untrained.get_layer(name).set_weights([kernel * factor])
        norm_input = keras.Model(untrained.input, norm.input)
        activations = norm_input.predict(faces, batch_size=256, verbose=0)
        axes = tuple(range(activations.ndim - 1))
        mean = activations.mean(axes, np.float64)
        variance = activations.astype(np.float64).var(axes)
        gamma = np.sqrt(variance + norm.epsilon) / factor
        norm.set_weights([gamma, bias + mean / factor, mean, variance])
    return untrained


def _batch_norms(model: keras.Model) -> list[tuple[str, Any]]:
    """Return (name of the normalised layer, its batch normalisation), in forward order."""
    return [
        (layer.name.removesuffix(NORM_SUFFIX), layer)
        for layer in model.layers
        if layer.name.endswith(NORM_SUFFIX)
    ]
