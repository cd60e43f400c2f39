"""The exponential moving average (EMA) of weights that Keras' optimisers maintain.

Keras overwrites the raw weights with the average at the end of every ``fit``. Here each epoch is
a separate ``fit``, and training must continue from the raw weights; so the overwriting is
disabled, and the average replaces the weights only for validation and export.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from emosense.errors import TrainingError


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
def averaged_weights(model: Any) -> Iterator[None]:
    """Replace the weights by their moving average within the ``with`` block.

    A model whose optimiser has no moving average is not changed.
    """
    if not model.optimizer.use_ema:
        yield
        return
    pairs = list(
        zip(model.trainable_variables, model.optimizer._model_variables_moving_average, strict=True)
    )
    raw_weights = [keras.ops.convert_to_numpy(variable).copy() for variable, _ in pairs]
    for variable, average in pairs:
        variable.assign(average)
    try:
        yield
    finally:
        for (variable, _), raw in zip(pairs, raw_weights, strict=True):
            variable.assign(raw)
