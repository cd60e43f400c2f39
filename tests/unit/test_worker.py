import os
import signal
import subprocess
import sys
import time

import pytest

from emosense.errors import UnsupportedMedia, WorkerDied, WorkerError, WorkerTimeout
from emosense.faces.options import DetectorOptions
from emosense.worker.client import InferenceWorker


@pytest.fixture(scope="module")
def worker():
    worker = InferenceWorker(timeout=120)
    yield worker
    worker.close()


def test_analyses_a_photo_in_another_process(worker, astronaut_png):
    result, preview, crops = worker.photo(astronaut_png, "a.png", "cnn8", DetectorOptions())
    assert [face.emotion for face in result.faces] == ["happy"]
    assert preview.startswith(b"\xff\xd8")
    assert len(crops) == 1
    assert worker.pid != os.getpid()
    png = worker.ask("annotated", data=astronaut_png, result=result)
    assert png.startswith(b"\x89PNG")
    assert worker.ask("warm", model="cnn8").startswith("YuNet")


def test_errors_arrive_with_their_type_and_the_process_lives(worker, astronaut_png):
    pid = worker.pid
    with pytest.raises(UnsupportedMedia, match="Expected a photo"):
        worker.photo(b"hello", "a.png", "cnn8", DetectorOptions())
    with pytest.raises(WorkerError, match="Unexpected fault: AttributeError"):
        worker.ask("no_such_method")
    assert worker.pid == pid


def test_a_killed_process_is_replaced(worker, astronaut_png):
    worker.start()
    pid = worker.pid
    os.kill(pid, signal.SIGKILL)
    # Found dead before the request: replaced without a word. Dying during it: told.
    try:
        worker.photo(astronaut_png, "a.png", "cnn8", DetectorOptions())
    except WorkerDied as error:
        assert "try once more" in str(error)
    result, *_ = worker.photo(astronaut_png, "a.png", "cnn8", DetectorOptions())
    assert len(result.faces) == 1
    assert worker.pid != pid


def stand_in(tmp_path, monkeypatch, body):
    (tmp_path / "stand_in.py").write_text(
        "import sys, time, os\n"
        "from multiprocessing.connection import Connection\n"
        f"c = Connection(int(sys.argv[1]))\n{body}\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "stand_in"


def test_death_in_the_middle_is_told(tmp_path, monkeypatch):
    worker = InferenceWorker(stand_in(tmp_path, monkeypatch, "c.recv(); os._exit(9)"), timeout=60)
    for _ in range(2):
        with pytest.raises(WorkerDied, match="try once more"):
            worker.ask("photo")
    worker.close()


def test_a_hanging_process_is_given_up(tmp_path, monkeypatch):
    worker = InferenceWorker(stand_in(tmp_path, monkeypatch, "time.sleep(600)"), timeout=1)
    worker.start()
    pid = worker.pid
    with pytest.raises(WorkerTimeout, match="given up after 1 seconds"):
        worker.ask("photo")
    assert worker.pid != pid
    worker.close()


def test_the_process_ends_with_its_owner():
    code = (
        "from emosense.worker.client import InferenceWorker; import os\n"
        "w = InferenceWorker(); w.start(); print(w.pid, flush=True); os._exit(1)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pid = int(out.stdout)
    for _ in range(600):
        if not alive(pid):
            return
        time.sleep(0.1)
    pytest.fail("the inference process outlived its owner")


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
