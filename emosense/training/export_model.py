"""Exports a run as a model folder: weights, card, learning curve and test predictions.

``predictions.npz`` holds, for each of PublicTest and PrivateTest (prefix ``public_`` and
``private_``): ``probabilities`` (n, 7) float32 before calibration, ``labels`` (n,) uint8,
``copy`` (n,) bool (has a pixel-identical copy in Training) and, with FER+, ``votes`` (n, 7)
float32. Every dashboard is computed from it, without the images.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import keras
import numpy as np

from emosense.emotions import EMOTIONS
from emosense.errors import TrainingError
from emosense.networks import serialization
from emosense.networks.architectures import architecture
from emosense.networks.model_card import (
    CARD_FILE,
    HISTORY_FILE,
    PREDICTIONS_FILE,
    WEIGHTS_FILE,
    CardRecipe,
    DataInfo,
    FileInfo,
    LayerSummary,
    ModelCard,
    TrainingInfo,
)
from emosense.networks.registry import TrainedModel
from emosense.networks.summary import layer_summary
from emosense.training import ema
from emosense.training.dataset import Dataset, train_validation_split
from emosense.training.predict import predict_dataset
from emosense.training.recipe import Recipe, default_recipe
from emosense.training.run_directory import RunDirectory, RunState


def export_model(run_directory: Path, data: Dataset, folder: Path) -> ModelCard:
    """Write the model folder of a run, with the best checkpoint so far.

    Args:
        run_directory: folder of a run with at least one finished epoch.
        data: the data it was trained on.
        folder: the model folder; its name becomes the model's.

    Returns:
        The card. All its metrics come from the float16 weights as written.

    Raises:
        TrainingError: there is no run, it is another data set's, or ``folder`` holds something
            that is no model.
    """
    require_model_dir(folder)
    run = RunDirectory(run_directory)
    state = run.read_for_data(data.fingerprint)
    with _replacing(folder) as written:
        return _write(written, run, Recipe(**state.recipe), state, data)


def _write(
    folder: Path, run: RunDirectory, recipe: Recipe, state: RunState, data: Dataset
) -> ModelCard:
    folder.mkdir(parents=True)
    checkpoint = ema.load(run.checkpoint(state.best_epoch))
    with ema.averaged_weights(checkpoint):
        network = architecture(recipe.network).without_batch_norm(checkpoint)
        serialization.save_float16_weights(network, folder / WEIGHTS_FILE)
    rows = [{k: round(v, 6) for k, v in row.items()} for row in state.history]
    (folder / HISTORY_FILE).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    # A card without metrics first: the registry then loads the very file that is measured.
    card = _card(folder, recipe, state, data, network)
    card.write(folder)
    return _measured(folder, card, data)


def recalibrate(model: TrainedModel, data: Dataset) -> ModelCard:
    """Answer all images again, fit the calibration and rewrite predictions and card.

    Args:
        model: a model of the registry; its weights stay as they are.
        data: the data it was trained on.

    Raises:
        TrainingError: other data.
    """
    card = model.card
    if data.fingerprint != card.data.fingerprint:
        raise TrainingError(
            f"{model.name} was trained on other data: expected SHA-256 "
            f"{card.data.fingerprint}. Received: {data.fingerprint}"
        )
    with _replacing(model.folder) as folder:
        shutil.copytree(model.folder, folder)
        return _measured(folder, card, data)


def _measured(folder: Path, card: ModelCard, data: Dataset) -> ModelCard:
    """Let the model in ``folder`` answer; write its predictions and the finished card."""
    predictions = predict_dataset(TrainedModel(folder), data, card.recipe.seed)
    calibration = predictions.calibration()
    np.savez_compressed(folder / PREDICTIONS_FILE, allow_pickle=False, **predictions.arrays())
    finished = card.model_copy(
        update={
            "metrics": predictions.metrics(calibration),
            "calibration": calibration,
            "files": _files(folder),
        }
    )
    finished.write(folder)
    return finished


def require_model_dir(folder: Path) -> None:
    """Refuse to write a model over anything but a model.

    Raises:
        TrainingError: ``folder`` exists, is not empty and holds no model.
    """
    if folder.exists() and not (folder / CARD_FILE).is_file() and not _is_empty(folder):
        raise TrainingError(
            f"{folder}: expected a model's folder, or a new one. Received: something else, which "
            "the model would replace."
        )


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """Give a path beside ``folder`` that takes its place at the end.

    Who reads meanwhile finds the model as it was.
    """
    aside = folder.parent / f".{folder.name}.writing"
    if (aside / "replaced").exists() and not folder.exists():
        (aside / "replaced").rename(folder)  # an earlier call was killed at its very end
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    try:
        yield aside / folder.name
        if folder.exists():
            folder.rename(aside / "replaced")
        (aside / folder.name).rename(folder)
    finally:
        shutil.rmtree(aside)


def _files(folder: Path) -> dict[str, FileInfo]:
    return {
        path.name: FileInfo(sha256=serialization.sha256_of(path), bytes=path.stat().st_size)
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != CARD_FILE
    }


def training_command(recipe: Recipe, data: str = "fer2013.csv") -> str:
    """Return the command that repeats a recipe, with every option that is not the network's default.

    Args:
        recipe: the training recipe.
        data: name of the file or folder with the data set.
    """
    default = default_recipe(recipe.network).as_dict()
    options = [
        f"--{name.replace('_', '-')} {shlex.quote(str(value))}"
        for name, value in recipe.as_dict().items()
        if value != default[name]
    ]
    return " ".join(["emosense train", recipe.network, f"--data {shlex.quote(data)}", *options])


def _card(
    folder: Path,
    recipe: Recipe,
    state: RunState,
    data: Dataset,
    network: keras.Model,
) -> ModelCard:
    about = architecture(recipe.network)
    training, validation = train_validation_split(data, recipe.seed)
    # Kaggle's folders have the same images, but no PublicTest: training chooses otherwise there.
    as_csv = data.is_fer2013 and len(data.split("PublicTest"))
    file = "fer2013.csv" if as_csv else Path(data.source).name
    return ModelCard(
        name=folder.name,
        title=about.title,
        summary=about.summary,
        network=recipe.network,
        emotions=list(EMOTIONS),
        input="(n, 48, 48, 1) grey, 0..1",
        parameters=network.count_params(),
        recipe=CardRecipe(**recipe.as_dict()),
        command=training_command(recipe, file),
        epochs_seen=state.epochs_done,
        selected_epoch=state.best_epoch,
        data=DataInfo(
            name="FER2013 (arXiv:1307.0414)" if data.is_fer2013 else file,
            fingerprint=data.fingerprint,
            training_images=len(training),
            validation_images=len(validation),
            test_images=len(data.split("PrivateTest")),
        ),
        training=TrainingInfo(
            seconds=round(sum(row["seconds"] for row in state.history)),
            hardware=_hardware(),
            backend=keras.backend.backend(),
            versions={
                name: metadata.version(name) for name in ("keras", "numpy", _backend_package())
            },
        ),
        metrics={},
        files=_files(folder),
        layers=[LayerSummary(**row) for row in layer_summary(network)],
    )


def _backend_package() -> str:
    return str(keras.backend.backend())


def _hardware() -> str:
    """Return the processor (and GPU count) in words."""
    from emosense.runtime.device import device_label

    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass  # not Linux: the short name must do
    return f"{device_label()}; {os.cpu_count()} cores of {name}"
