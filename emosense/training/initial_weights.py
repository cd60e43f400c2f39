"""Initial weights from a pretrained model (fine-tuning)."""

from __future__ import annotations

from typing import Any

from emosense.errors import TrainingError
from emosense.networks.architectures import architecture
from emosense.training.pretrained import trained_model
from emosense.training.recipe import Recipe

_FACES = 1024


def load_initial_weights(model: Any, recipe: Recipe, images: Any) -> None:
    """Give ``model`` the weights of the recipe's ``start``.

    Args:
        model: the recipe's network, untrained.
        recipe: names the folder.
        images: (n, 48, 48, 1) float32 in 0..1, as the first epoch shows them.

    Raises:
        TrainingError: ``start`` is no model folder, or holds another network.
        ModelDamaged: it cannot be loaded.
    """
    start = trained_model(recipe, "start")
    if start.card.network != recipe.network:
        raise TrainingError(
            f"start: expected a trained {recipe.network}. Received: {start.card.network}"
        )
    architecture(recipe.network).load_initial_weights(start.network(), model, images[:_FACES])
