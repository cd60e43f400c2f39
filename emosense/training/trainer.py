"""Trains a network according to a recipe, with one checkpoint per epoch."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from emosense.errors import TrainingError
from emosense.networks.architectures import architecture
from emosense.training import ema
from emosense.training.dataset import Dataset, train_validation_split
from emosense.training.distillation import Teacher
from emosense.training.epoch_data import class_weights, targets, to_unit
from emosense.training.epoch_loader import EpochLoader
from emosense.training.initial_weights import load_initial_weights
from emosense.training.recipe import Recipe
from emosense.training.run_directory import RunDirectory, RunState

_REPORT_INTERVAL: Final = 0.1
"""Seconds between two reports of progress within an epoch."""


@dataclass(frozen=True)
class Progress:
    """Progress of a run, as it is passed to the progress function during each epoch.

    Attributes:
        epoch: the current epoch, from 1.
        epochs: number of epochs of the run.
        step: number of finished steps in the current epoch.
        steps: number of steps per epoch.
        images_per_second: throughput of the current epoch.
        seconds_left: estimated time until the end of the run.
        metrics: running means of the current epoch; after its validation, its history row.

    >>> progress = Progress(2, 50, 10, 225, 900.0, 1500.0, {"loss": 1.5, "accuracy": 0.4})
    >>> progress.step / progress.steps < 0.05
    True
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    images_per_second: float
    seconds_left: float
    metrics: dict[str, float]


ProgressFunction = Callable[[Progress], None]


def train(
    recipe: Recipe,
    data: Dataset,
    folder: Path,
    *,
    resume: bool = False,
    on_progress: ProgressFunction | None = None,
    tensorboard: Path | None = None,
    workers: int = 0,
    teacher_cache: Path | None = None,
) -> RunState:
    """Train until all epochs of the recipe are finished.

    Args:
        recipe: the hyperparameters of the run.
        data: the data set: Training for training, PublicTest for validation. Without PublicTest,
            a stratified tenth of Training is held out for validation.
        folder: the folder of the run, for its checkpoints.
        resume: resume the run in ``folder``, with the same recipe and data; the result equals
            that of an uninterrupted run.
        on_progress: function that is called after the first step of every epoch, then ten times a
            second at most, and after every validation.
        tensorboard: folder for TensorBoard logs (needs the ``tensorboard`` package); None writes
            no logs.
        workers: number of processes that prepare coming epochs; see :class:`EpochLoader`.
        teacher_cache: folder for the teacher's predictions; see :class:`Teacher`.

    Returns:
        The state of the finished run.

    Raises:
        TrainingError: the run in ``folder`` has another recipe or other data, or ``resume`` is
            false; the data has no training or validation images, or lacks FER+ votes that the
            recipe needs; the loss is no longer finite.
    """
    if tensorboard is not None:
        _tensorboard(tensorboard)  # reports a missing package before the first epoch
    training, validation = train_validation_split(data, recipe.seed)
    if len(training) == 0 or len(validation) == 0:
        raise TrainingError(
            f"{data.source}: expected images for training and for validation. "
            f"Received: {len(training)} and {len(validation)}"
        )
    run = RunDirectory(folder)
    if run.exists and not resume:
        raise TrainingError(
            f"{folder} already holds a run. To go on with it, resume (--resume); to begin anew, "
            "remove it or choose another folder (--checkpoints)."
        )
    if run.exists:
        state = run.resume(recipe, data.fingerprint)
        if state.epochs_done >= recipe.epochs:
            return state
        model = ema.load(run.checkpoint(state.epochs_done))
    else:
        state = RunState(recipe.as_dict(), data.fingerprint)
        model = build_and_compile(recipe, steps=-(-len(training) // recipe.batch_size))
    validation_images = to_unit(validation.images)[..., np.newaxis]
    validation_targets = targets(validation, Recipe(recipe.network))
    weight_per_class = class_weights(training, recipe.balance) if recipe.balance else None
    teacher = Teacher(recipe, teacher_cache, data.fingerprint) if recipe.teacher else None
    with EpochLoader(training, recipe, state.epochs_done, workers) as loader:
        for epoch in range(state.epochs_done, recipe.epochs):
            monitor = _EpochMonitor(recipe, epoch, len(training), state, on_progress)
            callbacks: list[Any] = [monitor]
            if tensorboard is not None:
                callbacks.append(_tensorboard(tensorboard))
            prepared = loader.load(epoch)
            images, epoch_targets = prepared.images, prepared.targets
            if recipe.start and epoch == 0:
                load_initial_weights(model, recipe, images)
            sample_weights = None if weight_per_class is None else epoch_targets @ weight_per_class
            if teacher is not None:
                epoch_targets = teacher.mix_targets(images, epoch_targets, epoch)
            logs = model.fit(
                images,
                epoch_targets,
                sample_weight=sample_weights,
                batch_size=recipe.batch_size,
                shuffle=False,
                initial_epoch=epoch,
                epochs=epoch + 1,
                callbacks=callbacks,
                verbose=0,
            ).history
            row = {name: float(values[-1]) for name, values in logs.items()}
            with ema.averaged_weights(model, prepared.statistics):
                validated = model.evaluate(
                    validation_images,
                    validation_targets,
                    batch_size=256,
                    verbose=0,
                    return_dict=True,
                )
            row |= {f"val_{name}": float(value) for name, value in validated.items()}
            if not (math.isfinite(row["loss"]) and math.isfinite(row["val_loss"])):
                before = f" The epochs before it stay in {folder}." if epoch else ""
                raise TrainingError(
                    f"Epoch {epoch + 1}: expected a finite loss. Received: {row['loss']:g} in training "
                    f"and {row['val_loss']:g} in validation. A lower --learning-rate may keep the "
                    f"training from diverging.{before}"
                )
            row |= {
                "epoch": epoch + 1,
                "learning_rate": float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)),
                "seconds": round(monitor.elapsed, 2),
            }
            state.history.append(row)
            run.save(model, state)
            monitor.report(monitor.steps, row)
    return state


def _tensorboard(folder: Path) -> Any:
    if find_spec("tensorboard") is None:
        raise TrainingError("TensorBoard logs need its package: pip install tensorboard")
    return keras.callbacks.TensorBoard(str(folder))


def build_and_compile(recipe: Recipe, steps: int) -> Any:
    """Build and compile the network of a recipe.

    Args:
        recipe: the hyperparameters of the run.
        steps: number of steps per epoch, for the learning rate schedule.
    """
    previous_policy = keras.config.dtype_policy()
    keras.utils.set_random_seed(recipe.seed)
    try:
        keras.config.set_dtype_policy(recipe.precision)
        model = architecture(recipe.network).build(recipe.initializer, recipe.dropout)
    finally:
        keras.config.set_dtype_policy(previous_policy)
    model.compile(
        optimizer=ema.keep_raw_weights(_optimizer(recipe, steps)),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing),
        metrics=["accuracy"],
        jit_compile="auto" if keras.backend.backend() == "jax" else False,
    )
    return model


def _optimizer(recipe: Recipe, steps: int) -> Any:
    learning_rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        warmup_steps = recipe.warmup_epochs * steps
        learning_rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if warmup_steps else recipe.learning_rate,
            decay_steps=recipe.epochs * steps - warmup_steps,
            warmup_target=recipe.learning_rate if warmup_steps else None,
            warmup_steps=warmup_steps,
        )
    decay = recipe.weight_decay or None
    ema_options: dict[str, Any] = {}
    if recipe.ema:
        ema_options = {"use_ema": True, "ema_momentum": recipe.ema}
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(
            learning_rate, weight_decay=recipe.weight_decay, **ema_options
        )
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(
            learning_rate, 0.9, nesterov=True, weight_decay=decay, **ema_options
        )
    return keras.optimizers.Adam(learning_rate, weight_decay=decay, **ema_options)


def _seed_dropout(model: Any, seed: int, epoch: int) -> None:
    """Set the random state of every dropout layer from the seed, the epoch and the layer name."""
    for layer in model.layers:
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            digest = hashlib.sha256(f"{seed}/{epoch}/{layer.name}".encode()).digest()
            generator.state.assign(np.frombuffer(digest[:8], np.uint32))


class _EpochMonitor(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Keras callback that seeds dropout, measures the duration and reports the progress."""

    def __init__(
        self,
        recipe: Recipe,
        epoch: int,
        images: int,
        state: RunState,
        on_progress: ProgressFunction | None,
    ) -> None:
        super().__init__()
        self._recipe = recipe
        self._epoch = epoch
        self._images = images
        self._recent_seconds = [row["seconds"] for row in state.history[-5:]]
        self._on_progress = on_progress
        self._started = self._reported = time.perf_counter()
        self.steps = -(-images // recipe.batch_size)

    @property
    def elapsed(self) -> float:
        """Seconds since the start of the epoch."""
        return time.perf_counter() - self._started

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        # Not before fit(), which draws random numbers to build the metrics of a loaded model.
        _seed_dropout(self.model, self._recipe.seed, epoch)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        if self._on_progress is None:
            return
        # Reading the metrics waits for the device, so not after every step of a fast one.
        now = time.perf_counter()
        if batch == 0 or now - self._reported > _REPORT_INTERVAL:
            self._reported = now
            self.report(batch + 1, {k: float(v) for k, v in (logs or {}).items()})

    def report(self, step: int, metrics: dict[str, float]) -> None:
        if self._on_progress is None:
            return
        elapsed = self.elapsed
        epoch_seconds = elapsed * self.steps / step
        epochs_left = self._recipe.epochs - self._epoch - 1
        mean_seconds = float(np.mean([*self._recent_seconds, epoch_seconds]))
        images_done = min(step * self._recipe.batch_size, self._images)
        self._on_progress(
            Progress(
                epoch=self._epoch + 1,
                epochs=self._recipe.epochs,
                step=step,
                steps=self.steps,
                images_per_second=images_done / elapsed,
                seconds_left=epoch_seconds - elapsed + epochs_left * mean_seconds,
                metrics=metrics,
            )
        )
