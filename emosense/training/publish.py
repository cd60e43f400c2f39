"""Turns a run into a model folder: weights, card, learning curve and test predictions.

``predictions.npz`` holds, for each of PublicTest and PrivateTest (prefix ``public_`` and
``private_``): ``probabilities`` (n, 7) float32, ``labels`` (n,) uint8, ``copy`` (n,) bool
(has a pixel-identical copy in Training) and, with FER+, ``votes`` (n, 7) float32. Every
dashboard is computed from it, without the images.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.evaluation.metrics import measure
from emosense.evaluation.predictions import TEST_PARTS, WITHOUT_COPIES
from emosense.networks import storage
from emosense.networks.architectures import architecture
from emosense.networks.card import (
    CARD_FILE,
    HISTORY_FILE,
    PREDICTIONS_FILE,
    WEIGHTS_FILE,
    ModelCard,
)
from emosense.networks.classifier import EmotionClassifier
from emosense.networks.layers import layer_table
from emosense.networks.registry import TrainedModel
from emosense.training.checkpoint import RunFolder, RunState
from emosense.training.dataset import Dataset, copies_in
from emosense.training.recipe import Recipe
from emosense.training.trainer import training_parts


def publish(run_folder: Path, data: Dataset, folder: Path) -> ModelCard:
    """Write the model folder of a run, with the best checkpoint so far.

    Args:
        run_folder: of a run with at least one finished epoch.
        data: the data it was trained on.
        folder: the model folder; its name becomes the model's.

    Returns:
        The card. All its metrics come from the float16 weights as written.

    Raises:
        TrainingError: there is no run, or it is another data set's.
    """
    run = RunFolder(run_folder)
    recipe = Recipe(**run.read().recipe)
    state = run.resume(recipe, data.fingerprint)
    # Written beside and moved when complete: who reads meanwhile finds the model as it was.
    aside = folder.parent / f".{folder.name}.writing"
    shutil.rmtree(aside, ignore_errors=True)
    card = _write(aside / folder.name, run, recipe, state, data)
    if folder.exists():
        folder.rename(aside / "replaced")
    (aside / folder.name).rename(folder)
    shutil.rmtree(aside)
    return card


def _write(
    folder: Path, run: RunFolder, recipe: Recipe, state: RunState, data: Dataset
) -> ModelCard:
    folder.mkdir(parents=True)
    checkpoint = keras.saving.load_model(run.checkpoint(state.best_epoch), compile=False)
    storage.save_float16(checkpoint, folder / WEIGHTS_FILE)
    rows = [{k: round(v, 6) for k, v in row.items()} for row in state.history]
    (folder / HISTORY_FILE).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    # A card without metrics first: the registry then loads the very file that is measured.
    _card(folder, recipe, state, data, {}, checkpoint).write(folder)
    metrics, arrays = evaluate(TrainedModel(folder), data, recipe.seed)
    np.savez_compressed(folder / PREDICTIONS_FILE, allow_pickle=False, **arrays)
    card = _card(folder, recipe, state, data, metrics, checkpoint)
    card.write(folder)
    return card


def evaluate(
    model: TrainedModel, data: Dataset, seed: int = 0
) -> tuple[dict[str, dict[str, Any]], dict[str, npt.NDArray[Any]]]:
    """Measure a model on every part of a data set.

    Returns:
        (metrics by part as the card holds them, arrays as ``predictions.npz`` holds them).
    """
    classify = EmotionClassifier(model)
    training, _ = training_parts(data, seed)
    metrics = {"Training": measure(training.labels, classify(training.images)).as_dict()}
    arrays: dict[str, npt.NDArray[Any]] = {}
    for part, prefix in TEST_PARTS.items():
        split = data.split(part)
        if len(split) == 0:
            continue
        probabilities = classify(split.images)
        copy = copies_in(split.images, training.images)
        metrics[part] = measure(split.labels, probabilities).as_dict()
        if not copy.all():
            metrics[part + WITHOUT_COPIES] = measure(
                split.labels[~copy], probabilities[~copy]
            ).as_dict()
        arrays[f"{prefix}_probabilities"] = probabilities
        arrays[f"{prefix}_labels"] = split.labels
        arrays[f"{prefix}_copy"] = copy
        if split.votes is not None:
            arrays[f"{prefix}_votes"] = split.votes
    return metrics, arrays


def training_command(recipe: Recipe) -> str:
    """Return the command that repeats a recipe, with every option that differs from default."""
    default = Recipe(recipe.network).as_dict()
    options = [
        f"--{name.replace('_', '-')} {value}"
        for name, value in recipe.as_dict().items()
        if value != default[name]
    ]
    return " ".join(["emosense train", recipe.network, "--data fer2013.csv", *options])


def _card(
    folder: Path,
    recipe: Recipe,
    state: RunState,
    data: Dataset,
    metrics: dict[str, dict[str, Any]],
    network: keras.Model,
) -> ModelCard:
    about = architecture(recipe.network)
    training, validation = training_parts(data, recipe.seed)
    return ModelCard(
        name=folder.name,
        title=about.title,
        summary=about.summary,
        network=recipe.network,
        emotions=list(EMOTIONS),
        input="(n, 48, 48, 1) grey, 0..1",
        parameters=network.count_params(),
        recipe=recipe.as_dict(),
        command=training_command(recipe),
        epochs_seen=state.epochs_done,
        selected_epoch=state.best_epoch,
        data={
            "name": "FER2013 (arXiv:1307.0414)",
            "fingerprint": data.fingerprint,
            "training_images": len(training),
            "validation_images": len(validation),
            "test_images": len(data.split("PrivateTest")),
        },
        training={
            "seconds": round(sum(row["seconds"] for row in state.history)),
            "hardware": _hardware(),
            "backend": keras.backend.backend(),
            "versions": {
                name: metadata.version(name) for name in ("keras", "numpy", _backend_package())
            },
        },
        metrics=metrics,
        files={
            path.name: {"sha256": storage.sha256_of(path), "bytes": path.stat().st_size}
            for path in sorted(folder.iterdir())
            if path.is_file() and path.name != CARD_FILE
        },
        layers=layer_table(network),
    )


def _backend_package() -> str:
    return str(keras.backend.backend())


def _hardware() -> str:
    """Return the processor (and GPU count) in words."""
    from emosense.networks.device import device_label

    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass  # not Linux: the short name must do
    return f"{device_label()}; {os.cpu_count()} cores of {name}"
