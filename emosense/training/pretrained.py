"""The pretrained models that a recipe names: its ``start`` and its ``teacher``."""

from __future__ import annotations

from pathlib import Path

from emosense.errors import TrainingError
from emosense.networks.model_card import CARD_FILE
from emosense.networks.registry import TrainedModel
from emosense.training.recipe import Recipe


def trained_model(recipe: Recipe, option: str) -> TrainedModel:
    """Return the pretrained model that an option of the recipe names.

    Args:
        recipe: recipe that names the model folder.
        option: name of the option, ``start`` or ``teacher``.

    Raises:
        TrainingError: the option's value is no model folder.
    """
    value: str = getattr(recipe, option)
    folder = Path(value)
    if not (folder / CARD_FILE).is_file():
        raise TrainingError(
            f"{option}: expected the folder of a trained model. Received: {value!r}"
        )
    return TrainedModel(folder)
