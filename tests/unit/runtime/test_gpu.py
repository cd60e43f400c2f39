"""Choice, labels, fallback and owner of the GPU, with a provider that only says it is CUDA's."""

import logging
import subprocess
import sys

import numpy as np
import pytest
from support.fake_cuda import FakeCuda

from emosense.analyzer import Analyzer
from emosense.faces.backends.cuda import CudaYuNet
from emosense.faces.backends.factory import create_detector_backend
from emosense.faces.backends.keras import KerasYuNet
from emosense.faces.backends.onnx import OnnxYuNet
from emosense.media.sample_clip import write_sample_clip
from emosense.networks.backends import KerasBackend, create_backend
from emosense.networks.keras_to_onnx import UnsupportedLayer
from emosense.networks.registry import find_model
from emosense.runtime import gpu as gpu_module
from emosense.runtime.gpu import gpu, gpu_runtimes, lock_path
from emosense.runtime.gpu_driver import hide_gpu, may_have_gpu
from emosense.runtime.onnx_session import onnx_session
from emosense.video.options import VideoOptions

ON_GPU = ("YuNet (ONNX Runtime, GPU)", "ONNX Runtime, GPU")
ON_CPU = ("YuNet (ONNX Runtime, CPU)", "ONNX Runtime, CPU")
FAILED = (
    "YuNet (ONNX Runtime, CPU because the GPU failed)",
    "ONNX Runtime, CPU because the GPU failed",
)
FACES = np.random.default_rng(0).integers(0, 256, (5, 48, 48), np.uint8)


@pytest.fixture
def cuda(monkeypatch, tmp_path):
    yield FakeCuda(monkeypatch, tmp_path)
    gpu.release()


def labels(analyzer):
    return analyzer.detector, analyzer.network_backend


@pytest.fixture
def other_owner(cuda):
    """Another process that owns the GPU, until its input ends."""
    code = (
        "import os, sys; from pathlib import Path; from emosense.filesystem.lock import lock_file;"
        "lock = lock_file(Path(sys.argv[1]), os.O_CREAT); print(lock.is_held, flush=True);"
        "sys.stdin.read()"
    )
    arguments = [sys.executable, "-c", code, str(gpu_module.lock_path())]
    with subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "True\n"
        yield process
        process.stdin.close()


@pytest.mark.parametrize("backend", ["auto", "cuda"])
def test_cuda_is_chosen_and_answers_as_the_cpu_does(cuda, backend, astronaut_png):
    analyzer, on_cpu = Analyzer("emosense-s", backend), Analyzer("emosense-s", "onnx")
    assert (labels(analyzer), labels(on_cpu)) == (ON_GPU, ON_CPU)
    assert analyzer.on_gpu
    cuda.runs = 0
    result, expected = analyzer.photo(astronaut_png), on_cpu.photo(astronaut_png)
    assert cuda.runs == 3  # two levels of the image pyramid, one batch of faces
    assert result.detector == ON_GPU[0]
    assert result.faces == expected.faces


def test_other_backends_stay_on_the_cpu(cuda):
    assert labels(Analyzer("emosense-s", "onnx")) == ON_CPU
    assert labels(Analyzer("emosense-s", "opencv")) == ("YuNet (OpenCV, CPU)", ON_CPU[1])
    assert not gpu_module.lock_path().exists()


@pytest.mark.parametrize("silent", [False, True])
def test_what_does_not_load_is_replaced_with_a_message(cuda, silent, caplog, astronaut_png):
    cuda.loads, cuda.silent = False, silent
    analyzer = Analyzer("emosense-s", "auto")
    assert labels(analyzer) == FAILED
    assert not analyzer.on_gpu
    assert analyzer.photo(astronaut_png).detector == FAILED[0]
    (record,) = [one for one in caplog.records if one.name == gpu_module.__name__]
    assert record.levelno == logging.WARNING
    expected = "Received: CPUExecutionProvider" if silent else "libcudnn.so.9"
    assert expected in record.getMessage()


def test_a_kernel_that_fails_at_once_is_found_when_loading(cuda):
    cuda.works = False
    assert labels(Analyzer("emosense-s", "auto")) == FAILED


def test_in_the_middle_of_a_request_the_cpu_takes_over_for_good(cuda, caplog, astronaut_png):
    analyzer, expected = Analyzer("emosense-s", "auto"), Analyzer("emosense-s", "onnx")
    cuda.works = False
    result = analyzer.photo(astronaut_png)
    assert result.faces == expected.photo(astronaut_png).faces
    assert (result.detector, labels(analyzer)) == (FAILED[0], FAILED)
    assert "CUDA failure 700" in caplog.text
    cuda.works, cuda.runs = True, 0
    analyzer.photo(astronaut_png)
    assert cuda.runs == 0


def test_a_video_goes_on_and_its_result_says_that_the_gpu_failed(cuda, tmp_path):
    write_sample_clip(clip := tmp_path / "clip.mp4")
    analyzer = Analyzer("emosense-s", "auto")
    with analyzer.video(clip, VideoOptions(per_second=4)) as analysis:
        cuda.works = False
        result = analysis.finish()
    assert result.problem is None
    assert any(frame.faces for frame in result.frames)
    assert result.detector == FAILED[0]


def test_what_fails_in_the_network_takes_the_detector_along(cuda, astronaut_png):
    analyzer = Analyzer("emosense-s", "auto")
    cuda.works = False
    assert analyzer.classify(FACES).shape == (5, 7)
    assert labels(analyzer) == FAILED


def test_memory_of_the_host_is_no_fault_of_the_gpu(cuda, monkeypatch):
    detector = create_detector_backend("auto")

    def fail(*arguments):
        raise MemoryError

    monkeypatch.setattr(CudaYuNet, "detect", fail)
    with pytest.raises(MemoryError):
        detector.detect(np.zeros((1, 64, 64, 3), np.uint8), 0.5)
    assert detector.label == ON_GPU[0]


def test_keras_on_a_gpu_is_second(cuda, monkeypatch):
    monkeypatch.setattr(gpu_module, "has_gpu", lambda: True)
    assert list(gpu_runtimes("auto")) == ["cuda", "keras"]
    assert list(gpu_runtimes("keras")) == ["keras"]
    cuda.loads = False
    detector = create_detector_backend("auto")
    assert isinstance(detector._fallback._on_gpu, KerasYuNet)
    assert list(gpu_runtimes("auto")) == ["keras"]  # what failed is not tried again
    network = create_backend(find_model("emosense-s"), "auto")
    assert network.label.startswith("Keras")


def test_a_network_that_cannot_be_converted_is_no_fault_of_the_gpu(cuda, monkeypatch):
    def fail(archive):
        raise UnsupportedLayer("Swirl")

    monkeypatch.setattr("emosense.networks.keras_to_onnx.keras_to_onnx", fail)
    network = create_backend(find_model("emosense-s"), "auto")
    assert isinstance(network._fallback._on_gpu, KerasBackend)
    assert not gpu.failures


def test_one_process_owns_the_gpu(cuda, other_owner, caplog):
    caplog.set_level(logging.INFO)
    assert labels(Analyzer("emosense-s", "auto")) == ON_CPU
    assert labels(Analyzer("emosense-s", "keras")) == ON_CPU  # Keras would use the GPU
    assert "belongs to another process" in caplog.text
    other_owner.stdin.close()
    other_owner.wait()
    assert labels(Analyzer("emosense-s", "auto")) == ON_GPU


def test_a_lock_that_cannot_be_made_leaves_the_gpu_alone(cuda, monkeypatch, tmp_path, caplog):
    monkeypatch.setattr(gpu_module, "lock_path", lambda: tmp_path / "missing" / "gpu.lock")
    assert labels(Analyzer("emosense-s", "auto")) == ON_CPU
    assert "cannot be locked" in caplog.text


def test_processes_with_a_gpu_each_have_a_lock_each(monkeypatch):
    paths = set()
    for devices in ("0", "1", "0,1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
        paths.add(lock_path())
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    assert len(paths | {lock_path()}) == 4


def test_a_hidden_gpu_is_not_looked_for(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")  # where any machine may have one
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "0")
    assert may_have_gpu()
    hide_gpu()
    assert not may_have_gpu()


def test_who_asks_for_cuda_is_told_that_it_is_missing(monkeypatch, tmp_path, caplog):
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    monkeypatch.setattr(gpu_module, "lock_path", lambda: tmp_path / "gpu.lock")
    with pytest.raises(RuntimeError, match=r"onnxruntime-gpu\. Received: CPUExecutionProvider"):
        onnx_session(b"", cuda=True)
    assert create_detector_backend("cuda").label == FAILED[0]
    assert "Expected CUDAExecutionProvider" in caplog.text
    gpu.release()


def test_the_graph_for_batches_is_the_graph_of_the_cpu(astronaut):
    image = np.ascontiguousarray(astronaut[:480, :, ::-1])
    images = np.stack([image, image[:, ::-1], np.zeros_like(image), image[::-1]] * 9)
    expected = OnnxYuNet().detect(images[:4], 0.5)
    found = CudaYuNet(cuda=False).detect(images, 0.5)  # 36 images: two batches
    assert [len(rows) for rows in found[:4]] == [1, 1, 0, 1]
    for index, rows in enumerate(found):
        np.testing.assert_allclose(rows, expected[index % 4], atol=1e-3)
