"""Model cards: the metadata of a trained model, stored as JSON beside its weights.

Cards are pydantic models: an invalid file is rejected as a whole, and the error names the first
invalid field. After "Model Cards for Model Reporting" (Mitchell et al. 2019, arXiv:1810.03993).
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from emosense.emotions import EMOTIONS
from emosense.errors import ModelDamaged
from emosense.filesystem.atomic import write_atomic
from emosense.networks.temperature_scaling import VERSION_DIGITS, Calibration

CARD_FILE: Final = "card.json"
WEIGHTS_FILE: Final = "weights.keras"
HISTORY_FILE: Final = "history.json"
PREDICTIONS_FILE: Final = "predictions.npz"

MAX_JSON_BYTES: Final = 16 * 2**20
"""Size limit of a card or learning curve; a run of a thousand epochs has 200 KB."""

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Loss = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class CardModel(BaseModel):
    """Base class of a card and its parts: immutable, strict types, no unknown fields.

    >>> FileInfo(sha256="a" * 64, bytes=3).bytes
    3
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", protected_namespaces=())


class ClassMetrics(CardModel):
    """Metrics of one class; undefined values are 0.

    Attributes:
        precision: fraction of the predictions of the class that are correct, in 0..1.
        recall: fraction of the images of the class that are predicted correctly, in 0..1.
        f1: harmonic mean of precision and recall, in 0..1.
        support: number of images of the class.

    >>> ClassMetrics(precision=0.5, recall=0.5, f1=0.5, support=4).support
    4
    """

    precision: Fraction
    recall: Fraction
    f1: Fraction
    support: Count


class Metrics(CardModel):
    """Metrics of a model on a set of images.

    Attributes:
        images: number of images.
        loss: mean categorical cross-entropy, in nats.
        accuracy: fraction of correct top-1 predictions, in 0..1.
        macro_precision: unweighted mean of the precisions of the seven classes.
        macro_recall: unweighted mean of the recalls of the seven classes.
        macro_f1: unweighted mean of the F1 scores of the seven classes.
        ece: expected calibration error with 15 equal-width bins of the top probability (Guo et
            al. 2017, arXiv:1706.04599).
        per_class: metrics of each class, by emotion name.
        confusion: 7x7 confusion matrix: rows are true classes, columns predicted classes.

    >>> sorted(Metrics.model_fields)[:3]
    ['accuracy', 'confusion', 'ece']
    """

    images: Count
    loss: Loss
    accuracy: Fraction
    macro_precision: Fraction
    macro_recall: Fraction
    macro_f1: Fraction
    ece: Fraction
    per_class: dict[str, ClassMetrics]
    confusion: Annotated[
        list[Annotated[list[Count], Field(min_length=7, max_length=7)]],
        Field(min_length=7, max_length=7),
    ]

    def model_post_init(self, context: Any, /) -> None:
        """Check that every class has its metrics."""
        if tuple(self.per_class) != EMOTIONS:
            raise ValueError(f"per_class should have the classes {', '.join(EMOTIONS)}")

    def as_dict(self) -> dict[str, Any]:
        """Return the metrics as plain data, as they are stored in the card."""
        return self.model_dump()


class FileInfo(CardModel):
    """A file of the model folder.

    Attributes:
        sha256: SHA-256 checksum, as 64 hexadecimal digits.
        bytes: file size.

    >>> FileInfo(sha256="a" * 64, bytes=3).sha256[:3]
    'aaa'
    """

    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    bytes: Count


class LayerSummary(CardModel):
    """A layer of the network.

    Attributes:
        name: layer name.
        type: Keras class name.
        output: output shape for one face, without the batch axis.
        parameters: number of weights.
        flops: floating point operations for one face; see
            :func:`emosense.networks.summary.layer_summary`.

    >>> LayerSummary(name="conv1", type="Conv2D", output=[46, 46, 128], parameters=1280, flops=0).name
    'conv1'
    """

    name: str
    type: str
    output: list[int]
    parameters: Count
    flops: Count


class DataInfo(CardModel):
    """The data that the model was trained on.

    Attributes:
        name: data set name with its source, e.g. ``FER2013 (arXiv:1307.0414)``.
        fingerprint: checksum of the data, see
            :attr:`emosense.training.dataset.Dataset.fingerprint`.
        training_images: number of images in the training split.
        validation_images: number of images in the validation split.
        test_images: number of images in PrivateTest.

    >>> sorted(DataInfo.model_fields)[0]
    'fingerprint'
    """

    name: str
    fingerprint: str
    training_images: Count
    validation_images: Count
    test_images: Count


class TrainingInfo(CardModel):
    """Hardware and software of the training run.

    Attributes:
        seconds: duration of all epochs.
        hardware: device and processor, in words.
        backend: Keras backend.
        versions: versions of keras, numpy and the backend, by package name.

    >>> sorted(TrainingInfo.model_fields)
    ['backend', 'hardware', 'seconds', 'versions']
    """

    seconds: Loss
    hardware: str
    backend: str
    versions: dict[str, str]


class CardRecipe(CardModel):
    """The options of the training recipe that are used outside of training.

    Cards of other releases may have more or fewer options;
    :class:`emosense.training.recipe.Recipe` documents all of them.

    >>> CardRecipe(network="cnn8", epochs=50).seed
    0
    """

    model_config = ConfigDict(extra="allow")

    network: str
    epochs: Annotated[int, Field(ge=1)]
    seed: Count = 0
    augmentation: str = "none"
    label_smoothing: float = 0.0
    mixup: float = 0.0
    ferplus_share: float = 0.0
    balance: float = 0.0
    start: str = ""
    teacher: str = ""


class ModelCard(CardModel):
    """Metadata of a trained model.

    Attributes:
        name: registry name; also the name of the model folder.
        title: display name, e.g. ``8L CNN``.
        summary: description in one sentence.
        network: architecture name.
        emotions: class names in the order of the outputs.
        input: shape and range of the input, in words.
        parameters: number of weights.
        recipe: the training recipe.
        command: the command that repeats the training.
        epochs_seen: number of finished epochs when the model was exported.
        selected_epoch: the epoch of the weights, the one with the best validation accuracy.
        data: the data that the model was trained on.
        training: hardware and software of the training run.
        metrics: metrics by split (``Training``, ``PublicTest``, ``PrivateTest``, and the last
            two ``... without copies``), computed from calibrated probabilities.
        files: size and checksum of each file, by file name.
        layers: summary of the network's layers; empty in cards from before version 0.1.
        calibration: temperature scaling and abstention threshold.
        licence: licence of the weights.

    >>> from emosense.networks.registry import find_model
    >>> find_model("cnn8").card.parameters
    4232199
    """

    name: str
    title: str
    summary: str
    network: str
    emotions: list[str]
    input: str
    parameters: Count
    recipe: CardRecipe
    command: str
    epochs_seen: Annotated[int, Field(ge=1)]
    selected_epoch: Annotated[int, Field(ge=1)]
    data: DataInfo
    training: TrainingInfo
    metrics: dict[str, Metrics]
    files: dict[str, FileInfo] = {}
    layers: list[LayerSummary] = []
    calibration: Calibration = Calibration()
    licence: str = "MIT"

    @property
    def data_name(self) -> str:
        """Short name of the data that the model was trained and tested on, e.g. ``FER2013``."""
        return self.data.name.partition(" (")[0] or "its data"

    @property
    def version(self) -> str:
        """Identifier of the weights: the first 12 hexadecimal digits of their SHA-256.

        Empty if the card does not list the file.
        """
        info = self.files.get(WEIGHTS_FILE)
        return "" if info is None else info.sha256[:VERSION_DIGITS]

    @property
    def flops(self) -> int | None:
        """Floating point operations for one face; None if the card has no layers."""
        return sum(layer.flops for layer in self.layers) if self.layers else None

    @property
    def weights_megabytes(self) -> float | None:
        """Size of the weights file in MB; None if the card does not list the file."""
        info = self.files.get(WEIGHTS_FILE)
        return None if info is None else info.bytes / 1e6

    @property
    def finished(self) -> bool:
        """Whether all epochs of the recipe were trained."""
        return self.epochs_seen >= self.recipe.epochs

    @property
    def earlier_runs(self) -> str:
        """Note that the model was fine-tuned or distilled, in words; empty if it was neither."""
        verbs = {"start": "fine-tuned from", "teacher": "distilled from"}
        origins = [verb for option, verb in verbs.items() if getattr(self.recipe, option)]
        if not origins:
            return ""
        return (
            f"It was {' and '.join(origins)} a model of an earlier run, which docs/training.md "
            "describes; time and epochs are those of the last run alone."
        )

    def write(self, folder: Path) -> None:
        """Write ``card.json`` into ``folder``."""
        text = json.dumps(self.model_dump(), indent=2, ensure_ascii=False)
        write_atomic(folder / CARD_FILE, f"{text}\n".encode())


def read_card(folder: Path) -> ModelCard:
    """Read the card of the model in ``folder``.

    Raises:
        ModelDamaged: the card is missing or unreadable, or has missing, unknown or invalid
            fields.
    """
    path = folder / CARD_FILE
    try:
        return _parse_card(read_json_bytes(path))
    except ValidationError as error:
        raise ModelDamaged(f"{path} is not a model card: {first_error(error)}") from error


@lru_cache(maxsize=64)
def _parse_card(content: bytes) -> ModelCard:
    # Pages read all cards at every rerun; cards are immutable, so they can be shared.
    return ModelCard.model_validate_json(content)


def read_json_bytes(path: Path) -> bytes:
    """Return the content of a JSON file of a model.

    Raises:
        ModelDamaged: the file cannot be read, or has more than :data:`MAX_JSON_BYTES`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        raise ModelDamaged(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(content) > MAX_JSON_BYTES:
        raise ModelDamaged(
            f"{path}: expected at most {MAX_JSON_BYTES / 2**20:.0f} MB. Received: more."
        )
    return content


def first_error(error: ValidationError) -> str:
    """Describe the first invalid field: its name, what was expected and what was received."""
    details = error.errors(include_url=False)[0]
    field = ".".join(map(str, details["loc"]))
    message = details["msg"].removeprefix("Value error, ").replace("Input should be", "expected")
    message = message.replace("Field required", "expected a value")
    received = repr(details["input"])
    received = received if len(received) <= 60 else f"{received[:60]} ..."
    return f"{field}: {message}. Received: {received}" if field else f"{message}."
