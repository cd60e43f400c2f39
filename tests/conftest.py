"""Shared test data: the public-domain astronaut photo, and small sets made from noise."""

import io
import os
import sys
from collections import Counter

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
from PIL import Image
from support.data import write_csv
from support.gates import WORKER, gated_environment
from support.own_thread import is_real_time

from emosense.samples import sample_photo
from emosense.worker.client import InferenceWorker


def pytest_collection_modifyitems(items):
    marked = [item for item in items if item.get_closest_marker("gpu")]
    if marked:
        from emosense.faces.backends.factory import create_detector_backend
        from emosense.runtime.gpu_driver import may_have_gpu

        if not (may_have_gpu() and create_detector_backend("auto").on_gpu):
            for item in marked:
                item.add_marker(pytest.mark.skip(reason="there is no GPU"))


@pytest.fixture(autouse=True)
def _no_real_time_priority():
    """No test leaves its process with a priority that keeps all others waiting."""
    before = is_real_time()
    yield
    assert is_real_time() == before


@pytest.fixture(autouse=True)
def _main_module(monkeypatch):
    """No page stays the main module, which Streamlit makes it: a spawned process would run it."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="module")
def gates(tmp_path_factory):
    """The folder of the gates at which the inference processes of ``worker`` wait."""
    return tmp_path_factory.mktemp("gates")


@pytest.fixture(scope="module")
def worker(gates):
    """A true inference process, which a test may hold at a :class:`support.gates.Gate`."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in gated_environment(gates).items():
            patch.setenv(name, value)
        worker = InferenceWorker(WORKER, timeout=120)
        yield worker
        worker.close()


@pytest.fixture
def memory(monkeypatch):
    """The memory for what pages keep, of which pages of earlier tests hold nothing."""
    from emosense.ui.session.downloads import memory

    monkeypatch.setattr(memory, "_held", Counter())
    return memory


@pytest.fixture(scope="session")
def astronaut_png() -> bytes:
    return sample_photo()


@pytest.fixture(scope="session")
def astronaut(astronaut_png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(astronaut_png)).convert("RGB"))


@pytest.fixture(scope="session")
def small_csv(tmp_path_factory):
    return write_csv(tmp_path_factory.mktemp("data") / "fer2013.csv")


@pytest.fixture(scope="session")
def small_data(small_csv):
    from emosense.training.readers.fer2013_csv import read_csv

    return read_csv(small_csv)


@pytest.fixture(scope="session")
def small_run(small_data, tmp_path_factory):
    """A finished run of one epoch and its model folder, trained in the test itself."""
    from emosense.training.export_model import export_model
    from emosense.training.recipe import Recipe
    from emosense.training.trainer import train

    root = tmp_path_factory.mktemp("small")
    train(Recipe("cnn8", epochs=1, batch_size=16), small_data, root / "run")
    export_model(root / "run", small_data, root / "models" / "tiny")
    return root
