import math

import cv2
import numpy as np
import pytest

from emosense.faces.crop import (
    FER2013_GEOMETRY,
    CropGeometry,
    crop_face,
    crop_preview,
    crop_transform,
    roll_angle,
)
from emosense.results import Box, Detection, Face

PLAIN = CropGeometry(scale=1.0, shift_x=0.0, shift_y=0.0, roll=True)


def detection(x, y, size, degrees=0.0):
    """A face at (x, y) with eyes on a line rotated by ``degrees``."""
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    eyes = [(x - s * 0.2 * size * cos, y - s * 0.2 * size * sin) for s in (1, -1)]
    box = Box(x - size / 2, y - size / 2, size, size)
    return Detection(box, (eyes[0], eyes[1], (x, y), (x, y), (x, y)), 0.9, box)


def test_identity():
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 255, (48, 48), np.uint8)
    image = np.repeat(grey[..., None], 3, axis=2)
    assert (crop_face(image, detection(24, 24, 48), PLAIN) == grey).all()


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_large_faces_are_averaged_without_a_shift(factor):
    rng = np.random.default_rng(0)
    grey = cv2.GaussianBlur(rng.integers(0, 255, (48, 48), np.uint8), (0, 0), 2)
    enlarged = np.kron(grey, np.ones((factor, factor), np.uint8))
    image = np.repeat(enlarged[..., None], 3, axis=2)
    centre = 24 * factor
    crop = crop_face(image, detection(centre, centre, 48 * factor), PLAIN)
    assert abs(crop.astype(int) - grey).max() <= 1


@pytest.mark.parametrize("degrees", [-120, -30, 15, 90, 180])
def test_roll_is_undone(degrees):
    rng = np.random.default_rng(1)
    base = cv2.GaussianBlur(rng.integers(0, 255, (200, 200), np.uint8), (0, 0), 6)
    matrix = cv2.getRotationMatrix2D((99.5, 99.5), -degrees, 1)
    rotated = cv2.warpAffine(base, matrix, (200, 200))
    face = detection(100, 100, 80, degrees)
    assert math.degrees(roll_angle(face)) == pytest.approx(degrees)
    expected = crop_face(np.repeat(base[..., None], 3, 2), detection(100, 100, 80), PLAIN)
    actual = crop_face(np.repeat(rotated[..., None], 3, 2), face, PLAIN)
    assert abs(actual.astype(int) - expected.astype(int)).mean() < 1.5


def test_shift_follows_the_face():
    geometry = CropGeometry(scale=1.0, shift_x=0.0, shift_y=0.5, roll=True)
    matrix, side = crop_transform(detection(100, 100, 40, 90), geometry)
    assert side == 40
    # Rotated by 90 degrees clockwise, the chin points to the left.
    centre = matrix[:, :2] @ [80 - 0.5, 100 - 0.5] + matrix[:, 2]
    assert centre == pytest.approx([23.5, 23.5])


def test_edges_are_repeated_and_nothing_is_shifted():
    image = np.zeros((60, 60, 3), np.uint8)
    image[:, :30] = 200
    crop = crop_face(image, detection(30, 5, 48), PLAIN)
    assert crop.shape == (48, 48)
    assert (crop[:, :23] == 200).all()
    assert (crop[:, 25:] == 0).all()
    far = crop_face(image, detection(-500, -500, 40), PLAIN)
    assert (far == 200).all()


def test_the_astronaut_is_framed_like_fer2013(astronaut):
    from emosense.faces.detector import FaceDetector

    (face,) = FaceDetector("opencv").detect([astronaut])[0]
    matrix, _ = crop_transform(face, FER2013_GEOMETRY)
    points = np.array(face.landmarks) @ matrix[:, :2].T + matrix[:, 2]
    eyes, mouth = points[:2].mean(0), points[3:].mean(0)
    assert eyes[0] == pytest.approx(24, abs=4)
    assert points[0, 1] == pytest.approx(points[1, 1], abs=0.5)
    assert 13 < eyes[1] < 23
    assert 31 < mouth[1] < 41


def test_crop_preview_stays_inside_the_image(astronaut):
    face = Face(Box(500, 0, 12, 20), ((0, 0),) * 5, 0.9, (1.0, 0, 0, 0, 0, 0, 0))
    preview = crop_preview(astronaut, face)
    assert preview.shape == (25, 15, 3)
