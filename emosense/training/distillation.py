"""Knowledge distillation: the predictions of teachers are mixed into the training targets."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from emosense.filesystem.atomic import write_atomic
from emosense.networks.backends import InferenceBackend, KerasBackend, create_backend
from emosense.networks.model_card import WEIGHTS_FILE
from emosense.networks.registry import TrainedModel
from emosense.runtime.device import has_gpu
from emosense.training.pretrained import trained_model
from emosense.training.recipe import Recipe

_BATCH_SIZE = 256


class Teacher:
    """The teacher of a recipe: a network, or an ensemble (Hinton et al. 2015, arXiv:1503.02531).

    An ensemble's prediction is the mean of its members' probabilities, each calibrated by its
    temperature. The teacher predicts the augmented and mixed images of the student, rounded to 8
    bits, not the original images: matching the function rather than fixed labels helps most (Beyer
    et al. 2022, arXiv:2106.05237).

    Args:
        recipe: recipe that names the model folders of the teacher and its weight.
        cache: folder in which the predictions of each epoch are kept for other runs, at the same
            time or later, whose epochs have the same images: with the same teacher, data, seed,
            augmentation and mixup. None keeps none.
        fingerprint: checksum of the data set.

    Raises:
        TrainingError: the recipe's ``teacher`` names something else than model folders.
        ModelDamaged: a teacher cannot be loaded.

    >>> from emosense.networks.registry import find_model
    >>> recipe = Recipe("cnn4", teacher=str(find_model("emosense-s").folder), teacher_share=0.25)
    >>> images, targets = np.zeros((2, 48, 48, 1), np.float32), np.eye(7, dtype=np.float32)[:2]
    >>> Teacher(recipe).mix_targets(images, targets, epoch=0).shape
    (2, 7)
    """

    def __init__(self, recipe: Recipe, cache: Path | None = None, fingerprint: str = "") -> None:
        self._members = [
            (model, _backend(model))
            for model in (
                trained_model("teacher", folder.strip()) for folder in recipe.teacher.split(",")
            )
        ]
        self._weight = np.float32(recipe.teacher_share)
        self._cache = cache
        digest = hashlib.sha256(
            repr((fingerprint, recipe.seed, recipe.augmentation, recipe.mixup)).encode()
        )
        for model, _ in self._members:
            digest.update(model.file(WEIGHTS_FILE).read_bytes())
            digest.update(repr(model.card.calibration.temperature).encode())
        self._key = digest.hexdigest()[:16]

    def mix_targets(
        self,
        images: npt.NDArray[np.float32],
        targets: npt.NDArray[np.float32],
        epoch: int,
    ) -> npt.NDArray[np.float32]:
        """Return the targets mixed with the teacher's class probabilities.

        Args:
            images: (n, 48, 48, 1) float32 training images in 0..1.
            targets: (n, 7) float32 targets.
            epoch: number of the epoch whose images these are, from 0.

        Returns:
            (n, 7) float32: (1 - weight) * targets + weight * teacher's probabilities.
        """
        probabilities = self._cached(images, epoch)
        return np.asarray((1 - self._weight) * targets + self._weight * probabilities)

    def _cached(self, images: npt.NDArray[np.float32], epoch: int) -> npt.NDArray[np.float32]:
        if self._cache is None:
            return self._predict(images)
        self._cache.mkdir(parents=True, exist_ok=True)
        path = self._cache / f"{self._key}-{epoch:04d}.npy"
        with FileLock(path.with_suffix(".lock")):  # of several runs one predicts, the others wait
            if path.is_file():
                return np.asarray(np.load(path, allow_pickle=False), np.float32)
            probabilities = self._predict(images)
            content = io.BytesIO()
            np.save(content, probabilities, allow_pickle=False)
            write_atomic(path, content.getvalue())
            return probabilities

    def _predict(self, images: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        faces = np.rint(images[..., 0] * 255).astype(np.uint8)
        total = np.zeros((len(faces), 7), np.float32)
        for model, predict in self._members:
            batches = [
                predict(faces[start : start + _BATCH_SIZE])
                for start in range(0, len(faces), _BATCH_SIZE)
            ]
            total += model.card.calibration.apply(np.concatenate(batches))
        return total / np.float32(len(self._members))


def _backend(model: TrainedModel) -> InferenceBackend:
    # Not create_backend's choice on a GPU: that one belongs to a single process, and here the
    # student trains on it already.
    return KerasBackend(model) if has_gpu() else create_backend(model, "cpu")
