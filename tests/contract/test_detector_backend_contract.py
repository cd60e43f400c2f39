"""What every detector backend must do, and that they agree."""

import numpy as np
import pytest

from emosense.analyzer import Analyzer
from emosense.errors import DetectorError
from emosense.faces.backends.factory import create_detector_backend
from emosense.faces.detector import FaceDetector
from emosense.faces.options import DetectorOptions

BACKENDS = ("opencv", "onnx", "keras")


@pytest.fixture(scope="module")
def detectors():
    return {name: FaceDetector(name) for name in BACKENDS}


@pytest.fixture(params=BACKENDS)
def detector(request, detectors):
    return detectors[request.param]


def canvas(astronaut, n=2):
    one = np.ascontiguousarray(astronaut[:320, :, ::-1])
    return np.stack([one, np.ascontiguousarray(one[:, ::-1]), np.zeros_like(one)][: n + 1])


class TestEngine:
    def test_shape_order_and_threshold(self, detector, astronaut):
        tables = detector.backend.detect(canvas(astronaut), 0.5)
        assert [table.shape[1] for table in tables] == [15, 15, 15]
        assert len(tables[0]) >= 1
        assert len(tables[2]) == 0
        for table in tables:
            assert table.dtype == np.float32
            assert (np.diff(table[:, 14]) <= 0).all()
            assert (table[:, 14] >= 0.5).all()
        assert len(detector.backend.detect(canvas(astronaut), 0.99)[0]) == 0

    def test_finds_the_astronaut(self, detector, astronaut):
        (face,) = detector.detect([astronaut])[0]
        assert face.score > 0.9
        assert face.box.x == pytest.approx(178, abs=4)
        assert face.box.y == pytest.approx(63, abs=4)
        assert face.box.width == pytest.approx(90, abs=5)
        (right_eye, left_eye, nose, *mouth) = face.landmarks
        assert right_eye[0] < nose[0] < left_eye[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(y for _, y in mouth)

    def test_images_of_many_sizes_at_once(self, detector, astronaut):
        images = [astronaut, astronaut[:300], astronaut[:, 60:470], astronaut]
        found = detector.detect(images)
        assert [len(faces) for faces in found] == [1, 1, 1, 1]
        assert found[0] == found[3]
        assert found[2][0].box.x == pytest.approx(found[0][0].box.x - 60, abs=3)

    def test_label_names_backend_and_device(self, detector):
        assert detector.label.startswith("YuNet (")
        assert detector.label.endswith(("CPU)", "GPU)"))


@pytest.mark.parametrize("other_backend", ["onnx", "keras"])
def test_backends_agree(detectors, astronaut, other_backend):
    for image in (astronaut, astronaut[:301], np.ascontiguousarray(astronaut[::2, ::2])):
        options = DetectorOptions(threshold=0.5)
        a, b = (detectors[name].detect([image], options)[0] for name in ("opencv", other_backend))
        assert len(a) == len(b) >= 1
        for one, other in zip(a, b, strict=True):
            assert one.score == pytest.approx(other.score, abs=1e-4)
            np.testing.assert_allclose(one.landmarks, other.landmarks, atol=0.02)
            for side in ("x", "y", "width", "height"):
                assert getattr(one.box, side) == pytest.approx(getattr(other.box, side), abs=0.02)


def test_unknown_backend():
    with pytest.raises(DetectorError, match="Received: 'haar'"):
        create_detector_backend("haar")


@pytest.mark.gpu
def test_a_gpu_is_used_where_there_is_one():
    detector = FaceDetector("auto")
    assert detector.on_gpu
    assert detector.label in ("YuNet (ONNX Runtime, GPU)", "YuNet (Keras, GPU)")


@pytest.mark.gpu
def test_a_gpu_answers_as_the_cpu_does(astronaut):
    on_gpu, on_cpu = Analyzer("emosense-s", "auto"), Analyzer("emosense-s", "onnx")
    assert "GPU" in on_gpu.network_backend
    ((one,), (other,)) = (analyzer.photo(astronaut).faces for analyzer in (on_gpu, on_cpu))
    assert one.detection_score == pytest.approx(other.detection_score, abs=1e-2)
    np.testing.assert_allclose(one.landmarks, other.landmarks, atol=0.5)
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=2e-2)


def test_backends_of_cpus_say_so():
    for name in ("onnx", "opencv"):
        assert not FaceDetector(name).on_gpu
