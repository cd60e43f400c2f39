"""The order in which people count faces in a picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

from emosense.results import Detection, Face

Located = TypeVar("Located", Detection, Face)

_SAME_ROW: Final = 0.6
"""Distance of two centres across a row, in units of the faces' height."""


def reading_order(faces: Sequence[Located]) -> list[Located]:
    """Return faces from left to right, rows from above.

    A row begins with the highest face that is left, and holds all faces whose centre lies at its
    mean height, give or take :data:`_SAME_ROW` of a face.

    Args:
        faces: faces of one picture, in any order.
    """
    rows: list[list[Located]] = []
    for face in sorted(faces, key=lambda face: face.box.centre[1]):
        if rows and _belongs(face, rows[-1]):
            rows[-1].append(face)
        else:
            rows.append([face])
    return [face for row in rows for face in sorted(row, key=lambda face: face.box.centre[0])]


def _belongs(face: Located, row: Sequence[Located]) -> bool:
    centre = sum(other.box.centre[1] for other in row) / len(row)
    height = sum(other.box.height for other in row) / len(row)
    return face.box.centre[1] - centre < _SAME_ROW * (height + face.box.height) / 2
