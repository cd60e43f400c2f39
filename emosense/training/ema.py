"""The exponential moving average (EMA) of weights that Keras' optimisers keep.

Keras writes the average over the raw weights at the end of every ``fit``. Here each epoch is a
``fit`` of its own, and training must go on from the raw weights; so that step is switched off
and the average is put in place only while it is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from emosense.errors import TrainingError


def keep_raw_weights(optimizer: Any) -> Any:
    """Stop ``optimizer`` from replacing the weights by their average after ``fit``."""
    optimizer.finalize_variable_values = lambda variables: None
    return optimizer


def load(checkpoint: Path) -> Any:
    """Load a checkpoint with its optimiser, ready to go on or to be averaged.

    Raises:
        TrainingError: missing or damaged.
    """
    try:
        model = keras.saving.load_model(checkpoint)
    except Exception as error:  # Keras raises many types
        raise TrainingError(f"{checkpoint}: the checkpoint cannot be read ({error}).") from error
    keep_raw_weights(model.optimizer)
    return model


@contextmanager
def averaged_weights(model: Any) -> Iterator[None]:
    """Put the averaged weights in place within the block; does nothing without an average."""
    if not model.optimizer.use_ema:
        yield
        return
    pairs = list(
        zip(model.trainable_variables, model.optimizer._model_variables_moving_average, strict=True)
    )
    raw = [keras.ops.convert_to_numpy(variable).copy() for variable, _ in pairs]
    for variable, average in pairs:
        variable.assign(average)
    try:
        yield
    finally:
        for (variable, _), value in zip(pairs, raw, strict=True):
            variable.assign(value)
