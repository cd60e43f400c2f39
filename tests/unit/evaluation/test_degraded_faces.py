import numpy as np
import pytest

from emosense.evaluation.corruptions import corrupted_scene, paste_face
from emosense.evaluation.degraded_faces import degrade_faces, natural_quality
from emosense.evaluation.predictions import CORRUPTIONS, SEVERITIES
from emosense.faces.crop import crop_face
from emosense.faces.detector import FaceDetector
from emosense.faces.quality_score import quality_scores
from emosense.training.dataset import MAX_IMAGES


@pytest.fixture(scope="module")
def detector():
    return FaceDetector("opencv")


@pytest.fixture(scope="module")
def face(astronaut, detector):
    (found,) = detector.detect([astronaut])[0]
    return crop_face(astronaut, found)


@pytest.fixture(scope="module")
def degraded(face, detector):
    images = np.repeat(face[np.newaxis], 25, axis=0)
    return degrade_faces(images, detector.detect)


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_each_severity_changes_the_picture_more(face, corruption):
    distances = []
    for severity in range(1, SEVERITIES + 1):
        before, after = corrupted_scene(face, corruption, severity, np.random.default_rng(3))
        again = corrupted_scene(face, corruption, severity, np.random.default_rng(3))[1]
        np.testing.assert_array_equal(after.picture, again.picture)
        assert after.picture.dtype == np.uint8
        if corruption == "scale":
            distances.append(-after.side)
            assert after.x / len(after.picture) == pytest.approx(before.x / 320, abs=0.02)
        elif corruption == "cut off":
            distances.append(max(abs(after.x - 159.5), abs(after.y - 159.5)) + after.side / 2)
        elif corruption == "rotation":
            upright = paste_face(face, np.random.default_rng(3))
            assert before.picture.shape == upright.picture.shape
            distances.append(severity)
        else:
            distances.append(np.abs(after.picture.astype(float) - before.picture).mean())
    assert distances == sorted(distances)
    assert len(set(distances)) == SEVERITIES


@pytest.mark.parametrize(("corruption", "severity"), [("sunburn", 1), ("blur", 0), ("blur", 6)])
def test_unknown_corruptions_are_refused(face, corruption, severity):
    with pytest.raises(ValueError, match="Expected one of scale, blur"):
        corrupted_scene(face, corruption, severity, np.random.default_rng(0))


def test_each_corruption_and_severity_comes_equally_often(degraded):
    kinds = set(zip(degraded.corruptions.tolist(), degraded.severities.tolist(), strict=True))
    assert len(kinds) == len(degraded.images) >= 45  # of 50: one is missed before it is corrupted
    assert degraded.crops.shape == (len(kinds), 48, 48)
    assert np.iinfo(degraded.images.dtype).max >= MAX_IMAGES


def test_what_is_lost_is_cropped_where_it_was(degraded, face):
    """Without the place from before, the hardest faces would be missing."""
    assert degraded.found.any() and not degraded.found.all()
    jpeg = degraded.corruptions == CORRUPTIONS.index("jpeg")
    for crop in degraded.crops[jpeg]:
        assert np.corrcoef(crop.ravel(), face.ravel())[0, 1] > 0.8


def test_corrupted_faces_score_below_what_they_were_made_from(degraded, face, detector):
    natural = quality_scores(natural_quality(face[np.newaxis], detector.detect))[0]
    scores = quality_scores(degraded.quality)
    for corruption in ("scale", "blur", "motion blur", "dark", "cut off"):
        worst = (degraded.corruptions == CORRUPTIONS.index(corruption)) & (degraded.severities > 3)
        assert worst.any()
        assert scores[worst].max() < natural - 0.02, corruption


def test_natural_quality_in_the_images_own_pixels(face, detector):
    flat = np.full((48, 48), 90, np.uint8)
    quality = natural_quality(np.stack([face, flat]), detector.detect)
    assert quality.shape == (2, 8)
    assert quality[0, 0] == pytest.approx(48 / 1.11, rel=0.15)
    assert abs(quality[0, 4:7]).max() < 20
    assert np.isnan(quality[1, 4:7]).all()  # no face is found
    assert quality[:, 7].tolist() == [0, 0]


def test_nothing_to_degrade(detector):
    none = degrade_faces(np.zeros((0, 48, 48), np.uint8), detector.detect)
    assert none.crops.shape == (0, 48, 48) and none.quality.shape == (0, 8)
    flat = degrade_faces(np.full((2, 48, 48), 90, np.uint8), detector.detect)
    assert len(flat.images) == 0
    assert natural_quality(np.zeros((0, 48, 48), np.uint8), detector.detect).shape == (0, 8)
