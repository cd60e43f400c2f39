"""What a table or report needs to know of an evaluated network."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from emosense.evaluation.bootstrap import Interval
from emosense.evaluation.predictions import DegradedPredictions, Predictions
from emosense.networks.architectures import ARCHITECTURES
from emosense.networks.model_card import ModelCard
from emosense.networks.paper_results import PaperResults


class EvaluatedModel(Protocol):
    """A network with its predictions on a test set.

    >>> from emosense.networks.registry import find_model
    >>> paper_results(find_model("cnn8").card).accuracy
    0.6222
    """

    @property
    def label(self) -> str:
        """Title, unique among the networks."""

    @property
    def colour(self) -> str:
        """Hex colour in charts."""

    @property
    def card(self) -> ModelCard:
        """The network's card."""

    @property
    def predictions(self) -> Predictions:
        """Calibrated predictions."""

    @property
    def raw(self) -> Predictions:
        """The same predictions before calibration."""

    @property
    def degraded(self) -> DegradedPredictions | None:
        """Predictions on degraded faces of these images; None if there are none."""

    @property
    def images(self) -> npt.NDArray[np.intp]:
        """(n,) index of each image in its test set, rising."""

    @property
    def intervals(self) -> dict[str, Interval]:
        """95 % intervals by metric, see :func:`emosense.evaluation.bootstrap.bootstrap`."""


def paper_results(card: ModelCard) -> PaperResults | None:
    """Return what the paper reports for the card's architecture, by the paper's own recipe, or None."""
    architecture = ARCHITECTURES.get(card.network)
    return architecture.paper if architecture else None


def label_model(model: EvaluatedModel) -> str:
    """Return the label, with the epochs so far if training is unfinished."""
    card = model.card
    if card.finished:
        return model.label
    return f"{model.label}, {card.epochs_seen} of {card.recipe.epochs} epochs"
