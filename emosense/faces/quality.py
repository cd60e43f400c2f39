"""Quality of a face: what a photo lets a network see of it.

All measures are those of ISO/IEC 29794-5 (face image quality) in their simplest form: they are taken
from the box, the five landmarks and the 48x48 crop, and cost microseconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emosense.emotions import INPUT_SIZE
from emosense.faces.crop import crop_transform, roll_angle
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
    grey = crop.astype(np.float32) / 255
    contrast = float(grey.std())
    edges = cv2.Laplacian(grey, cv2.CV_32F)
    sharpness = float(edges.std()) / contrast if contrast > 1 / 510 else 0.0
    return sharpness, float(grey.mean()), contrast


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
    right_eye, left_eye, nose, right_mouth, left_mouth = np.asarray(detection.landmarks, np.float64)
    eyes, mouth = (right_eye + left_eye) / 2, (right_mouth + left_mouth) / 2
    across = left_eye - right_eye + left_mouth - right_mouth
    length = float(np.hypot(*across))
    if length < 1e-6:
        return math.copysign(_MAX_DEGREES, float(nose[0] - eyes[0])), 0.0
    across = across / length
    down = np.array([-across[1], across[0]])
    height = float((mouth - eyes) @ down)
    if height < 1e-6:
        return 0.0, _MAX_DEGREES
    # Where the nose lies beside the line from between the eyes to the middle of the mouth.
    along = float((nose - eyes) @ down) / height
    aside = float((nose - eyes - along * (mouth - eyes)) @ across)
    yaw = math.degrees(math.atan2(aside, _NOSE_DEPTH * float((left_eye - right_eye) @ across)))
    # The distance of eyes and mouth is about that of the eyes, and shrinks with the cosine of pitch.
    pitch = math.degrees(math.atan2(along - _NOSE_HEIGHT, _NOSE_DEPTH))
    return tuple(min(max(a, -_MAX_DEGREES), _MAX_DEGREES) for a in (yaw, pitch))  # type: ignore[return-value]


def _cut_off(detection: Detection, width: int, height: int) -> float:
    """Return the fraction of a face's crop that lies outside the picture."""
    matrix, side = crop_transform(detection)
    inverse = cv2.invertAffineTransform(matrix)
    crop = _corners(INPUT_SIZE, INPUT_SIZE) @ inverse[:, :2].T + inverse[:, 2]
    picture = _corners(width, height)
    inside, _ = cv2.intersectConvexConvex(crop.astype(np.float32), picture.astype(np.float32))
    return min(max(1 - float(inside) / side**2, 0.0), 1.0)


def _corners(width: int, height: int) -> npt.NDArray[np.float64]:
    """Return the (4, 2) corners of a picture, around its pixels' centres."""
    unit = np.array([(0, 0), (1, 0), (1, 1), (0, 1)])
    return unit * (width, height) - 0.5
