"""A trained network's answers on every part of a data set, and what they are worth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from emosense import settings
from emosense.evaluation.calibration_fit import fit_calibration
from emosense.evaluation.metrics import compute_metrics
from emosense.evaluation.predictions import TEST_PARTS, WITHOUT_DUPLICATES, Predictions
from emosense.networks.classifier import EmotionClassifier
from emosense.networks.model_card import Metrics
from emosense.networks.registry import TrainedModel
from emosense.networks.temperature_scaling import Calibration
from emosense.training.dataset import Dataset, Split, find_duplicates, train_validation_split

VALIDATION = "a tenth of Training"


@dataclass(frozen=True)
class DatasetPredictions:
    """Raw (uncalibrated) predictions.

    Attributes:
        training: on the data's Training part without what is held out of it; the images that
            were learned, if it is the data that the model was trained on. May be empty.
        tests: on PublicTest and PrivateTest, as far as the data has them.
        watched: (name, predictions) of the images that an epoch is chosen on.
    """

    training: Predictions
    tests: dict[str, Predictions]
    watched: tuple[str, Predictions]

    def calibration(self) -> Calibration:
        """Fit temperature and threshold on the images that the epoch was chosen on."""
        return fit_calibration(self.watched[1], self.watched[0])

    def metrics(self, calibration: Calibration) -> dict[str, Metrics]:
        """Return metrics by split, as the card holds them."""
        parts = {"Training": self.training} if len(self.training) else {}
        for name, found in self.tests.items():
            parts[name] = found
            if not found.copy.all():
                parts[name + WITHOUT_DUPLICATES] = found.without_duplicates()
        return {
            name: compute_metrics(found.labels, calibration.apply(found.probabilities))
            for name, found in parts.items()
        }

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return what ``predictions.npz`` holds."""
        found: dict[str, npt.NDArray[Any]] = {}
        for part, predictions in self.tests.items():
            prefix = TEST_PARTS[part]
            found[f"{prefix}_probabilities"] = predictions.probabilities
            found[f"{prefix}_labels"] = predictions.labels
            found[f"{prefix}_copy"] = predictions.copy
            if predictions.votes is not None:
                found[f"{prefix}_votes"] = predictions.votes
        return found


def predict_dataset(model: TrainedModel, data: Dataset, seed: int = 0) -> DatasetPredictions:
    """Let a model answer every image of a data set.

    Args:
        model: from the registry.
        data: with or without the three parts of FER2013.
        seed: of the recipe; decides what was held out where there is no PublicTest.
    """
    classify = EmotionClassifier(model, settings.BACKEND.text(), raw=True)
    training, watched = train_validation_split(data, seed)

    def predictions(split: Split, copy: npt.NDArray[np.bool_]) -> Predictions:
        return Predictions(split.labels, classify(split.images), copy, split.votes)

    tests = {
        part: predictions(split, find_duplicates(split.images, training.images))
        for part in TEST_PARTS
        if len(split := data.split(part))
    }
    if "PublicTest" in tests:
        chosen_on = ("PublicTest", tests["PublicTest"])
    else:
        copies = find_duplicates(watched.images, training.images)
        chosen_on = (VALIDATION, predictions(watched, copies))
    return DatasetPredictions(predictions(training, np.ones(len(training), bool)), tests, chosen_on)
