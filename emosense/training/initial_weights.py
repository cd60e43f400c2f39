"""Initial weights of a network from a pretrained model, for fine-tuning."""

from __future__ import annotations

from typing import Any

from emosense.errors import TrainingError
from emosense.networks.architectures import architecture
from emosense.training.pretrained import trained_model
from emosense.training.recipe import Recipe

_STATISTICS_IMAGES = 1024


def load_initial_weights(model: Any, recipe: Recipe, images: Any) -> None:
    """Initialise ``model`` with the weights of the recipe's pretrained model ``start``.

    Args:
        model: the recipe's network, untrained; its weights are set in place.
        recipe: recipe that names the folder of the pretrained model.
        images: (n, 48, 48, 1) float32 training images of the first epoch in 0..1, for the
            statistics of batch normalisation.

    Raises:
        TrainingError: ``start`` is no model folder, or has another architecture.
        ModelDamaged: the pretrained model cannot be loaded.
    """
    pretrained = trained_model("start", recipe.start)
    if pretrained.card.network != recipe.network:
        raise TrainingError(
            f"start: expected a trained {recipe.network}. Received: {pretrained.card.network}"
        )
    sample = images[:_STATISTICS_IMAGES]
    architecture(recipe.network).load_initial_weights(pretrained.network(), model, sample)
