"""Face alignment and cropping: the 48x48 grey input of the networks.

The crop geometry was measured on FER2013; docs/crop-geometry.md has the measurements and the command.
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
    """Geometry of the square crop, relative to the box of a detected face.

    Attributes:
        scale: side of the crop, in units of the box size sqrt(width * height).
        shift_x: offset of the crop's centre from the box's centre, parallel to the line through
            the eyes, in units of the box size.
        shift_y: offset of the crop's centre from the box's centre, perpendicular to the line
            through the eyes and positive towards the chin, in units of the box size.
        roll: whether the crop rotates with the line through the eyes.

    >>> CropGeometry(scale=1.0, shift_x=0.0, shift_y=0.0, roll=False).scale
    1.0
    """

    scale: float
    shift_x: float
    shift_y: float
    roll: bool


FER2013_GEOMETRY: Final = CropGeometry(scale=1.11, shift_x=0.0, shift_y=-0.025, roll=True)
"""Crop geometry of FER2013's images (docs/crop-geometry.md)."""


def crop_face(
    image: npt.NDArray[np.uint8],
    detection: Detection | Face,
    geometry: CropGeometry = FER2013_GEOMETRY,
) -> npt.NDArray[np.uint8]:
    """Crop and align a face; the default geometry is FER2013's.

    Args:
        image: (h, w, 3) uint8 RGB.
        detection: detection or face in this image.
        geometry: geometry of the crop.

    Returns:
        (48, 48) uint8 grey. Outside the image, its edge pixels are replicated.
    """
    matrix, side = crop_transform(detection, geometry)
    # A large face is sampled at a multiple of 48 pixels, then averaged: no aliasing.
    factor = max(1, min(8, round(side / INPUT_SIZE)))
    matrix = matrix * factor
    # Pixel centres: pixel p of the 48x48 image averages factor pixels from p * factor on.
    matrix[:, 2] += (factor - 1) / 2
    size = INPUT_SIZE * factor
    region, matrix = _crop_region(image, matrix, size)
    grey = cv2.cvtColor(region, cv2.COLOR_RGB2GRAY)
    sampled = cv2.warpAffine(
        grey, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    if factor > 1:
        sampled = cv2.resize(sampled, (INPUT_SIZE, INPUT_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(sampled, np.uint8)


def crop_faces(
    faces: Iterable[tuple[npt.NDArray[np.uint8], Detection | Face]],
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
    image: npt.NDArray[np.uint8], face: Face | Detection, margin: float = 0.25
) -> npt.NDArray[np.uint8]:
    """Crop a face with a margin, in colour, for display.

    Args:
        image: (h, w, 3) uint8 RGB.
        face: face in this image.
        margin: margin on each side, in units of the box's width and height.

    Returns:
        (a, b, 3) uint8 RGB, clamped to the image, of at least one pixel. A view of ``image``.
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
    """Compute the affine transform from image pixels to the 48x48 pixels of the crop.

    Args:
        detection: detection or face in the image.
        geometry: geometry of the crop.

    Returns:
        (2x3 matrix, side of the crop in image pixels).
    """
    box = detection.full_box or detection.box
    size = math.sqrt(max(box.width * box.height, 1.0))
    side = geometry.scale * size
    angle = roll_angle(detection) if geometry.roll else 0.0
    cos, sin = math.cos(angle), math.sin(angle)
    dx, dy = geometry.shift_x * size, geometry.shift_y * size
    cx = box.centre[0] + cos * dx - sin * dy
    cy = box.centre[1] + sin * dx + cos * dy
    # Rotate by -angle about the crop's centre, scale, and map the centre to the middle of 48x48.
    cos, sin = cos * INPUT_SIZE / side, sin * INPUT_SIZE / side
    middle, x, y = (INPUT_SIZE - 1) / 2, cx - 0.5, cy - 0.5
    rows = [[cos, sin, middle - cos * x - sin * y], [-sin, cos, middle + sin * x - cos * y]]
    return np.array(rows), side


def crop_corners(matrix: npt.NDArray[np.float64], size: int) -> list[tuple[float, float]]:
    """Return the four corners of a crop in image pixels, in order around it.

    Args:
        matrix: 2x3 affine transform from image pixels to the pixels of the crop.
        size: side of the crop, in its own pixels.
    """
    (a, b, x), (c, d, y) = cv2.invertAffineTransform(matrix).tolist()
    # Around the centres of the pixels, as OpenCV's transforms are.
    low, high = -0.5, size - 0.5
    around = ((low, low), (high, low), (high, high), (low, high))
    return [(a * u + b * v + x, c * u + d * v + y) for u, v in around]


def roll_angle(detection: Detection | Face) -> float:
    """Return the roll angle: that of the line through the eyes, in radians, clockwise."""
    (rx, ry), (lx, ly) = detection.landmarks[:2]
    return math.atan2(ly - ry, lx - rx)


def _crop_region(
    image: npt.NDArray[np.uint8], matrix: npt.NDArray[np.float64], size: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float64]]:
    """Return the image region that the crop covers, and the matrix relative to it.

    It saves converting the whole of a large photo to grey.
    """
    columns, rows = zip(*crop_corners(matrix, size), strict=True)
    height, width = image.shape[:2]
    left, top = math.floor(min(columns)) - 2, math.floor(min(rows)) - 2
    right, bottom = math.ceil(max(columns)) + 3, math.ceil(max(rows)) + 3
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    right, bottom = max(min(right, width), left + 1), max(min(bottom, height), top + 1)
    shifted = matrix.copy()
    shifted[:, 2] += matrix[:, :2] @ (left, top)
    return image[top:bottom, left:right], shifted
