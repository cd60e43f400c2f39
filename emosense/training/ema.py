"""The exponential moving average (EMA) of weights that Keras' optimisers maintain.

Keras overwrites the raw weights with the average at the end of every ``fit``. Here each epoch is
a separate ``fit``, and training must continue from the raw weights; so the overwriting is
disabled, and the average replaces the weights only for validation and export.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
import numpy.typing as npt

import emosense.networks.fused_batch_norm  # noqa: F401  # its layer is in checkpoints
from emosense.errors import TrainingError

_BATCH: Final = 128


def keep_raw_weights(optimizer: Any) -> Any:
    """Disable the optimiser's overwriting of the weights by their average after ``fit``."""
    optimizer.finalize_variable_values = lambda variables: None
    return optimizer


def load(checkpoint: Path) -> Any:
    """Load a checkpoint with its optimiser, for further training or for its average.

    Raises:
        TrainingError: the checkpoint is missing or damaged.
    """
    try:
        model = keras.saving.load_model(checkpoint)
    except Exception as error:  # Keras raises many types
        raise TrainingError(f"{checkpoint}: the checkpoint cannot be read ({error}).") from error
    keep_raw_weights(model.optimizer)
    return model


@contextmanager
def averaged_weights(model: Any, images: npt.NDArray[np.float32] | None) -> Iterator[None]:
    """Replace the weights by their moving average within the ``with`` block.

    A model whose optimiser has no moving average is not changed. The statistics of batch
    normalisation are those of the raw weights, which weight decay makes smaller from step to step, so
    that the average is larger and its activations grow from layer to layer. They are estimated anew, as
    for averages in general (Izmailov et al. 2018, arXiv:1803.05407).

    Args:
        model: a compiled model.
        images: (n, 48, 48, 1) float32 training images in 0..1, on which the statistics are estimated;
            None only without a moving average.
    """
    if not model.optimizer.use_ema:
        yield
        return
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    averages = model.optimizer._model_variables_moving_average
    pairs = list(zip(model.trainable_variables, averages, strict=True))
    changed = [variable for variable, _ in pairs]
    changed += [variable for norm in norms for variable in norm.non_trainable_variables]
    before = [keras.ops.convert_to_numpy(variable).copy() for variable in changed]
    for variable, average in pairs:
        # A copy: JAX deletes the buffers of a network that it evaluates.
        variable.assign(keras.ops.copy(average))
    if norms and images is not None:
        _estimate_statistics(model, norms, images)
    try:
        yield
    finally:
        for variable, value in zip(changed, before, strict=True):
            variable.assign(value)


def _estimate_statistics(model: Any, norms: Sequence[Any], images: npt.NDArray[np.float32]) -> None:
    """Set the statistics of batch normalisation to their mean over batches of images."""
    momenta = [norm.momentum for norm in norms]
    try:
        for number, start in enumerate(range(0, len(images), _BATCH)):
            for norm in norms:
                norm.momentum = number / (number + 1)  # the mean of all batches so far
            model(images[start : start + _BATCH], training=True)
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
