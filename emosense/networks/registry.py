"""The registry of trained models: finds, verifies and loads them."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NotRequired

import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from emosense.emotions import EMOTIONS
from emosense.errors import ModelDamaged, ModelError, ModelNotFound
from emosense.networks import serialization
from emosense.networks.model_card import (
    CARD_FILE,
    HISTORY_FILE,
    PREDICTIONS_FILE,
    WEIGHTS_FILE,
    Fraction,
    Loss,
    ModelCard,
    first_error,
    read_card,
    read_json_bytes,
)
from emosense.networks.npz import read_arrays
from emosense.networks.temperature_scaling import Calibration
from emosense.settings import bundled_models_dir, model_dirs

if TYPE_CHECKING:
    import keras


class EpochMetrics(TypedDict):
    """One epoch of a learning curve.

    Attributes:
        epoch: number of the epoch, from 1.
        loss: training loss, in nats.
        accuracy: training accuracy, in 0..1.
        val_loss: validation loss, in nats.
        val_accuracy: validation accuracy, in 0..1.
        learning_rate: learning rate at the end of the epoch.
        seconds: duration of the epoch.

    >>> row = EpochMetrics(epoch=1, loss=1.8, accuracy=0.25, val_loss=1.7, val_accuracy=0.3)
    >>> row["val_accuracy"]
    0.3
    """

    epoch: int
    loss: Loss
    accuracy: Fraction
    val_loss: Loss
    val_accuracy: Fraction
    learning_rate: NotRequired[float]
    seconds: NotRequired[float]


@cache
def _history_adapter() -> TypeAdapter[list[EpochMetrics]]:
    return TypeAdapter(list[EpochMetrics])


@dataclass(frozen=True)
class TrainedModel:
    """A model folder; its card and files are read when they are needed.

    Attributes:
        folder: the model folder; its name is the name of the model.

    >>> find_model("cnn8").name
    'cnn8'
    """

    folder: Path

    @property
    def name(self) -> str:
        """Registry name."""
        return self.folder.name

    @cached_property
    def card(self) -> ModelCard:
        """The model card.

        Raises:
            ModelDamaged: the card is unreadable, or is the card of another model.
        """
        try:
            card = read_card(self.folder)
        except ModelDamaged as error:
            raise ModelDamaged(f"{error} {self._repair_hint()}") from error
        if tuple(card.emotions) != EMOTIONS or card.name != self.name:
            raise ModelDamaged(
                f"{self.folder / CARD_FILE}: expected the model {self.name!r} with the classes "
                f"{', '.join(EMOTIONS)}. Received: {card.name!r}, {', '.join(card.emotions)}"
            )
        return card

    @property
    def calibration(self) -> Calibration:
        """Temperature and abstention threshold, from the card.

        Raises:
            ModelDamaged: the card is unreadable, or is the card of another model.
        """
        return self.card.calibration

    def file(self, name: str) -> Path:
        """Return the path of a file of the model after verifying its checksum.

        Raises:
            ModelDamaged: the file is missing, or its SHA-256 differs from that in the card.
        """
        path = self.folder / name
        info = self.card.files.get(name)
        if info is None or not path.is_file():
            raise ModelDamaged(f"The model {self.name!r} has no file {name}. {self._repair_hint()}")
        expected = info.sha256
        try:
            received = serialization.sha256_of(path)
        except OSError as error:
            raise ModelDamaged(f"{path} cannot be read: {error.strerror or error}.") from error
        if received != expected:
            raise ModelDamaged(
                f"{path} was changed or damaged: expected SHA-256 {expected}. "
                f"Received: {received}. {self._repair_hint()}"
            )
        return path

    def network(self) -> keras.Model:
        """Load the Keras model: (n, 48, 48, 1) float in 0..1 -> (n, 7) probabilities.

        Raises:
            ModelDamaged: the weights are missing, changed or unreadable, or have another output
                shape.
        """
        path = self.file(WEIGHTS_FILE)
        try:
            model = serialization.load_network(path)
        except ModelDamaged as error:
            raise ModelDamaged(f"{error} {self._repair_hint()}") from error
        if model.output_shape != (None, len(EMOTIONS)):
            raise ModelDamaged(
                f"{path}: expected an output of shape (n, {len(EMOTIONS)}). "
                f"Received: {model.output_shape}"
            )
        return model

    def history(self) -> list[dict[str, Any]]:
        """Return the learning curve, one row of :class:`EpochMetrics` per epoch.

        Raises:
            ModelDamaged: the file is missing or changed, or is no learning curve with all epochs
                up to the selected one.
        """
        path = self.file(HISTORY_FILE)
        try:
            rows = _history_adapter().validate_json(read_json_bytes(path))
        except ValidationError as error:
            raise ModelDamaged(f"{path} is not a learning curve: {first_error(error)}") from error
        epochs = [row["epoch"] for row in rows]
        if epochs != list(range(1, len(rows) + 1)) or len(rows) < self.card.selected_epoch:
            raise ModelDamaged(
                f"{path}: expected a row for each epoch up to {self.card.selected_epoch}. "
                f"Received: epochs {epochs[:3]} ... {epochs[-1:]}"
            )
        return [dict(row) for row in rows]

    def predictions(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of ``predictions.npz``; see :mod:`emosense.training.export_model`.

        Raises:
            ModelDamaged: the file is missing or changed, or is no npz archive of plain arrays.
        """
        return read_arrays(self.file(PREDICTIONS_FILE))

    def _repair_hint(self) -> str:
        if self.folder.parent != bundled_models_dir():
            return "Train it again, or get it back from where it came."
        return (
            f"Get it back with: git checkout -- models/{self.name}  (or train it again: "
            f"emosense train {self.name} --data fer2013.csv)."
        )


def list_models(folders: Sequence[Path] | None = None) -> dict[str, TrainedModel]:
    """Return all trained models by name, in the order of the folders, then in natural order.

    In natural order cnn8 comes before cnn10.

    Args:
        folders: folders to search; None searches the project's models/ and EMOSENSE_MODELS. A
            name that occurs several times is taken from the first folder that has it.
    """
    models: dict[str, TrainedModel] = {}
    for root in model_dirs() if folders is None else folders:
        if root.is_dir():
            for entry in sorted(root.iterdir(), key=_natural_sort_key):
                if (entry / CARD_FILE).is_file():
                    models.setdefault(entry.name, TrainedModel(entry))
    return models


def find_model(name: str, folders: Sequence[Path] | None = None) -> TrainedModel:
    """Return the model called ``name``.

    Args:
        name: registry name.
        folders: folders to search; None searches the project's models/ and EMOSENSE_MODELS.

    Raises:
        ModelNotFound: no model has that name.
    """
    models = list_models(folders)
    if name not in models:
        searched = os.pathsep.join(map(str, model_dirs() if folders is None else folders))
        known = ", ".join(models) or "none"
        raise ModelNotFound(
            f"There is no model {name!r}. Known: {known} (in {searched}). A model of the project "
            "that is missing can be restored with: git checkout -- models"
        )
    return models[name]


def model_versions(name: str) -> tuple[str, str]:
    """Return the versions of a model's weights and calibration; empty ones if it cannot be read.

    >>> [len(version) for version in model_versions("cnn8")], model_versions("nothing")
    ([12, 12], ('', ''))
    """
    try:
        card = find_model(name).card
    except ModelError:
        return "", ""
    return card.version, card.calibration.version


def _natural_sort_key(path: Path) -> list[tuple[int, str]]:
    runs = re.split(r"(\d+)", path.name)
    return [(int(run), "") if run.isdecimal() else (-1, run) for run in runs]
