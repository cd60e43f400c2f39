"""Distillation: a trained network's probabilities as part of another's targets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emosense.networks.backends import create_backend
from emosense.training.pretrained import trained_model
from emosense.training.recipe import Recipe

_BATCH = 256


class Teacher:
    """The teacher of a distillation: predicts each image as the student sees it, rounded to 8 bits.

    The teacher gets the augmented and mixed image itself, not the original: matching the
    function rather than fixed labels helps most (Beyer et al. 2022, arXiv:2106.05237).

    Raises:
        TrainingError: the recipe's teacher is no model folder.
        ModelDamaged: it cannot be loaded.

    >>> from emosense.settings import bundled_models_dir
    >>> recipe = Recipe("cnn4", teacher=str(bundled_models_dir() / "cnn8"))
    >>> targets = np.eye(7, dtype=np.float32)[[3]]
    >>> Teacher(recipe).mix_targets(np.zeros((1, 48, 48, 1), np.float32), targets).shape
    (1, 7)
    """

    def __init__(self, recipe: Recipe) -> None:
        self._predict = create_backend(trained_model(recipe, "teacher"))
        self._share = np.float32(recipe.teacher_share)

    def mix_targets(
        self, images: npt.NDArray[np.float32], targets: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Return ``targets`` mixed with the teacher's probabilities.

        Args:
            images: (n, 48, 48, 1) float32 in 0..1.
            targets: (n, 7) float32 targets.
        """
        faces = np.rint(images[..., 0] * 255).astype(np.uint8)
        teacher_probabilities = np.concatenate(
            [self._predict(faces[first : first + _BATCH]) for first in range(0, len(faces), _BATCH)]
        )
        return np.asarray((1 - self._share) * targets + self._share * teacher_probabilities)
