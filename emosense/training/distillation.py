"""Knowledge distillation: a teacher's predictions are mixed into the training targets."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from emosense.networks.backends import create_backend
from emosense.training.pretrained import trained_model
from emosense.training.recipe import Recipe

_BATCH_SIZE = 256


class Teacher:
    """The teacher network of a recipe (Hinton et al. 2015, arXiv:1503.02531).

    The teacher predicts the augmented and mixed images of the student, rounded to 8 bits, not
    the original images: matching the function rather than fixed labels helps most (Beyer et al.
    2022, arXiv:2106.05237).

    Args:
        recipe: recipe that names the teacher's model folder and weight.

    Raises:
        TrainingError: the recipe's ``teacher`` is no model folder.
        ModelDamaged: the teacher cannot be loaded.

    >>> from emosense.networks.registry import find_model
    >>> recipe = Recipe("cnn4", teacher=str(find_model("emosense-s").folder), teacher_share=0.25)
    >>> images, targets = np.zeros((2, 48, 48, 1), np.float32), np.eye(7, dtype=np.float32)[:2]
    >>> Teacher(recipe).mix_targets(images, targets).shape
    (2, 7)
    """

    def __init__(self, recipe: Recipe) -> None:
        self._predict = create_backend(trained_model(recipe, "teacher"))
        self._weight = np.float32(recipe.teacher_share)

    def mix_targets(
        self, images: npt.NDArray[np.float32], targets: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """Return the targets mixed with the teacher's class probabilities.

        Args:
            images: (n, 48, 48, 1) float32 training images in 0..1.
            targets: (n, 7) float32 targets.

        Returns:
            (n, 7) float32: (1 - weight) * targets + weight * teacher's probabilities.
        """
        faces = np.rint(images[..., 0] * 255).astype(np.uint8)
        batches = [
            self._predict(faces[start : start + _BATCH_SIZE])
            for start in range(0, len(faces), _BATCH_SIZE)
        ]
        probabilities = np.concatenate(batches)
        return np.asarray((1 - self._weight) * targets + self._weight * probabilities)
