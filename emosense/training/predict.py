"""Predictions of a trained network on every split of a data set, and their metrics."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosense import settings
from emosense.evaluation.calibration_fit import fit_calibration
from emosense.evaluation.degraded_faces import DegradedFaces, degrade_faces, natural_quality
from emosense.evaluation.metrics import compute_metrics
from emosense.evaluation.predictions import (
    TEST_SPLITS,
    WITHOUT_DUPLICATES,
    DegradedPredictions,
    Predictions,
)
from emosense.faces.detector import FaceDetector
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
        degraded: raw predictions on degraded faces of each of ``tests``; empty where no face was found.

    >>> empty = Predictions(np.zeros(0, np.uint8), np.zeros((0, 7), np.float32), np.zeros(0, bool))
    >>> DatasetPredictions(empty, {}, (HELD_OUT, empty)).arrays()
    {}
    """

    training: Predictions
    tests: dict[str, Predictions]
    validation: tuple[str, Predictions]
    degraded: dict[str, DegradedPredictions] = field(default_factory=dict)

    def calibration(self) -> Calibration:
        """Fit temperature and abstention threshold on the validation split."""
        split, predictions = self.validation
        return fit_calibration(predictions, split, self.degraded.get(split))

    def metrics(self, calibration: Calibration) -> dict[str, Metrics]:
        """Return the metrics by split, as they are stored in the card."""
        splits = {"Training": self.training} if len(self.training) else {}
        for name, predictions in self.tests.items():
            splits[name] = predictions
            if not predictions.is_duplicate.all():
                splits[name + WITHOUT_DUPLICATES] = predictions.without_duplicates()
        return {
            name: compute_metrics(
                predictions.labels, predictions.calibrated(calibration).probabilities
            )
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
            if predictions.quality is not None:
                arrays[f"{prefix}_quality"] = predictions.quality
        return arrays | self.degraded_arrays()

    def degraded_arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Return those arrays of ``predictions.npz`` that are of degraded faces."""
        arrays: dict[str, npt.NDArray[Any]] = {}
        for name, degraded in self.degraded.items():
            prefix = f"{TEST_SPLITS[name]}_degraded"
            arrays[f"{prefix}_probabilities"] = degraded.predictions.probabilities
            assert degraded.predictions.quality is not None
            arrays[f"{prefix}_quality"] = degraded.predictions.quality
            for field_name in ("images", "corruptions", "severities", "found"):
                arrays[f"{prefix}_{field_name}"] = getattr(degraded, field_name)
        return arrays


@dataclass(frozen=True)
class MeasuredFaces:
    """The faces of a test split, as they are and degraded.

    Attributes:
        quality: (n, 8) float32, see :func:`emosense.faces.quality_score.quality_scores`; None if it
            was not measured.
        degraded: degraded faces; None if they are not wanted.

    >>> MeasuredFaces(np.zeros((0, 8), np.float32)).degraded is None
    True
    """

    quality: npt.NDArray[np.float32] | None
    degraded: DegradedFaces | None = None


def measure_faces(
    data: Dataset, *, degraded: bool, splits: Collection[str] = tuple(TEST_SPLITS)
) -> dict[str, MeasuredFaces]:
    """Measure the quality of the test images of a data set; takes half a minute for FER2013.

    Args:
        data: a data set; any of its splits may be empty.
        degraded: whether to make degraded faces too, which takes some minutes.
        splits: the test splits to measure.
    """
    detector = FaceDetector(settings.BACKEND.text())
    measured = {}
    for name in splits:
        images = data.split(name).images
        if len(images):
            measured[name] = MeasuredFaces(
                natural_quality(images, detector.detect),
                degrade_faces(images, detector.detect) if degraded else None,
            )
    return measured


def unmeasured_faces(data: Dataset) -> dict[str, MeasuredFaces]:
    """Return the test splits of a data set without the quality of their images."""
    return {name: MeasuredFaces(None) for name in TEST_SPLITS if len(data.split(name))}


def predict_dataset(
    model: TrainedModel,
    data: Dataset,
    seed: int = 0,
    faces: Mapping[str, MeasuredFaces] | None = None,
) -> DatasetPredictions:
    """Predict every image of a data set.

    Args:
        model: a model of the registry.
        data: a data set; any of its splits may be empty.
        seed: the recipe's seed, which selects the held-out images if there is no PublicTest.
        faces: the measured faces of its test splits; None measures them, without degraded ones.
            Training images are not measured, and count as faultless.
    """
    faces = measure_faces(data, degraded=False) if faces is None else faces
    classify = EmotionClassifier(model, settings.BACKEND.text(), raw=True)
    training, validation = train_validation_split(data, seed)

    def predict(split: Split, is_duplicate: npt.NDArray[np.bool_]) -> Predictions:
        return Predictions(split.labels, classify(split.images), is_duplicate, split.votes)

    tests: dict[str, Predictions] = {}
    degraded: dict[str, DegradedPredictions] = {}
    for name, measured in faces.items():
        split = data.split(name)
        is_duplicate = find_duplicates(split.images, training.images)
        tests[name] = replace(predict(split, is_duplicate), quality=measured.quality)
        if (worse := measured.degraded) is not None:
            images = worse.images
            degraded[name] = DegradedPredictions(
                Predictions(
                    split.labels[images],
                    classify(worse.crops),
                    is_duplicate[images],
                    None,
                    worse.quality,
                ),
                images,
                worse.corruptions,
                worse.severities,
                worse.found,
            )
    if "PublicTest" in tests:
        validated_on = ("PublicTest", tests["PublicTest"])
    else:
        duplicates = find_duplicates(validation.images, training.images)
        validated_on = (HELD_OUT, predict(validation, duplicates))
    return DatasetPredictions(
        predict(training, np.ones(len(training), bool)), tests, validated_on, degraded
    )
