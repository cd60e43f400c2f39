"""Regions around expected faces: what the detector sees of them, and where it lies in the image."""

import cv2
import numpy as np
import pytest

from emosense.faces.detector import FaceDetector
from emosense.faces.options import DetectorOptions
from emosense.faces.regions import REGION_SIDE, FaceRegion
from emosense.faces.tracking import box_iou
from emosense.results import Box

OPTIONS = DetectorOptions(long_side=480, second_look=False)


@pytest.fixture(scope="module")
def detector():
    return FaceDetector("onnx")


@pytest.mark.parametrize("size", [200, 512, 700, 1500, 2900])
def test_the_face_is_found_where_the_whole_image_has_it(size, detector, astronaut):
    image = cv2.resize(astronaut, (size, size), interpolation=cv2.INTER_AREA)
    (face,) = detector.detect([image], OPTIONS)[0]
    box = face.full_box
    for dx, dy in ((0, 0), (0.25, 0), (-0.2, 0.2)):
        expected = Box(box.x + dx * box.width, box.y + dy * box.height, box.width, box.height)
        (found,) = detector.detect_regions([(image, expected)], OPTIONS)[0]
        assert box_iou(found.full_box, box) > 0.8
        assert np.abs(np.subtract(found.landmarks, face.landmarks)).max() < 0.12 * box.width


def test_a_region_lies_inside_the_image(astronaut):
    for x, y in ((0, 0), (511, 0), (0, 511), (511, 511)):
        region = FaceRegion.around(astronaut, Box(x - 20, y - 20, 40, 40), 512)
        assert region.side == REGION_SIDE
        assert 0 <= region.left <= 512 - region.side
        assert 0 <= region.top <= 512 - region.side
    region = FaceRegion.around(astronaut, Box(100, 120, 40, 40), 512)
    expected = astronaut[region.top :, region.left :][:REGION_SIDE, :REGION_SIDE, ::-1]
    assert np.array_equal(region.pixels(), expected)


def test_a_small_image_is_padded_with_black():
    image = np.full((60, 300, 3), 200, np.uint8)
    pixels = FaceRegion.around(image, Box(10, 10, 30, 30), 480).pixels()
    assert pixels.shape == (REGION_SIDE, REGION_SIDE, 3)
    assert (pixels[:60] == 200).all()
    assert not pixels[60:].any()


def test_a_face_that_the_region_cuts_off_is_left_out(detector, astronaut):
    (face,) = detector.detect([astronaut], OPTIONS)[0]
    beside = Box(face.box.x + 1.1 * face.box.width, face.box.y, face.box.width, face.box.height)
    assert detector.detect_regions([(astronaut, beside)], OPTIONS) == [()]


def test_several_regions_are_one_call_of_the_network(detector, astronaut, monkeypatch):
    calls, detect = [], detector.backend.detect
    monkeypatch.setattr(
        detector.backend, "detect", lambda *given: calls.append(given) or detect(*given)
    )
    (face,) = detector.detect([astronaut], OPTIONS)[0]
    calls.clear()
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    there = Box(512 - face.box.x - face.box.width, face.box.y, face.box.width, face.box.height)
    elsewhere = Box(300, 400, 60, 60)
    found = detector.detect_regions(
        [(astronaut, face.box), (mirrored, there), (astronaut, elsewhere)], OPTIONS
    )
    assert len(calls) == 1
    assert [len(faces) for faces in found] == [1, 1, 0]
    assert detector.detect_regions([], OPTIONS) == []


def test_a_batch_gives_what_each_image_gives(detector, astronaut):
    images = np.stack([astronaut[y : y + 128, 170:298, ::-1] for y in (0, 30, 60, 300)])
    together = detector.backend.detect(images, 0.6)
    assert [len(rows) > 0 for rows in together][-1] is False
    for image, rows in zip(images, together, strict=True):
        np.testing.assert_allclose(
            rows, detector.backend.detect(image[np.newaxis], 0.6)[0], rtol=1e-3, atol=1e-2
        )
