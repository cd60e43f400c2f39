"""The one place that knows which trained models there are and loads them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emosense.emotions import EMOTIONS
from emosense.errors import ModelDamaged, ModelNotFound
from emosense.networks import storage
from emosense.networks.calibration import Calibration
from emosense.networks.card import (
    CARD_FILE,
    HISTORY_FILE,
    PREDICTIONS_FILE,
    WEIGHTS_FILE,
    ModelCard,
    read_card,
)
from emosense.settings import model_folders, own_models

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class TrainedModel:
    """A model folder: its card, and its files once they are asked for."""

    folder: Path

    @property
    def name(self) -> str:
        """Registry name."""
        return self.folder.name

    @cached_property
    def card(self) -> ModelCard:
        """The card.

        Raises:
            ModelDamaged: unreadable, or not this model's.
        """
        try:
            card = read_card(self.folder)
        except ModelDamaged as error:
            raise ModelDamaged(f"{error} {self._repair()}") from error
        if tuple(card.emotions) != EMOTIONS or card.name != self.name:
            raise ModelDamaged(
                f"{self.folder / CARD_FILE}: expected the model {self.name!r} with the classes "
                f"{', '.join(EMOTIONS)}. Received: {card.name!r}, {', '.join(card.emotions)}"
            )
        return card

    @property
    def calibration(self) -> Calibration:
        """How its probabilities are calibrated, and from where on an answer is sure.

        Raises:
            ModelDamaged: the card holds something else.
        """
        try:
            return Calibration(**self.card.calibration)
        except TypeError as error:
            raise ModelDamaged(
                f"{self.folder / CARD_FILE}: the calibration cannot be read ({error})."
            ) from error

    def file(self, name: str) -> Path:
        """Return a file of the model after checking it against the card.

        Raises:
            ModelDamaged: missing, or its SHA-256 is not the card's.
        """
        path = self.folder / name
        expected = self.card.files.get(name, {}).get("sha256")
        if expected is None or not path.is_file():
            raise ModelDamaged(f"The model {self.name!r} has no file {name}. {self._repair()}")
        received = storage.sha256_of(path)
        if received != expected:
            raise ModelDamaged(
                f"{path} was changed or damaged: expected SHA-256 {expected}. "
                f"Received: {received}. {self._repair()}"
            )
        return path

    def network(self) -> keras.Model:
        """Load the network: (n, 48, 48, 1) float in 0..1 -> (n, 7) probabilities.

        Raises:
            ModelDamaged: the weights are missing, changed, or not those of the card.
        """
        path = self.file(WEIGHTS_FILE)
        try:
            model = storage.load_network(path)
        except ModelDamaged as error:
            raise ModelDamaged(f"{error} {self._repair()}") from error
        if model.output_shape != (None, len(EMOTIONS)):
            raise ModelDamaged(
                f"{path}: expected an output of shape (n, {len(EMOTIONS)}). "
                f"Received: {model.output_shape}"
            )
        return model

    def history(self) -> list[dict[str, float]]:
        """Return the learning curve: one row per epoch, see ``RunState.history``."""
        import json

        rows: list[dict[str, float]] = json.loads(self.file(HISTORY_FILE).read_text("utf-8"))
        return rows

    def predictions(self) -> dict[str, Any]:
        """Return the arrays of ``predictions.npz``; see ``training.publish``."""
        import numpy as np

        with np.load(self.file(PREDICTIONS_FILE), allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}

    def _repair(self) -> str:
        if self.folder.parent != own_models():
            return "Train it again, or get it back from where it came."
        return (
            f"Get it back with: git checkout -- models/{self.name}  (or train it again: "
            f"emosense train {self.name} --data fer2013.csv)."
        )


def list_models(folders: Sequence[Path] | None = None) -> dict[str, TrainedModel]:
    """Return all trained models by name, in the order of the folders, then of the names.

    Numbers in names count as numbers: cnn8 comes before cnn10.

    Args:
        folders: where to look; the project's models/ and EMOSENSE_MODELS if None. A name
            that occurs twice is taken from the first.
    """
    found: dict[str, TrainedModel] = {}
    for root in model_folders() if folders is None else folders:
        if root.is_dir():
            for entry in sorted(root.iterdir(), key=_natural):
                if (entry / CARD_FILE).is_file():
                    found.setdefault(entry.name, TrainedModel(entry))
    return found


def find_model(name: str, folders: Sequence[Path] | None = None) -> TrainedModel:
    """Return the model called ``name``.

    Raises:
        ModelNotFound: there is none of that name.
    """
    models = list_models(folders)
    if name not in models:
        where = os.pathsep.join(map(str, model_folders() if folders is None else folders))
        known = ", ".join(models) or "none"
        raise ModelNotFound(
            f"There is no model {name!r}. Known: {known} (in {where}). One of the project's own that "
            "is missing comes back with: git checkout -- models"
        )
    return models[name]


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", path.name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
