"""Widening of a trained network (Net2WiderNet; Chen et al. 2016, arXiv:1511.05641).

A wider network of the same depth starts as the narrower one: each channel is copied to several ones, and
whatever reads it splits its weight among the copies. The wider network therefore answers as the narrower
one does, and training goes on from there instead of from random weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from emosense.errors import TrainingError

if TYPE_CHECKING:
    import keras

Array = npt.NDArray[np.floating[Any]]

_NOISE: Final = 0.1
"""Standard deviation of the noise on widened kernels, relative to theirs: copies of a channel must differ."""


def widen(
    narrow: keras.Model, wide: keras.Model, seed: int = 0, noise: float = _NOISE
) -> keras.Model:
    """Give a network the weights of a narrower one.

    Args:
        narrow: a trained network of convolutions and dense layers with biases, without batch
            normalisation.
        wide: a network of the same layers by name, with as many channels or more; its weights are set
            in place. Layers of as many channels share which channel is a copy of which, so that sums of
            layers remain sums.
        seed: seed of the choice of copies, of their shares and of the noise.
        noise: standard deviation of the noise on widened kernels, relative to theirs; without it ``wide``
            answers as ``narrow`` does but for rounding.

    Returns:
        ``wide``.

    Raises:
        TrainingError: the networks differ in more than their widths.
    """
    rng = np.random.default_rng(seed)
    sources: dict[tuple[int, int], npt.NDArray[np.intp]] = {}

    def copies(channels: int, wanted: int) -> npt.NDArray[np.intp]:
        if wanted < channels:
            raise TrainingError(
                f"start: expected a network of at most {wanted} channels where {wide.name} has so many. "
                f"Received: {channels}"
            )
        if (channels, wanted) not in sources:
            drawn = rng.permutation(np.resize(rng.permutation(channels), wanted - channels))
            sources[channels, wanted] = np.concatenate([np.arange(channels), drawn])
        return sources[channels, wanted]

    ours = [layer.name for layer in wide.layers if layer.weights]
    theirs = [layer.name for layer in narrow.layers if layer.weights]
    if ours != theirs:
        raise TrainingError(
            f"start: expected a network with the layers of {wide.name}. Received: {narrow.name}"
        )
    for name in ours:
        kernel, bias = narrow.get_layer(name).get_weights()
        shape = wide.get_layer(name).get_weights()[0].shape
        if kernel.shape[:-2] != shape[:-2]:
            raise TrainingError(
                f"start: expected kernels of {shape[:-2]} in {name}. Received: {kernel.shape[:-2]}"
            )
        inputs = copies(kernel.shape[-2], shape[-2])
        outputs = copies(kernel.shape[-1], shape[-1])
        widened = kernel[..., inputs, :][..., outputs] * _shares(inputs, len(outputs), rng)
        if widened.shape != kernel.shape:
            widened = widened + rng.normal(0, noise * widened.std(), widened.shape)
        wide.get_layer(name).set_weights([widened, bias[outputs]])
    return wide


def _shares(inputs: npt.NDArray[np.intp], outputs: int, rng: np.random.Generator) -> Array:
    """Return (inputs, outputs) random shares; those of the copies of one channel sum to 1."""
    weights = rng.uniform(0.5, 1.5, (len(inputs), outputs))
    sums = np.zeros((int(inputs.max()) + 1, outputs))
    np.add.at(sums, inputs, weights)
    return np.asarray(weights / sums[inputs])
