"""Reading order of faces: rows from above, each from left to right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from emosense.results import Detection, Face

Located = TypeVar("Located", Detection, Face)

_SAME_ROW: Final = 0.6
"""Maximum vertical distance of two centres in a row, in units of the faces' height."""


def reading_order(faces: Sequence[Located]) -> list[Located]:
    """Sort faces in reading order: rows from above, each from left to right.

    A row begins with the uppermost remaining face; a face belongs to it if its centre lies less
    than 0.6 face heights below the mean centre of the row.

    Args:
        faces: detections or faces of one image, in any order.
    """
    rows: list[list[Located]] = []
    for face in sorted(faces, key=lambda face: face.box.centre[1]):
        if rows and _in_row(face, rows[-1]):
            rows[-1].append(face)
        else:
            rows.append([face])
    return [face for row in rows for face in sorted(row, key=lambda face: face.box.centre[0])]


def _in_row(face: Located, row: Sequence[Located]) -> bool:
    centre = sum(other.box.centre[1] for other in row) / len(row)
    height = sum(other.box.height for other in row) / len(row)
    return face.box.centre[1] - centre < _SAME_ROW * (height + face.box.height) / 2
