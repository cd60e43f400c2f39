"""A network's first weights: drawn at random, or those of a model trained before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from emosense.errors import TrainingError
from emosense.networks.architectures import architecture
from emosense.networks.card import CARD_FILE
from emosense.networks.registry import TrainedModel
from emosense.training.recipe import Recipe

_FACES = 1024


def begin_with(model: Any, recipe: Recipe, images: Any) -> None:
    """Give ``model`` the weights of the recipe's ``start``.

    Args:
        model: the recipe's network, untrained.
        recipe: names the folder.
        images: (n, 48, 48, 1) float32 in 0..1, as the first epoch shows them.

    Raises:
        TrainingError: ``start`` is no model folder, or holds another network.
        ModelDamaged: it cannot be loaded.
    """
    folder = Path(recipe.start)
    if not (folder / CARD_FILE).is_file():
        raise TrainingError(
            f"start: expected the folder of a trained model. Received: {recipe.start!r}"
        )
    start = TrainedModel(folder)
    if start.card.network != recipe.network:
        raise TrainingError(
            f"start: expected a trained {recipe.network}. Received: {start.card.network}"
        )
    architecture(recipe.network).begin_with(start.network(), model, images[:_FACES])
