"""Initial weights of a network from a pretrained model, for fine-tuning."""

from __future__ import annotations

from typing import Any

from emosense.errors import TrainingError
from emosense.networks.architectures import architecture
from emosense.training.net2net import widen
from emosense.training.pretrained import trained_model
from emosense.training.recipe import Recipe

_STATISTICS_IMAGES = 1024


def load_initial_weights(model: Any, recipe: Recipe, images: Any) -> None:
    """Initialise ``model`` with the weights of the recipe's pretrained model ``start``.

    A pretrained model of another network is widened to the recipe's one (:mod:`~.net2net`).

    Args:
        model: the recipe's network, untrained; its weights are set in place.
        recipe: recipe that names the folder of the pretrained model.
        images: (n, 48, 48, 1) float32 training images of the first epoch in 0..1, for the
            statistics of batch normalisation.

    Raises:
        TrainingError: ``start`` is no model folder, or its network differs in more than its widths.
        ModelDamaged: the pretrained model cannot be loaded.
    """
    pretrained = trained_model("start", recipe.start)
    wanted = architecture(recipe.network)
    if pretrained.card.network == recipe.network:
        trained = pretrained.network()
    elif wanted.folded is None:
        raise TrainingError(
            f"start: expected a trained {recipe.network}. Received: {pretrained.card.network}"
        )
    else:
        wide = wanted.folded(recipe.network, "zeros", 1.0)
        trained = widen(pretrained.network(), wide, recipe.seed)
    wanted.load_initial_weights(trained, model, images[:_STATISTICS_IMAGES])
