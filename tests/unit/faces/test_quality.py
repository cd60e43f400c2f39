from dataclasses import astuple, replace

import cv2
import numpy as np
import pytest

from emosense.faces.crop import crop_face
from emosense.faces.detector import FaceDetector
from emosense.faces.quality import grey_quality, head_pose, measure_quality
from emosense.faces.quality_score import DEFECT_WEIGHTS, defects, quality_scores
from emosense.results import Box, Detection, FaceQuality

FINE = (120.0, 0.8, 0.5, 0.2, 0.0, 0.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def detection(astronaut):
    (found,) = FaceDetector("opencv").detect([astronaut])[0]
    return found


def measured(picture, detection):
    height, width = picture.shape[:2]
    return measure_quality(crop_face(picture, detection), detection, width, height)


def posed(yaw, pitch, roll=0.0):
    """The five landmarks of a head in space, turned and seen from afar: x right, y down."""
    head = np.array(
        [(-0.5, 0, 0), (0.5, 0, 0), (0, 0.54, -0.6), (-0.4, 1, 0), (0.4, 1, 0)], np.float64
    )
    y, p, r = np.radians([yaw, pitch, roll])
    about_y = np.array([[np.cos(y), 0, -np.sin(y)], [0, 1, 0], [np.sin(y), 0, np.cos(y)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    seen = 60 * (head @ (about_z @ about_x @ about_y).T)[:, :2] + 200
    points = tuple((float(x), float(y)) for x, y in seen)
    box = Box(120, 160, 160, 160)
    return Detection(box, points, 0.9, box)


@pytest.mark.parametrize("yaw", [-50, -20, 0, 20, 50])
@pytest.mark.parametrize("roll", [-30, 0, 60])
def test_yaw_is_found_at_any_roll(yaw, roll):
    found, pitch = head_pose(posed(yaw, 0, roll))
    assert found == pytest.approx(yaw, abs=4)
    assert abs(pitch) < 8


@pytest.mark.parametrize("pitch", [-30, -15, 0, 15, 30])
def test_pitch_is_found_and_rises_downwards(pitch):
    yaw, found = head_pose(posed(0, pitch))
    assert found == pytest.approx(pitch, abs=9)
    assert abs(yaw) < 1


@pytest.mark.parametrize(
    "landmarks",
    [((5.0, 5.0),) * 5, ((0.0, 0.0), (0.0, 0.0), (9.0, 9.0), (0.0, 0.0), (0.0, 0.0))],
)
def test_landmarks_in_one_point_give_finite_angles(landmarks):
    box = Box(0, 0, 10, 10)
    angles = head_pose(Detection(box, landmarks, 0.9, box))
    assert all(np.isfinite(angles)) and all(abs(angle) <= 90 for angle in angles)


def test_a_good_photo_has_no_flags(astronaut, detection):
    quality = measured(astronaut, detection)
    assert quality.flags == ()
    assert quality.score > 0.95
    assert quality.size == pytest.approx(100, abs=5)
    assert abs(quality.yaw) < 15 and abs(quality.pitch) < 15 and abs(quality.roll) < 5


@pytest.mark.parametrize(
    ("worse", "flag"),
    [
        (lambda picture: cv2.GaussianBlur(picture, (0, 0), 8), "blurred"),
        (lambda picture: (picture * 0.2).astype(np.uint8), "dark"),
        (lambda picture: np.clip(picture * 5.0, 0, 255).astype(np.uint8), "overexposed"),
        (lambda picture: (110 + picture * 0.1).astype(np.uint8), "low contrast"),
    ],
)
def test_what_is_poor_is_named_and_lowers_the_score(astronaut, detection, worse, flag):
    good, poor = measured(astronaut, detection), measured(worse(astronaut), detection)
    assert flag in poor.flags
    assert poor.score < good.score - 0.02 or flag == "low contrast"


def test_a_small_face(astronaut, detection):
    factor = 0.22
    small = cv2.resize(astronaut, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    points = tuple((x * factor, y * factor) for x, y in detection.landmarks)
    moved = Detection(detection.box.scaled(factor), points, 0.9, detection.full_box.scaled(factor))
    quality = measured(small, moved)
    assert "small" in quality.flags
    assert quality.size == pytest.approx(measured(astronaut, detection).size * factor)
    assert quality.score < measured(astronaut, detection).score


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5])
def test_the_share_that_is_cut_off(astronaut, detection, share):
    """The picture ends in the face: the detection is moved with the picture's left edge."""
    side = 1.11 * np.sqrt(detection.full_box.width * detection.full_box.height)
    start = int(detection.full_box.centre[0] - side / 2 + share * side)
    points = tuple((x - start, y) for x, y in detection.landmarks)
    full = replace(detection.full_box, x=detection.full_box.x - start)
    rest = np.ascontiguousarray(astronaut[:, start:])
    box = full.clamped(rest.shape[1], rest.shape[0])
    quality = measured(rest, Detection(box, points, 0.9, full))
    assert quality.cut_off == pytest.approx(share, abs=0.04)
    assert ("cut off" in quality.flags) == (share > 0.1)


def test_a_face_outside_of_the_picture_is_cut_off_wholly(detection):
    away = Box(5000, 5000, 90, 90)
    points = tuple((x + 5000, y + 5000) for x, y in detection.landmarks)
    crop = np.zeros((48, 48), np.uint8)
    assert measure_quality(crop, Detection(away, points, 0.9, away), 100, 100).cut_off == 1


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_one_grey_has_no_sharpness(grey):
    sharpness, brightness, contrast = grey_quality(np.full((48, 48), grey, np.uint8))
    assert (sharpness, contrast) == (0, 0)
    assert brightness == pytest.approx(grey / 255)


def test_sharpness_does_not_depend_on_contrast():
    noise = np.random.default_rng(0).integers(0, 200, (48, 48)).astype(np.uint8)
    assert grey_quality(noise)[0] == pytest.approx(grey_quality(noise // 4 + 80)[0], rel=0.03)


def test_scores_fall_with_each_defect_and_stay_in_range():
    fine = quality_scores(np.array([FINE]))[0]
    assert fine == 1
    worst = (1.0, 0.0, 0.0, 0.0, 180.0, 90.0, -90.0, 1.0)
    for field, value in enumerate(worst):
        row = np.array(FINE)
        row[field] = value
        assert quality_scores(row[np.newaxis])[0] <= fine
    assert 0 < quality_scores(np.array([worst]))[0] < 0.2
    assert defects(np.array([worst])).shape == (1, len(DEFECT_WEIGHTS))
    assert np.isfinite(defects(np.zeros((1, 8)))).all()


def test_unknown_angles_count_as_faultless():
    unknown = np.array(FINE)
    unknown[4:7] = np.nan
    assert quality_scores(unknown[np.newaxis])[0] == 1


def test_the_score_of_one_face_is_that_of_many(astronaut, detection):
    quality = measured(cv2.GaussianBlur(astronaut, (0, 0), 4), detection)
    assert quality_scores(np.array([astuple(quality)[:8]]))[0] == pytest.approx(quality.score)
    assert quality.as_dict()["flags"] == list(quality.flags)
    assert set(quality.as_dict()) == {*FaceQuality.__dataclass_fields__, "flags"}
