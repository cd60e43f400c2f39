"""From a detection to the 48x48 grey image that the networks take.

The framing is FER2013's own, measured: docs/crop-geometry.md has the figures and the command.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emosense.emotions import INPUT_SIZE
from emosense.results import Detection, Face


@dataclass(frozen=True)
class CropGeometry:
    """Where the 48x48 frame lies around a detected face.

    Attributes:
        scale: side of the square frame, in units of the box's size sqrt(width * height).
        shift_x: centre of the frame relative to the box's centre, along the line of the
            eyes, in units of the box's size.
        shift_y: the same across that line, positive towards the chin.
        roll: whether the crop rotates with the line of the eyes.

    >>> CropGeometry(scale=1.0, shift_x=0.0, shift_y=0.0, roll=False).scale
    1.0
    """

    scale: float
    shift_x: float
    shift_y: float
    roll: bool


FER2013_GEOMETRY: Final = CropGeometry(scale=1.11, shift_x=0.0, shift_y=-0.025, roll=True)
"""The framing of FER2013's images (docs/crop-geometry.md)."""


def crop_face(
    image: npt.NDArray[np.uint8],
    detection: Detection | Face,
    geometry: CropGeometry = FER2013_GEOMETRY,
) -> npt.NDArray[np.uint8]:
    """Cut out a face as FER2013 frames it.

    Args:
        image: (h, w, 3) uint8 RGB.
        detection: a face of this image.
        geometry: the framing.

    Returns:
        (48, 48) uint8 grey. Where the frame leaves the image, its edge pixels are repeated.
    """
    matrix, side = crop_transform(detection, geometry)
    # Sampled finer than 48 where the face is large, then averaged down: no aliasing.
    factor = max(1, min(8, round(side / INPUT_SIZE)))
    matrix = matrix * factor
    # Pixel centres: a point at p of the small image covers factor pixels around p * factor.
    matrix[:, 2] += (factor - 1) / 2
    size = INPUT_SIZE * factor
    region, matrix = _cut(image, matrix, size)
    grey = cv2.cvtColor(region, cv2.COLOR_RGB2GRAY)
    sampled = cv2.warpAffine(
        grey, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if factor > 1:
        sampled = cv2.resize(sampled, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(sampled, np.uint8)


def crop_faces(
    faces: Iterable[tuple[npt.NDArray[np.uint8], Detection]],
) -> npt.NDArray[np.uint8]:
    """Crop faces of several images into one batch.

    Args:
        faces: (image, detection) pairs, as for :func:`crop_face`.

    Returns:
        (n, 48, 48) uint8 grey; n may be 0.
    """
    crops = [crop_face(image, detection) for image, detection in faces]
    return np.stack(crops) if crops else np.empty((0, INPUT_SIZE, INPUT_SIZE), np.uint8)


def crop_preview(
    image: npt.NDArray[np.uint8], face: Face, margin: float = 0.25
) -> npt.NDArray[np.uint8]:
    """Cut a face's surroundings in colour, for people to look at.

    Args:
        image: (h, w, 3) uint8 RGB.
        face: one of its faces.
        margin: added on each side, in units of the box.

    Returns:
        (a, b, 3) uint8 RGB, at least one pixel.
    """
    box = face.box
    height, width = image.shape[:2]
    left = max(0, int(box.x - margin * box.width))
    top = max(0, int(box.y - margin * box.height))
    right = min(width, math.ceil(box.x + (1 + margin) * box.width))
    bottom = min(height, math.ceil(box.y + (1 + margin) * box.height))
    return image[top : max(bottom, top + 1), left : max(right, left + 1)]


def crop_transform(
    detection: Detection | Face, geometry: CropGeometry = FER2013_GEOMETRY
) -> tuple[npt.NDArray[np.float64], float]:
    """Return the 2x3 matrix from image to 48x48 pixels, and the frame's side in image pixels."""
    box = detection.full_box or detection.box
    size = math.sqrt(max(box.width * box.height, 1.0))
    side = geometry.scale * size
    angle = roll_angle(detection) if geometry.roll else 0.0
    cos, sin = math.cos(angle), math.sin(angle)
    dx, dy = geometry.shift_x * size, geometry.shift_y * size
    cx = box.centre[0] + cos * dx - sin * dy
    cy = box.centre[1] + sin * dx + cos * dy
    zoom = INPUT_SIZE / side
    # Rotate by -angle about the centre, scale, and put the centre in the middle pixel.
    rotation = np.array([[cos, sin], [-sin, cos]]) * zoom
    offset = np.full(2, (INPUT_SIZE - 1) / 2) - rotation @ np.array([cx - 0.5, cy - 0.5])
    return np.column_stack([rotation, offset]), side


def roll_angle(detection: Detection | Face) -> float:
    """Return the angle of the line through the eyes, in radians, clockwise on the screen."""
    (rx, ry), (lx, ly) = detection.landmarks[:2]
    return math.atan2(ly - ry, lx - rx)


def _cut(
    image: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64], size: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Cut the part that the frame covers, so that a large photo is not made grey as a whole."""
    corners = np.array([[0, 0], [size, 0], [0, size], [size, size]], float)
    back = cv2.invertAffineTransform(matrix)
    points = corners @ back[:, :2].T + back[:, 2]
    height, width = image.shape[:2]
    left, top = (int(np.floor(v)) - 2 for v in points.min(axis=0))
    right, bottom = (int(np.ceil(v)) + 3 for v in points.max(axis=0))
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    right, bottom = max(min(right, width), left + 1), max(min(bottom, height), top + 1)
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ np.array([left, top], float)
    return np.ascontiguousarray(image[top:bottom, left:right]), shifted
