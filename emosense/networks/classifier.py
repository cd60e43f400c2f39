"""Classification of face crops: a trained network with its calibration."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS, INPUT_SIZE
from emosense.networks.backends import create_backend
from emosense.networks.registry import TrainedModel
from emosense.networks.temperature_scaling import Calibration

BATCH_SIZE: Final = 64


class EmotionClassifier:
    """Classifies 48x48 faces with one model of the registry.

    Args:
        model: a model of the registry.
        backend: inference backend, as :func:`emosense.networks.backends.create_backend` takes it.
        raw: return uncalibrated probabilities.

    Raises:
        ModelDamaged: the model cannot be loaded.

    >>> from emosense.networks.registry import find_model
    >>> classify = EmotionClassifier(find_model("emosense-s"), "opencv")
    >>> classify(np.zeros((2, 48, 48), np.uint8)).shape
    (2, 7)
    """

    def __init__(self, model: TrainedModel, backend: str = "auto", *, raw: bool = False) -> None:
        self.name = model.name
        self.version = model.card.version
        self.calibration = Calibration() if raw else model.calibration
        self._backend = create_backend(model, backend)

    @property
    def label(self) -> str:
        """Display name of the inference backend and its device."""
        return self._backend.label

    def __call__(
        self,
        faces: npt.NDArray[np.uint8],
        scores: npt.NDArray[np.floating[Any]] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Classify faces.

        Args:
            faces: (n, 48, 48) uint8 grey values; n may be 0.
            scores: (n,) quality scores in 0..1, on which calibration may depend; None takes all
                faces for faultless.

        Returns:
            (n, 7) float32 class probabilities in FER2013's class order.

        Raises:
            ValueError: ``faces`` has another shape or dtype.
        """
        return self.calibration.apply(self.raw(faces), scores)

    def raw(self, faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Classify faces without calibration.

        Args:
            faces: (n, 48, 48) uint8 grey values; n may be 0.

        Returns:
            (n, 7) float32 class probabilities in FER2013's class order.

        Raises:
            ValueError: ``faces`` has another shape or dtype.
        """
        if faces.shape[1:] != (INPUT_SIZE, INPUT_SIZE) or faces.dtype != np.uint8:
            raise ValueError(
                f"Expected faces of shape (n, {INPUT_SIZE}, {INPUT_SIZE}) and type uint8. "
                f"Received: {faces.shape}, {faces.dtype}"
            )
        batches = [
            self._backend(faces[start : start + BATCH_SIZE])
            for start in range(0, len(faces), BATCH_SIZE)
        ]
        if not batches:
            return np.empty((0, len(EMOTIONS)), np.float32)
        return np.concatenate(batches)
