"""How the figures of a network come about again: data, seed, hardware and versions."""

from __future__ import annotations

from emosense.networks.model_card import ModelCard


def describe_training(card: ModelCard) -> str:
    """Return data, seed, hardware and versions of the training run, in words.

    >>> from emosense.networks.registry import find_model
    >>> describe_training(find_model("cnn8").card)
    'FER2013 (arXiv:1307.0414), 28,570 training images; seed 0; ...'
    """
    training, backend = card.training, card.training.backend
    return (
        f"{card.data.name}, {card.data.training_images:,} training images; seed "
        f"{card.recipe.seed}; {training.hardware}, {backend} "
        f"{training.versions.get(backend, '')}, Keras {training.versions.get('keras', '')}."
    )
