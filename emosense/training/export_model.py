"""Exports a run to a model folder: weights, card, learning curve and test predictions.

``predictions.npz`` has, for each of PublicTest and PrivateTest (prefix ``public_`` and
``private_``): ``probabilities`` (n, 7) float32 before calibration, ``labels`` (n,) uint8,
``copy`` (n,) bool (has a pixel-identical duplicate in Training), ``quality`` (n, 8) float32 and, with
FER+, ``votes`` (n, 7) float32; and of m degraded faces ``degraded_probabilities`` (m, 7) and
``degraded_quality`` (m, 8) float32, ``degraded_images`` (m,) uint32, ``degraded_corruptions`` and
``degraded_severities`` (m,) uint8, ``degraded_found`` (m,) bool. All dashboards are computed from these arrays, without the images.
"""

from __future__ import annotations

import json
import os
import platform
import shlex
import shutil
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from types import MappingProxyType
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.errors import ModelError, TrainingError
from emosense.evaluation.predictions import TEST_SPLITS
from emosense.networks import serialization
from emosense.networks.architectures import architecture
from emosense.networks.model_card import (
    CARD_FILE,
    HISTORY_FILE,
    PREDICTIONS_FILE,
    WEIGHTS_FILE,
    CardRecipe,
    DataInfo,
    LayerSummary,
    ModelCard,
    TrainingInfo,
)
from emosense.networks.registry import TrainedModel
from emosense.networks.summary import layer_summary
from emosense.training import ema
from emosense.training.dataset import Dataset, train_validation_split
from emosense.training.epoch_data import statistics_images
from emosense.training.model_folder import atomic_replacement, file_infos
from emosense.training.predict import (
    MeasuredFaces,
    measure_faces,
    predict_dataset,
    unmeasured_faces,
)
from emosense.training.recipe import Recipe, default_recipe
from emosense.training.run_directory import RunDirectory, RunState


def export_model(
    run_directory: Path, data: Dataset, folder: Path, *, quality: bool = True
) -> ModelCard:
    """Write the model folder of a run, with the weights of the best checkpoint so far.

    Args:
        run_directory: folder of a run with at least one finished epoch.
        data: the data set of the run.
        folder: the model folder; its name becomes the name of the model.
        quality: whether to measure the quality of the test images, and to predict degraded ones.
            Without it calibration does not depend on quality, until :func:`recalibrate` adds it.

    Returns:
        The card. All its metrics are computed with the float16 weights as written.

    Raises:
        TrainingError: there is no run, the run was trained on other data, or ``folder`` has
            files but no model.
    """
    require_model_dir(folder)
    run = RunDirectory(run_directory)
    state = run.read_for_data(data.fingerprint)
    with atomic_replacement(folder) as new_folder:
        return _write(new_folder, run, Recipe(**state.recipe), state, data, quality=quality)


def _write(
    folder: Path,
    run: RunDirectory,
    recipe: Recipe,
    state: RunState,
    data: Dataset,
    *,
    quality: bool,
) -> ModelCard:
    folder.mkdir(parents=True)
    checkpoint = ema.load(run.checkpoint(state.best_epoch))
    training, _ = train_validation_split(data, recipe.seed)
    images = statistics_images(training, recipe, state.best_epoch - 1)
    with ema.averaged_weights(checkpoint, images):
        network = architecture(recipe.network).without_batch_norm(checkpoint)
        serialization.save_float16_weights(network, folder / WEIGHTS_FILE)
    rows = [{k: round(v, 6) for k, v in row.items()} for row in state.history]
    (folder / HISTORY_FILE).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    # A preliminary card without metrics, so that the registry can load the written weights.
    card = _card(folder, recipe, state, data, network)
    card.write(folder)
    faces = None if quality else unmeasured_faces(data)
    return _evaluate(folder, card, data, faces)


def recalibrate(
    model: TrainedModel, data: Dataset, faces: Mapping[str, MeasuredFaces] | None = None
) -> ModelCard:
    """Predict all images again, fit the calibration, and rewrite predictions and card.

    FER+ votes that the predictions hold stay if the data comes without any.

    Args:
        model: a model of the registry; its weights are not changed.
        data: the data set that the model was trained on.
        faces: the measured and degraded faces of its test splits; None makes them.

    Raises:
        TrainingError: the model was trained on other data.
    """
    card = model.card
    if data.fingerprint != card.data.fingerprint:
        raise TrainingError(
            f"{model.name} was trained on other data: expected SHA-256 "
            f"{card.data.fingerprint}. Received: {data.fingerprint}"
        )
    with atomic_replacement(model.folder) as new_folder:
        shutil.copytree(model.folder, new_folder)
        return _evaluate(new_folder, card, data, faces, _earlier_votes(model, data))


def _earlier_votes(model: TrainedModel, data: Dataset) -> dict[str, npt.NDArray[Any]]:
    """Return the FER+ votes of a model's ``predictions.npz`` that the data itself does not have."""
    if data.votes is not None:
        return {}
    try:
        arrays = model.predictions()
    except ModelError:  # it is written anew
        return {}
    votes = {}
    for split, prefix in TEST_SPLITS.items():
        name, labels = f"{prefix}_votes", f"{prefix}_labels"
        if {name, labels} <= set(arrays) and np.array_equal(
            arrays[labels], data.split(split).labels
        ):
            votes[name] = arrays[name]
    return votes


def _evaluate(
    folder: Path,
    card: ModelCard,
    data: Dataset,
    faces: Mapping[str, MeasuredFaces] | None = None,
    earlier_votes: Mapping[str, npt.NDArray[Any]] = MappingProxyType({}),
) -> ModelCard:
    """Evaluate the model in ``folder``; write its predictions and the complete card."""
    faces = measure_faces(data, degraded=True) if faces is None else faces
    predictions = predict_dataset(TrainedModel(folder), data, card.recipe.seed, faces)
    calibration = predictions.calibration()
    arrays = {**earlier_votes, **predictions.arrays()}
    np.savez_compressed(folder / PREDICTIONS_FILE, allow_pickle=False, **arrays)
    complete = card.model_copy(
        update={
            "metrics": predictions.metrics(calibration),
            "calibration": calibration,
            "files": file_infos(folder),
        }
    )
    complete.write(folder)
    return complete


def require_model_dir(folder: Path) -> None:
    """Check that a model may be written to ``folder``: a model folder, or a new or empty one.

    Raises:
        TrainingError: ``folder`` exists, is not empty and is no model folder.
    """
    if folder.exists() and not (folder / CARD_FILE).is_file() and not _is_empty(folder):
        raise TrainingError(
            f"{folder}: expected a model's folder, or a new one. Received: something else, which "
            "the model would replace."
        )


def _is_empty(folder: Path) -> bool:
    return folder.is_dir() and not any(folder.iterdir())


def training_command(recipe: Recipe, data: str = "fer2013.csv") -> str:
    """Return the command that repeats a training, with all options that differ from the default.

    Args:
        recipe: the recipe of the training.
        data: file or folder of the data set.
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
    network_info = architecture(recipe.network)
    training, validation = train_validation_split(data, recipe.seed)
    # Kaggle's folders have the same images but no PublicTest, so their validation split differs.
    is_csv = data.is_fer2013 and len(data.split("PublicTest"))
    source = "fer2013.csv" if is_csv else Path(data.source).name
    return ModelCard(
        name=folder.name,
        title=network_info.title,
        summary=network_info.summary,
        network=recipe.network,
        emotions=list(EMOTIONS),
        input="(n, 48, 48, 1) grey, 0..1",
        parameters=network.count_params(),
        recipe=CardRecipe(**recipe.as_dict()),
        command=training_command(recipe, source),
        epochs_seen=state.epochs_done,
        selected_epoch=state.best_epoch,
        data=DataInfo(
            name="FER2013 (arXiv:1307.0414)" if data.is_fer2013 else source,
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
        files=file_infos(folder),
        layers=[LayerSummary(**row) for row in layer_summary(network)],
    )


def _backend_package() -> str:
    return str(keras.backend.backend())


def _hardware() -> str:
    """Return the device and the processor with its number of cores, in words."""
    from emosense.runtime.device import device_label, gpu_name

    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass  # not Linux: platform's short name is used
    return f"{gpu_name() or device_label()}; {os.cpu_count()} cores of {name}"
