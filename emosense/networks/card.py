"""A model card: what a trained model is, as data beside its weights."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from emosense.errors import ModelDamaged

CARD_FILE: Final = "card.json"
WEIGHTS_FILE: Final = "weights.keras"
HISTORY_FILE: Final = "history.json"
PREDICTIONS_FILE: Final = "predictions.npz"


@dataclass(frozen=True)
class ModelCard:
    """Everything about a trained model but its weights.

    Attributes:
        name: registry name; also the folder's.
        title: for people, e.g. ``8L CNN``.
        summary: one sentence.
        network: architecture name.
        emotions: class names in the order of the outputs.
        input: shape and range of the input, in words.
        parameters: number of weights.
        recipe: the training recipe.
        command: what repeats the training.
        epochs_seen: finished epochs when the model was written.
        selected_epoch: the epoch whose weights these are, the best on validation.
        data: name, fingerprint (SHA-256), images per part.
        training: seconds, hardware, versions of what trained it.
        metrics: per part (``Training``, ``PublicTest``, ``PrivateTest``, and the last two
            ``... without copies``) what :class:`emosense.evaluation.metrics.Metrics` holds;
            computed from calibrated probabilities.
        files: per file name its ``sha256`` and ``bytes``.
        layers: the network's summary, see :func:`emosense.networks.layers.layer_table`; empty
            in cards written before it was kept.
        calibration: :class:`emosense.networks.calibration.Calibration` as plain data; empty in a
            model that was not calibrated.
        licence: of the weights.
    """

    name: str
    title: str
    summary: str
    network: str
    emotions: list[str]
    input: str
    parameters: int
    recipe: dict[str, Any]
    command: str
    epochs_seen: int
    selected_epoch: int
    data: dict[str, Any]
    training: dict[str, Any]
    metrics: dict[str, dict[str, Any]]
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    layers: list[dict[str, Any]] = field(default_factory=list)
    calibration: dict[str, Any] = field(default_factory=dict)
    licence: str = "MIT"

    @property
    def data_name(self) -> str:
        """Short name of the data it was trained and measured on, e.g. ``FER2013``."""
        return str(self.data.get("name", "")).partition(" (")[0] or "its data"

    @property
    def flops(self) -> int | None:
        """Floating point operations for one face, or None if the card has no layers."""
        return sum(layer["flops"] for layer in self.layers) if self.layers else None

    @property
    def finished(self) -> bool:
        """Whether all epochs of the recipe were trained."""
        return self.epochs_seen >= int(self.recipe.get("epochs", 0))

    @property
    def earlier_runs(self) -> str:
        """What it learned from beside the data, in words; empty for a run of its own."""
        verbs = {"start": "began with", "teacher": "learned from"}
        done = [verb for option, verb in verbs.items() if self.recipe.get(option)]
        if not done:
            return ""
        return (
            f"It {' and '.join(done)} a model of an earlier run, which docs/training.md tells of; "
            "time and epochs are those of the last run alone."
        )

    def write(self, folder: Path) -> None:
        """Write ``card.json`` into ``folder``."""
        text = json.dumps(asdict(self), indent=2, ensure_ascii=False)
        (folder / CARD_FILE).write_text(text + "\n", encoding="utf-8")


def read_card(folder: Path) -> ModelCard:
    """Read the card of the model in ``folder``.

    Raises:
        ModelDamaged: missing, unreadable, or with missing, unknown or wrong fields.
    """
    path = folder / CARD_FILE
    try:
        card = ModelCard(**json.loads(path.read_text(encoding="utf-8")))
        for each in fields(ModelCard):
            expected = str(each.type).partition("[")[0]
            if type(getattr(card, each.name)).__name__ != expected:
                raise TypeError(f"{each.name}: expected {expected}")
    except (OSError, ValueError, TypeError) as error:
        raise ModelDamaged(f"{path} is not a model card: {error}") from error
    return card
