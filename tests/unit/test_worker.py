import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from gates import Gate
from waiting import wait_until

from emosense.errors import UnsupportedMedia, WorkerDied, WorkerError, WorkerTimeout
from emosense.faces.options import DetectorOptions
from emosense.worker.client import InferenceWorker


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


def test_a_process_found_dead_is_replaced_without_a_word(worker, astronaut_png):
    worker.start()
    pid = worker.pid
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet asked for
    result, *_ = worker.photo(astronaut_png, "a.png", "cnn8", DetectorOptions())
    assert len(result.faces) == 1
    assert worker.pid != pid


def test_a_process_killed_at_work_is_told_and_replaced(worker, gates, astronaut_png):
    worker.start()
    pid = worker.pid
    with Gate(gates, "a.png") as gate, ThreadPoolExecutor(1) as thread:
        asked = thread.submit(worker.photo, astronaut_png, "a.png", "cnn8", DetectorOptions())
        gate.wait()
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerDied, match="try once more"):
            asked.result()
    result, *_ = worker.photo(astronaut_png, "a.png", "cnn8", DetectorOptions())
    assert len(result.faces) == 1
    assert worker.pid != pid


def stand_in(tmp_path, monkeypatch, body):
    (tmp_path / "stand_in.py").write_text(
        "import os, signal, sys\n"
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
    worker = InferenceWorker(stand_in(tmp_path, monkeypatch, "signal.pause()"), timeout=1)
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
    wait_until(lambda: not alive(pid), "the inference process outlived its owner")


def alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
