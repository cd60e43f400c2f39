"""Export of a test set: a row per photo, with the answers of all networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from emosense.emotions import EMOTIONS
from emosense.evaluation_set.result import EvaluationSet
from emosense.export.spreadsheet import spreadsheet_csv
from emosense.networks.temperature_scaling import Calibration

PHOTO_COLUMNS: Final = (
    "file",
    "class",
    "label",
    "outcome",
    "message",
    "faces",
    "picture_width",
    "picture_height",
)
QUALITY_COLUMNS: Final = (
    *("size", "sharpness", "brightness", "contrast", "roll", "yaw", "pitch", "cut_off"),
    "quality",
)
MODEL_COLUMNS: Final = (*EMOTIONS, "emotion", "probability", "sure")
"""Columns of each network, whose name and a blank stand before."""


def to_csv(evaluation_set: EvaluationSet, calibrations: Mapping[str, Calibration]) -> str:
    """Return a CSV text (RFC 4180, UTF-8, header, ``\\r\\n``) with a row per labelled photo.

    The columns are :data:`PHOTO_COLUMNS` (``class`` as the data set calls it, ``label`` the emotion),
    :data:`QUALITY_COLUMNS`, and for each network :data:`MODEL_COLUMNS` with its calibrated
    probabilities. Photos whose face is not in the set have their outcome, and no answers.

    Args:
        evaluation_set: the test set.
        calibrations: calibrations by the name of the network; a network without one, because it was
            removed since, has no columns.
    """
    columns = [*PHOTO_COLUMNS, *QUALITY_COLUMNS]
    for model in _calibrated(evaluation_set, calibrations):
        columns += [f"{model} {column}" for column in MODEL_COLUMNS]
    return spreadsheet_csv(columns, records(evaluation_set, calibrations))


def records(
    evaluation_set: EvaluationSet, calibrations: Mapping[str, Calibration]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of :func:`to_csv` with values by column."""
    answers = _answers(evaluation_set, calibrations)
    faces = {row: face for face, row in enumerate(evaluation_set.used.tolist())}
    for number, row in enumerate(evaluation_set.rows):
        record: dict[str, Any] = {
            "file": row.name,
            "class": row.class_name,
            "label": row.emotion,
            "outcome": row.outcome,
            "message": row.message,
            "faces": row.faces,
            "picture_width": row.width,
            "picture_height": row.height,
        }
        if number in faces:
            record |= answers[faces[number]]
        yield record


def _answers(
    evaluation_set: EvaluationSet, calibrations: Mapping[str, Calibration]
) -> list[dict[str, Any]]:
    """Return the columns of quality and networks, one dict per face."""
    answers: list[dict[str, Any]] = [{} for _ in range(len(evaluation_set))]
    if len(evaluation_set.quality):
        for answer, quality in zip(answers, evaluation_set.quality.tolist(), strict=True):
            answer |= zip(QUALITY_COLUMNS, (_rounded(value) for value in quality), strict=False)
    for model in _calibrated(evaluation_set, calibrations):
        calibration = calibrations[model]
        predictions = evaluation_set.predictions(model).calibrated(calibration)
        sure = predictions.sure(calibration)
        scores = predictions.scores
        for face, answer in enumerate(answers):
            probabilities = predictions.probabilities[face]
            values = (
                # Float32's nine digits: what is computed from the file equals what the app shows.
                *(float(f"{probability:.9g}") for probability in probabilities.tolist()),
                EMOTIONS[int(predictions.predicted[face])],
                float(f"{float(probabilities.max()):.9g}"),
                int(sure[face]),
            )
            answer |= zip((f"{model} {column}" for column in MODEL_COLUMNS), values, strict=True)
            if scores is not None and len(scores):
                answer["quality"] = round(float(scores[face]), 4)
    return answers


def _calibrated(
    evaluation_set: EvaluationSet, calibrations: Mapping[str, Calibration]
) -> list[str]:
    return [model for model in evaluation_set.probabilities if model in calibrations]


def _rounded(value: float) -> float | None:
    return None if not np.isfinite(value) else round(value, 4)
