import cv2
import numpy as np
import pytest

from emosense.errors import DetectorError
from emosense.faces.backends import weights
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
    image = rng.integers(90, 110, (3000, 4000, 3), np.uint8)
    # The face in the astronaut photo is 90 px wide, in this one 40.
    small = cv2.resize(astronaut, (228, 228), interpolation=cv2.INTER_AREA)
    image[1200:1428, 2000:2228] = small
    assert detector.detect([image], DetectorOptions(second_look=False))[0] == ()
    for options in (DetectorOptions(), DetectorOptions(long_side=SMALL_FACES_LONG_SIDE)):
        face = only(detector.detect([image], options)[0])
        assert 30 <= face.box.width <= 45
        assert face.box.centre[0] == pytest.approx(2000 + 99, abs=6)
        assert face.box.centre[1] == pytest.approx(1200 + 53, abs=6)


def filling(astronaut, detector, left, top, right, bottom):
    """The astronaut's face cropped with margins (fractions of its box), enlarged to 1,200 px."""
    box = only(detector.detect([astronaut])[0]).box
    x, y = int(box.x - left * box.width), int(box.y - top * box.height)
    crop = astronaut[
        y : int(box.y + (1 + bottom) * box.height), x : int(box.x + (1 + right) * box.width)
    ]
    scale = 1200 / max(crop.shape[:2])
    return cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize("long_side", [480, 640, 960, 2560, 4096])
def test_a_face_that_fills_a_large_picture(detector, astronaut, long_side):
    rng = np.random.default_rng(1)
    pictures = [
        filling(astronaut, detector, *rng.uniform(-0.05, 0.25, 4)) for _ in range(40)
    ]  # fmt: skip
    options = DetectorOptions(long_side=long_side, second_look=False)
    detections = detector.detect(pictures, options)
    pairs = zip(pictures, detections, strict=True)
    detected = [(picture, faces[0]) for picture, faces in pairs if faces]
    assert len(detected) >= 39
    for picture, face in detected:
        assert face.score >= STRICT_THRESHOLD
        assert face.box.height > 0.6 * picture.shape[0]


@pytest.mark.parametrize("rotation", [1, 2, 3])
def test_a_rotated_face_that_fills_a_large_picture(detector, astronaut, rotation):
    upright = filling(astronaut, detector, 0.1, 0.1, 0.1, 0.1)
    picture = np.ascontiguousarray(np.rot90(upright, rotation))
    assert only(detector.detect([picture], DetectorOptions(turned=True))[0]).score > 0.9


def test_a_small_face_in_the_corner_of_a_large_one(detector, astronaut):
    picture = filling(astronaut, detector, 0.3, 0.2, 0.05, 0.0)
    picture[:200, :200] = cv2.resize(astronaut[20:260, 110:350], (200, 200))
    small, large = sorted(detector.detect([picture])[0], key=lambda face: face.box.height)
    assert large.box.height > 0.6 * picture.shape[0]
    assert small.box.centre == pytest.approx((94, 82), abs=15)


def test_coarser_levels_bring_nothing_small_or_weak(astronaut):
    class CoarseLevelBackend:
        """Detects faces of 100 px and 90 px in 240, and one of low score, on the coarse level only."""

        label = "x"
        on_gpu = False

        def detect(self, images, threshold):
            side = max(images.shape[1:3])
            rows = [[5, 5, 100, 90], [130, 130, 90, 90], [5, 130, 99, 99]]
            scores = (0.81, 0.95, 0.79)
            table = [[*r, *[20] * 10, s] for r, s in zip(rows, scores, strict=True)]
            detected = [row for row in table if row[-1] >= threshold] if side == 256 else []
            return [np.array(detected, np.float32).reshape(-1, 15) for _ in images]

    picture = cv2.resize(astronaut, (960, 960))
    face = only(FaceDetector(CoarseLevelBackend()).detect([picture])[0])
    assert (face.score, face.box.width) == (pytest.approx(0.81), 400)


def test_boxes_stay_inside_the_image(detector, astronaut):
    image = np.ascontiguousarray(astronaut[80:300, 195:400])
    for face in detector.detect([image], DetectorOptions(threshold=0.3))[0]:
        box = face.box
        assert box.x >= 0
        assert box.y >= 0
        assert box.x + box.width <= image.shape[1]
        assert box.y + box.height <= image.shape[0]
        assert face.full_box.clamped(image.shape[1], image.shape[0]) == box


def test_flat_images_have_no_faces(detector):
    flat = [np.full((31, 500, 3), v, np.uint8) for v in (0, 60, 128, 200, 255)]
    flat += [np.full((h, w, 3), 128, np.uint8) for h, w in ((1, 1), (500, 31), (300, 300))]
    assert all(faces == () for faces in detector.detect(flat, DetectorOptions(threshold=0.3)))


def test_rows_that_overflowed_are_dropped(astronaut):
    class OverflowingBackend:
        label = "x"
        on_gpu = False

        def detect(self, images, threshold):
            valid = [10, 10, 50, 60, *[20] * 10, 0.9]
            invalid = [[np.nan, *valid[1:]], [np.inf, *valid[1:]], [*valid[:2], np.inf, *valid[3:]]]
            return [np.array([*invalid, valid], np.float32) for _ in images]

    (face,) = FaceDetector(OverflowingBackend()).detect([astronaut])[0]
    assert face.box.width == 50


@pytest.mark.parametrize("rotation", [1, 2, 3])
def test_rotated_faces_are_detected_on_request(detector, astronaut, rotation):
    upright = only(detector.detect([astronaut])[0])
    rotated = np.ascontiguousarray(np.rot90(astronaut, rotation))
    face = only(detector.detect([rotated], DetectorOptions(turned=True))[0])
    assert face.score > 0.9
    x, y = upright.box.centre
    expected = {1: (y, 512 - x), 2: (512 - x, 512 - y), 3: (512 - y, x)}[rotation]
    assert face.box.centre == pytest.approx(expected, abs=4)
    ex, ey = upright.landmarks[0]
    eye = {1: (ey, 512 - ex), 2: (512 - ex, 512 - ey), 3: (512 - ey, ex)}[rotation]
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
def test_wrong_images_are_refused(detector, wrong):
    with pytest.raises(DetectorError, match="Received"):
        detector.detect([wrong])


def test_no_images(detector):
    assert detector.detect([]) == []


def test_weights_are_checked():
    data = weights.yunet_onnx()
    assert len(data) == 232_589
    with pytest.raises(DetectorError, match=r"SHA-256.*pip install --force-reinstall"):
        weights.verify_checksum(data[:-1] + b"x")


@pytest.mark.parametrize("shape", [(1280, 320), (992, 672), (448, 320)])
def test_bands_give_exactly_the_outputs_of_one_run(shape, monkeypatch):
    from emosense.faces.backends import onnx

    backend = onnx.OnnxYuNet()
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    at_once = backend._feature_maps(image, last=True)
    monkeypatch.setattr(onnx, "_MAX_BAND_PIXELS", shape[1] * 700)
    bands = onnx._band_rows(*shape)
    in_bands = backend._feature_maps(image, last=True)
    assert (bands < shape[0]) == (shape[0] > 700)
    assert all(np.array_equal(a, b) for a, b in zip(at_once, in_bands, strict=True))


def test_faces_across_the_border_of_bands(astronaut, monkeypatch):
    from emosense.faces.backends import onnx

    detector = FaceDetector("onnx")
    image = np.tile(astronaut, (4, 1, 1))
    options = DetectorOptions(long_side=2048)
    at_once = detector.detect([image], options)
    monkeypatch.setattr(onnx, "_MAX_BAND_PIXELS", 512 * 700)
    assert detector.detect([image], options) == at_once
    assert len(at_once[0]) == 4


def test_turned_inputs_share_their_pixels(astronaut):
    """Four rotations of a large image are prepared when their turn comes, not all at once."""
    from emosense.faces.detector import _batches, _image_pyramid

    options = DetectorOptions(turned=True, long_side=4096)
    inputs = list(_image_pyramid(0, np.zeros((4000, 4096, 3), np.uint8), options))
    assert len({id(item.pixels) for item in inputs if item.scale == 1}) == 1
    for batch in _batches(inputs):
        assert {item.prepared().shape[:2] for item in batch} == {batch[0].shape}
        assert len(batch) * batch[0].shape[0] * batch[0].shape[1] <= 2**25
