"""The schema of faces: columns of CSV and Parquet, and the values of JSON.

Every table of faces has the same columns in the same order, after those that locate the face:
``source`` and ``face`` for photos, ``source``, ``frame``, ``time`` and ``person`` for videos, ``file``,
``frame``, ``time`` and ``person`` for a batch of both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from emosense.emotions import EMOTIONS
from emosense.results import Face


@dataclass(frozen=True)
class Column:
    """A column of a table of faces.

    Attributes:
        name: name of the column, in all formats.
        type: type of the values, also in Parquet.
        decimals: digits behind the point in CSV; None writes a value as it is.
        description: meaning, with unit and range.

    >>> Column("x", "float32", 1, "left edge of the box, in pixels").name
    'x'
    """

    name: str
    type: Literal["string", "int32", "int64", "float32", "float64", "bool"]
    decimals: int | None
    description: str


SCHEMA_VERSION: Final = 2
"""Rises when columns change: a batch's folder has rows of one version. 2 has the quality of faces."""

FACE: Final = (
    Column("x", "float32", 1, "left edge of the box, in pixels of the upright picture"),
    Column("y", "float32", 1, "upper edge of the box, in pixels of the upright picture"),
    Column("width", "float32", 1, "width of the box, in pixels"),
    Column("height", "float32", 1, "height of the box, in pixels"),
    Column("detection_score", "float32", 4, "score of the face detector, in 0..1"),
    *(Column(name, "float32", 6, f"probability of {name}, in 0..1") for name in EMOTIONS),
    Column("emotion", "string", None, "the most probable emotion"),
    Column("probability", "float32", 6, "probability of the emotion, in 0..1"),
    Column("sure", "bool", None, "whether that reaches the model's abstention threshold"),
    Column(
        "expected_accuracy",
        "float32",
        4,
        "fraction of correct answers on test faces of similar quality and probability, in 0..1",
    ),
    Column("quality", "float32", 4, "quality score, in 0..1"),
    Column("size", "float32", 1, "square root of the box's area, in pixels"),
    Column("sharpness", "float32", 3, "deviation of the crop's Laplacian by that of its greys"),
    Column("brightness", "float32", 3, "mean grey value of the crop, in 0..1"),
    Column("contrast", "float32", 3, "standard deviation of its grey values, in 0..0.5"),
    Column("roll", "float32", 1, "angle of the line through the eyes, in degrees, clockwise"),
    Column("yaw", "float32", 1, "coarse angle in degrees, positive to the picture's right"),
    Column("pitch", "float32", 1, "coarse angle in degrees, positive downwards"),
    Column("cut_off", "float32", 3, "fraction of the crop outside the picture, in 0..1"),
)
"""Columns that describe a face."""

PHOTO: Final = (
    Column("source", "string", None, "file name"),
    Column("face", "int32", None, "number of the face from 1; 0 for a photo without faces"),
)
"""Columns that locate a face in an upload of photos."""

VIDEO: Final = (
    Column("source", "string", None, "file name"),
    Column("frame", "int64", None, "index of the frame, from 0"),
    Column("time", "float64", 3, "seconds from the first frame on"),
    Column("person", "int32", None, "number of the person from 1; 0 for a frame without faces"),
    Column("name", "string", None, "name that somebody gave the person; empty without"),
)
"""Columns that locate a face in a video."""

BATCH: Final = (
    Column("file", "string", None, "path below the source"),
    Column("frame", "int64", None, "index of the frame, from 0; null for photos"),
    Column("time", "float64", 3, "seconds from the first frame on; null for photos"),
    Column(
        "person",
        "int32",
        None,
        "number of the face of a photo, or of the person of a video, from 1; 0 in the single row of "
        "a file without faces, and null in that of a failed file",
    ),
)
"""Columns that locate a face in a batch of photos and videos."""

MODEL: Final = Column("model", "string", None, "registry name of the network")
ERROR: Final = Column(
    "error", "string", None, "why a file failed, or where a damaged video ended; else null"
)

PHOTO_COLUMNS: Final = (*PHOTO, *FACE, MODEL, ERROR)
VIDEO_COLUMNS: Final = (*VIDEO, *FACE, MODEL)
BATCH_COLUMNS: Final = (*BATCH, *FACE, MODEL, ERROR)


def names(columns: tuple[Column, ...]) -> tuple[str, ...]:
    """Return the names of columns."""
    return tuple(column.name for column in columns)


def face_record(face: Face) -> dict[str, Any]:
    """Return a face's values by the names of :data:`FACE`."""
    box, quality = face.box, face.quality
    measured = {} if quality is None else {**vars(quality), "quality": quality.score}
    measured.pop("score", None)
    return {
        "x": box.x,
        "y": box.y,
        "width": box.width,
        "height": box.height,
        "detection_score": face.detection_score,
        **dict(zip(EMOTIONS, face.probabilities, strict=True)),
        "emotion": face.emotion,
        "probability": face.probability,
        "sure": face.sure,
        "expected_accuracy": face.expected_accuracy,
        **measured,
    }


def csv_cells(record: Mapping[str, Any], columns: tuple[Column, ...]) -> dict[str, Any]:
    """Return the CSV cells of a record: rounded, booleans as 1 and 0, nulls left out."""
    cells: dict[str, Any] = {}
    for column in columns:
        value = record.get(column.name)
        if value is None:
            continue
        if column.type == "bool":
            cells[column.name] = int(value)
        elif column.decimals is None:
            cells[column.name] = value
        else:
            cells[column.name] = f"{value:.{column.decimals}f}"
    return cells
