"""Trains a network by a recipe, one checkpoint an epoch."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import keras
import numpy as np

from emosense.errors import TrainingError
from emosense.networks.architectures import architecture
from emosense.training import ema
from emosense.training.dataset import Dataset, train_validation_split
from emosense.training.distillation import Teacher
from emosense.training.epoch_data import class_weights, epoch_data, targets, to_unit
from emosense.training.initial_weights import load_initial_weights
from emosense.training.recipe import Recipe
from emosense.training.run_directory import RunDirectory, RunState


@dataclass(frozen=True)
class Progress:
    """Where a run stands; given to the progress function after each step.

    Attributes:
        epoch: the running epoch, from 1.
        epochs: how many there will be.
        step: finished steps of this epoch.
        steps: steps an epoch.
        images_per_second: over this epoch so far.
        seconds_left: estimate for the whole run.
        metrics: running means of this epoch; once it is over and validated, its history row.

    >>> Progress(1, 50, 3, 224, 170.0, 8000.0, {"loss": 1.8}).epoch
    1
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
) -> RunState:
    """Train until all epochs of the recipe are done.

    Args:
        recipe: all hyperparameters of the run.
        data: trained on its Training split, validated on its PublicTest split. Without a
            PublicTest split a seeded, stratified tenth of Training is held out.
        folder: where checkpoints go.
        resume: go on with the run in ``folder`` (the same recipe and data); the result is
            that of an uninterrupted run.
        on_progress: called after every step.
        tensorboard: where to write TensorBoard logs (needs the ``tensorboard`` package).

    Raises:
        TrainingError: a resume that does not fit, a run in the folder that is not to be resumed,
            missing votes, or no images.
    """
    if tensorboard is not None:
        _tensorboard(tensorboard)  # missing: reported before the first epoch, not after
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
    teacher = Teacher(recipe) if recipe.teacher else None
    for epoch in range(state.epochs_done, recipe.epochs):
        monitor = _EpochMonitor(recipe, epoch, len(training), state, on_progress)
        callbacks: list[Any] = [monitor]
        if tensorboard is not None:
            callbacks.append(_tensorboard(tensorboard))
        images, epoch_targets = epoch_data(training, recipe, epoch)
        if recipe.start and epoch == 0:
            load_initial_weights(model, recipe, images)
        weights = None if weight_per_class is None else epoch_targets @ weight_per_class
        if teacher is not None:
            epoch_targets = teacher.mix_targets(images, epoch_targets)
        logs = model.fit(
            images,
            epoch_targets,
            sample_weight=weights,
            batch_size=recipe.batch_size,
            shuffle=False,
            initial_epoch=epoch,
            epochs=epoch + 1,
            callbacks=callbacks,
            verbose=0,
        ).history
        row = {name: float(values[-1]) for name, values in logs.items()}
        with ema.averaged_weights(model):
            validation_metrics = model.evaluate(
                validation_images, validation_targets, batch_size=256, verbose=0, return_dict=True
            )
        row |= {f"val_{name}": float(value) for name, value in validation_metrics.items()}
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
    """Build and compile the recipe's network; ``steps`` is the number an epoch has."""
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
    rate: Any = recipe.learning_rate
    if recipe.schedule == "cosine":
        warmup = recipe.warmup_epochs * steps
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if warmup else recipe.learning_rate,
            decay_steps=recipe.epochs * steps - warmup,
            warmup_target=recipe.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
    decay = recipe.weight_decay or None
    average: dict[str, Any] = {}
    if recipe.ema:
        average = {"use_ema": True, "ema_momentum": recipe.ema}
    if recipe.optimizer == "adamw":
        return keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay, **average)
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(rate, 0.9, nesterov=True, weight_decay=decay, **average)
    return keras.optimizers.Adam(rate, weight_decay=decay, **average)


def _seed_dropout(model: Any, seed: int, epoch: int) -> None:
    """Give every dropout layer a state that only seed, epoch and its name decide."""
    for layer in model.layers:
        generator = getattr(layer, "seed_generator", None)
        if generator is not None:
            digest = hashlib.sha256(f"{seed}/{epoch}/{layer.name}".encode()).digest()
            generator.state.assign(np.frombuffer(digest[:8], np.uint32))


class _EpochMonitor(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Seeds the running epoch, measures it and reports it."""

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
        self._previous_seconds = [row["seconds"] for row in state.history[-5:]]
        self._on_progress = on_progress
        self._start = time.perf_counter()
        self.steps = -(-images // recipe.batch_size)

    @property
    def elapsed(self) -> float:
        """Seconds since this epoch began."""
        return time.perf_counter() - self._start

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        # Not before fit(): building a freshly loaded model's metrics draws random numbers too.
        _seed_dropout(self.model, self._recipe.seed, epoch)

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self.report(batch + 1, {k: float(v) for k, v in (logs or {}).items()})

    def report(self, step: int, metrics: dict[str, float]) -> None:
        if self._on_progress is None:
            return
        elapsed = self.elapsed
        epoch_seconds = elapsed * self.steps / step
        epochs_left = self._recipe.epochs - self._epoch - 1
        mean_epoch_seconds = float(np.mean([*self._previous_seconds, epoch_seconds]))
        images_done = min(step * self._recipe.batch_size, self._images)
        self._on_progress(
            Progress(
                epoch=self._epoch + 1,
                epochs=self._recipe.epochs,
                step=step,
                steps=self.steps,
                images_per_second=images_done / elapsed,
                seconds_left=epoch_seconds - elapsed + epochs_left * mean_epoch_seconds,
                metrics=metrics,
            )
        )
