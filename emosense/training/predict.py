"""Predictions of a trained network on every split of a data set, and their metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosense import settings
from emosense.evaluation.calibration_fit import fit_calibration
from emosense.evaluation.metrics import compute_metrics
from emosense.evaluation.predictions import TEST_SPLITS, WITHOUT_DUPLICATES, Predictions
from emosense.networks.classifier import EmotionClassifier
from emosense.networks.model_card import Metrics
from emosense.networks.registry import TrainedModel
from emosense.networks.temperature_scaling import Calibration
from emosense.training.dataset import Dataset, Split, find_duplicates, train_validation_split

HELD_OUT: Final = "a tenth of Training"
"""Name of the validation split of data that comes without PublicTest."""


@dataclass(frozen=True)
class DatasetPredictions:
    """Raw (uncalibrated) predictions of a model on the splits of a data set.

    Attributes:
        training: predictions of the Training split without held-out images; may be empty.
        tests: predictions of PublicTest and PrivateTest, by split name; without splits that the
            data does not have.
        validation: (name, predictions) of the split that the epoch is selected on.

    >>> empty = Predictions(np.zeros(0, np.uint8), np.zeros((0, 7), np.float32), np.zeros(0, bool))
    >>> DatasetPredictions(empty, {}, (HELD_OUT, empty)).arrays()
    {}
    """

    training: Predictions
    tests: dict[str, Predictions]
    validation: tuple[str, Predictions]

    def calibration(self) -> Calibration:
        """Fit temperature and abstention threshold on the validation split."""
        return fit_calibration(self.validation[1], self.validation[0])

    def metrics(self, calibration: Calibration) -> dict[str, Metrics]:
        """Return the metrics by split, as they are stored in the card."""
        splits = {"Training": self.training} if len(self.training) else {}
        for name, predictions in self.tests.items():
            splits[name] = predictions
            if not predictions.is_duplicate.all():
                splits[name + WITHOUT_DUPLICATES] = predictions.without_duplicates()
        return {
            name: compute_metrics(predictions.labels, calibration.apply(predictions.probabilities))
            for name, predictions in splits.items()
        }

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return the arrays of ``predictions.npz``."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name, predictions in self.tests.items():
            prefix = TEST_SPLITS[name]
            arrays[f"{prefix}_probabilities"] = predictions.probabilities
            arrays[f"{prefix}_labels"] = predictions.labels
            arrays[f"{prefix}_copy"] = predictions.is_duplicate
            if predictions.votes is not None:
                arrays[f"{prefix}_votes"] = predictions.votes
        return arrays


def predict_dataset(model: TrainedModel, data: Dataset, seed: int = 0) -> DatasetPredictions:
    """Predict every image of a data set.

    Args:
        model: a model of the registry.
        data: a data set; any of its splits may be empty.
        seed: the recipe's seed, which selects the held-out images if there is no PublicTest.
    """
    classify = EmotionClassifier(model, settings.BACKEND.text(), raw=True)
    training, validation = train_validation_split(data, seed)

    def predict(split: Split, is_duplicate: npt.NDArray[np.bool_]) -> Predictions:
        return Predictions(split.labels, classify(split.images), is_duplicate, split.votes)

    tests: dict[str, Predictions] = {}
    for name in TEST_SPLITS:
        split = data.split(name)
        if len(split):
            tests[name] = predict(split, find_duplicates(split.images, training.images))
    if "PublicTest" in tests:
        validated_on = ("PublicTest", tests["PublicTest"])
    else:
        duplicates = find_duplicates(validation.images, training.images)
        validated_on = (HELD_OUT, predict(validation, duplicates))
    return DatasetPredictions(predict(training, np.ones(len(training), bool)), tests, validated_on)
