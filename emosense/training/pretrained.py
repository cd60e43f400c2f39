"""The pretrained models that a recipe names: its ``start`` and its teachers."""

from __future__ import annotations

from pathlib import Path

from emosense.errors import TrainingError
from emosense.networks.model_card import CARD_FILE
from emosense.networks.registry import TrainedModel


def trained_model(option: str, value: str) -> TrainedModel:
    """Return the pretrained model that an option of a recipe names.

    Args:
        option: name of the option, ``start`` or ``teacher``, for messages.
        value: path of the model folder.

    Raises:
        TrainingError: ``value`` is no model folder.
    """
    folder = Path(value)
    if not (folder / CARD_FILE).is_file():
        raise TrainingError(
            f"{option}: expected the folder of a trained model. Received: {value!r}"
        )
    return TrainedModel(folder)
