import math
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from support.gates import Gate
from support.waiting import wait_until

from emosense.errors import UnsupportedMedia, WorkerDied, WorkerError, WorkerTimeout
from emosense.results import Box, Face, PhotoResult
from emosense.worker.client import InferenceWorker
from emosense.worker.messages import AnalyzePhoto, AnnotatePhoto, Preload
from emosense.worker.protocol import Message, Request


class Unknown(Message, Request[None]):
    """A request that nobody answers."""


def photo_request(data):
    return AnalyzePhoto(data=data, name="a.png", model="cnn8")


def test_analyses_a_photo_in_another_process(worker, astronaut_png):
    answer = worker.request(photo_request(astronaut_png))
    assert [face.emotion for face in answer.result.faces] == ["happy"]
    assert answer.preview.startswith(b"\xff\xd8")
    assert len(answer.crops) == 1
    assert worker.pid != os.getpid()
    png = worker.request(AnnotatePhoto(data=astronaut_png, result=answer.result))
    assert png.startswith(b"\x89PNG")
    assert worker.request(Preload(model="cnn8")).startswith("YuNet")


def test_errors_arrive_with_their_type_and_the_process_lives(worker, astronaut_png):
    pid = worker.pid
    box = Box(0, 0, math.nan, math.nan)
    face = Face(box, ((0, 0),) * 5, 1.0, (1.0,) + 6 * (0.0,))
    nowhere = PhotoResult("a.png", 1, 1, (face,), "cnn8", "")
    with pytest.raises(UnsupportedMedia, match="Expected a photo"):
        worker.request(photo_request(b"hello"))
    with pytest.raises(WorkerError, match=r"Expected a request of .*AnalyzePhoto.*: Unknown"):
        worker.request(Unknown())
    with pytest.raises(WorkerError, match="Unexpected fault: ValueError"):
        worker.request(AnnotatePhoto(data=astronaut_png, result=nowhere))
    assert worker.pid == pid


def test_a_process_found_dead_is_replaced_without_a_word(worker, astronaut_png):
    worker.start()
    pid = worker.pid
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # dead, and not yet asked for
    assert len(worker.request(photo_request(astronaut_png)).result.faces) == 1
    assert worker.pid != pid


def test_a_process_killed_during_a_request_is_replaced(worker, gates, astronaut_png):
    worker.start()
    pid = worker.pid
    with Gate(gates, "a.png") as gate, ThreadPoolExecutor(1) as thread:
        future = thread.submit(worker.request, photo_request(astronaut_png))
        gate.wait()
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(WorkerDied, match="try once more"):
            future.result()
    assert len(worker.request(photo_request(astronaut_png)).result.faces) == 1
    assert worker.pid != pid


def stand_in(tmp_path, monkeypatch, body):
    (tmp_path / "stand_in.py").write_text(
        "import os, signal, sys\n"
        "from multiprocessing.connection import Connection\n"
        f"c = Connection(int(sys.argv[1]))\n{body}\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "stand_in"


def test_the_end_of_the_process_raises(tmp_path, monkeypatch):
    worker = InferenceWorker(stand_in(tmp_path, monkeypatch, "c.recv(); os._exit(9)"), timeout=60)
    for _ in range(2):
        with pytest.raises(WorkerDied, match="try once more"):
            worker.request(photo_request(b""))
    worker.close()


def test_a_hanging_process_is_given_up(tmp_path, monkeypatch):
    worker = InferenceWorker(stand_in(tmp_path, monkeypatch, "signal.pause()"), timeout=1)
    worker.start()
    pid = worker.pid
    with pytest.raises(WorkerTimeout, match="given up after 1 seconds"):
        worker.request(photo_request(b""))
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
