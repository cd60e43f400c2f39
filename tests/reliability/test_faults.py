"""Processes that are killed under the running app, and what its users see of it."""

import os
import signal
import threading
import time

import psutil
import pytest
from clips import head, pasted, wall, write_clip
from footprint import inference_processes
from fuzzing import DIED
from protocol import BrowserSession
from serving import started_server

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server():
    with started_server() as server:
        yield server


@pytest.fixture(scope="module")
def clip(astronaut, tmp_path_factory):
    frames = [pasted(wall(), (head(astronaut), 150 + i % 200, 180)) for i in range(500)]
    return write_clip(tmp_path_factory.mktemp("faults") / "clip.mp4", frames).read_bytes()


def kill_inference(server):
    for process in inference_processes(server.pid):
        process.kill()


def test_killed_in_the_middle_of_photos(server, astronaut_png):
    with BrowserSession(server.url) as session:
        session.upload(("warm.png", astronaut_png, "image/png"))
        uploads = [(f"{i}.png", astronaut_png, "image/png") for i in range(40)]
        sending = threading.Thread(target=session.upload, args=uploads)
        (worker,) = inference_processes(server.pid)
        busy = worker.cpu_times().user
        sending.start()
        while worker.cpu_times().user < busy + 0.1:
            time.sleep(0.005)
        kill_inference(server)
        sending.join(200)
        told = [alert for alert in session.alerts if DIED in alert]
        assert len(told) == 1
        assert "please try once more" in told[0]
        (summary,) = session.tables()[:1]
        assert summary["faces"].to_pylist().count(1) == 39
        session.run()  # the failed one is tried again
        assert not [alert for alert in session.alerts if DIED in alert]
        assert not session.faults


def test_killed_in_the_middle_of_a_video(server, clip):
    with BrowserSession(server.url, "video") as session:
        session.upload(("clip.mp4", clip, "video/mp4"))
        session.click("Analyse")
        session.wait_until(lambda: "frames/s" in progress(session))
        kill_inference(server)
        session.wait("frames analysed of")
        assert any(DIED in alert for alert in session.alerts)
        session.click("Remove")
        session.upload(("clip.mp4", clip, "video/mp4"))
        session.click("Analyse")
        session.wait("frames analysed of 500")
        assert not session.alerts
        assert not session.faults


def progress(session):
    return "".join(element.progress.text for element in session.elements("progress"))


def test_a_killed_server_leaves_nothing_behind(clip, tmp_path):
    environment = {"TMPDIR": str(tmp_path)}
    with started_server(**environment) as server:
        session = BrowserSession(server.url, "video")
        session.upload(("clip.mp4", clip, "video/mp4"))
        session.click("Analyse")
        children = inference_processes(server.pid)
        os.kill(server.pid, signal.SIGKILL)
        assert list(tmp_path.glob("emosense-*/*/video"))
        gone, alive = psutil.wait_procs(children, timeout=60)
        assert alive == []  # inference processes end with their server
        assert gone
    with started_server(**environment) as server, BrowserSession(server.url, "video"):
        assert not list(tmp_path.glob("emosense-*/*/video"))
