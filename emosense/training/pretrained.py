"""Pretrained models that a recipe names: its start and its teacher."""

from __future__ import annotations

from pathlib import Path

from emosense.errors import TrainingError
from emosense.networks.model_card import CARD_FILE
from emosense.networks.registry import TrainedModel
from emosense.training.recipe import Recipe


def trained_model(recipe: Recipe, option: str) -> TrainedModel:
    """Return the model in the folder that an option of the recipe names.

    Args:
        recipe: names the folder.
        option: ``start`` or ``teacher``.

    Raises:
        TrainingError: it is no model folder.
    """
    named: str = getattr(recipe, option)
    folder = Path(named)
    if not (folder / CARD_FILE).is_file():
        raise TrainingError(
            f"{option}: expected the folder of a trained model. Received: {named!r}"
        )
    return TrainedModel(folder)
