"""Quality of a face: what a photo lets a network see of it.

All measures are those of ISO/IEC 29794-5 (face image quality) in their simplest form: they are taken
from the box, the five landmarks and the 48x48 crop, and cost microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from emosense.emotions import INPUT_SIZE
from emosense.faces.crop import crop_corners, crop_transform, roll_angle
from emosense.faces.quality_score import quality_scores
from emosense.results import Detection, FaceQuality

_NOSE_DEPTH: Final = 0.6
"""How far the tip of the nose lies before the plane of eyes and mouth, in distances of the eyes:
about 38 of 63 mm (Farkas, "Anthropometry of the Head and Face", 1994)."""
_NOSE_HEIGHT: Final = 0.54
"""Where it lies between eyes (0) and mouth (1) in a face that looks straight ahead: the median of
FER2013's PublicTest faces (``benchmarks/face_quality.py``)."""
_MAX_DEGREES: Final = 90.0


def measure_quality(
    crop: npt.NDArray[np.uint8], detection: Detection, width: int, height: int
) -> FaceQuality:
    """Measure the quality of a detected face.

    Args:
        crop: (48, 48) uint8 grey, as :func:`emosense.faces.crop.crop_face` returns it.
        detection: the face, in pixels of the upright picture.
        width: width of that picture, in pixels.
        height: height of that picture, in pixels.
    """
    return measure_qualities([(crop, detection, width, height)])[0]


def measure_qualities(
    faces: Iterable[tuple[npt.NDArray[np.uint8], Detection, int, int]],
) -> list[FaceQuality]:
    """Measure many faces; see :func:`measure_quality` for what each is given as."""
    measures = [_measures(*face) for face in faces]
    scores = quality_scores(np.array(measures).reshape(-1, 8))
    return [
        FaceQuality(*(*of_face, score))
        for of_face, score in zip(measures, scores.tolist(), strict=True)
    ]


def _measures(
    crop: npt.NDArray[np.uint8], detection: Detection, width: int, height: int
) -> tuple[float, ...]:
    box = detection.full_box
    yaw, pitch = head_pose(detection)
    return (
        math.sqrt(max(box.width * box.height, 0.0)),
        *grey_quality(crop),
        math.degrees(roll_angle(detection)),
        yaw,
        pitch,
        _cut_off(detection, width, height),
    )


def grey_quality(crop: npt.NDArray[np.uint8]) -> tuple[float, float, float]:
    """Return sharpness, brightness and contrast of a crop.

    Args:
        crop: (48, 48) uint8 grey.

    Returns:
        sharpness: standard deviation of the Laplacian (Pech-Pacheco et al. 2000) in units of that of
            the grey values, so that it does not depend on the contrast; 0 or more, and 0 for a crop
            of one grey.
        brightness: mean of the grey values, in 0..1.
        contrast: standard deviation of the grey values, in 0..0.5.
    """
    brightness, contrast = _mean_and_std(crop)
    _, edges = _mean_and_std(cv2.Laplacian(crop, cv2.CV_16S))
    sharpness = edges / contrast if contrast > 0.5 else 0.0
    return sharpness, brightness / 255, contrast / 255


def _mean_and_std(values: npt.NDArray[Any]) -> tuple[float, float]:
    mean, std = cv2.meanStdDev(values)  # in one pass, a tenth of NumPy's time for so few
    return float(mean[0, 0]), float(std[0, 0])


def head_pose(detection: Detection) -> tuple[float, float]:
    """Estimate where a head is turned to, coarsely, from its five landmarks.

    The tip of the nose lies before the plane of eyes and mouth, and moves against it when the head
    turns (weak perspective; Gee and Cipolla, "Determining the gaze of faces in images", 1994).

    Args:
        detection: the face.

    Returns:
        yaw: in degrees, -90..90; positive if the face looks to the right of the picture.
        pitch: in degrees, -90..90; positive if it looks down.
    """
    # Plain numbers: NumPy takes microseconds for each pair of them.
    (rx, ry), (lx, ly), (nx, ny), (rmx, rmy), (lmx, lmy) = detection.landmarks
    x, y = (rx + lx) / 2, (ry + ly) / 2  # between the eyes
    ax, ay = lx - rx + lmx - rmx, ly - ry + lmy - rmy  # across the face
    length = math.hypot(ax, ay)
    if length < 1e-6:
        return math.copysign(_MAX_DEGREES, nx - x), 0.0
    ax, ay = ax / length, ay / length
    dx, dy = -ay, ax  # down the face
    mx, my = (rmx + lmx) / 2 - x, (rmy + lmy) / 2 - y  # from the eyes to the mouth
    height = mx * dx + my * dy
    if height < 1e-6:
        return 0.0, _MAX_DEGREES
    # Where the nose lies beside the line from between the eyes to the middle of the mouth.
    along = ((nx - x) * dx + (ny - y) * dy) / height
    aside = (nx - x - along * mx) * ax + (ny - y - along * my) * ay
    distance = (lx - rx) * ax + (ly - ry) * ay  # of the eyes
    yaw = math.degrees(math.atan2(aside, _NOSE_DEPTH * distance))
    # The distance of eyes and mouth is about that of the eyes, and shrinks with the cosine of pitch.
    pitch = math.degrees(math.atan2(along - _NOSE_HEIGHT, _NOSE_DEPTH))
    return tuple(min(max(a, -_MAX_DEGREES), _MAX_DEGREES) for a in (yaw, pitch))  # type: ignore[return-value]


def _cut_off(detection: Detection, width: int, height: int) -> float:
    """Return the fraction of a face's crop that lies outside the picture."""
    matrix, side = crop_transform(detection)
    corners = crop_corners(matrix, INPUT_SIZE)
    if all(-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5 for x, y in corners):
        return 0.0
    picture = _corners(width, height)
    inside, _ = cv2.intersectConvexConvex(np.array(corners, np.float32), picture)
    return min(max(1 - float(inside) / side**2, 0.0), 1.0)


def _corners(width: int, height: int) -> npt.NDArray[np.float32]:
    """Return the (4, 2) corners of a picture, around its pixels' centres."""
    unit = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    return np.asarray(unit * (width, height) - 0.5, np.float32)
