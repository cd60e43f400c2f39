"""Processes that are killed under the running app, and what its users see of it."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from support.app_server import started_server
from support.fuzzing import DIED
from support.gates import Gate, gated_environment
from support.resource_usage import inference_processes
from support.streamlit_client import BrowserSession
from support.synthetic_video import head, pasted, wall, write_clip

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def server(gates):
    with started_server("support.gated", **gated_environment(gates)) as server:
        yield server


@pytest.fixture(scope="module")
def clip(astronaut, tmp_path_factory):
    frames = [pasted(wall(), (head(astronaut), 150 + i % 200, 180)) for i in range(500)]
    return write_clip(tmp_path_factory.mktemp("faults") / "clip.mp4", frames).read_bytes()


def kill_inference(server):
    for process in inference_processes(server.pid):
        process.kill()


def test_killed_in_the_middle_of_photos(server, gates, astronaut_png):
    with BrowserSession(server.url) as session:
        uploads = [(f"{i}.png", astronaut_png, "image/png") for i in range(40)]
        with Gate(gates, "20.png") as gate, ThreadPoolExecutor(1) as thread:
            sending = thread.submit(session.upload, *uploads)
            gate.wait()
            kill_inference(server)
            gate.open()
            sending.result()
        told = [alert for alert in session.alerts if DIED in alert]
        assert len(told) == 1
        assert told[0].startswith("**20.png**")
        assert "please try once more" in told[0]
        (summary,) = session.tables()[:1]
        assert summary["faces"].to_pylist().count(1) == 39
        session.run()  # the failed one is tried again
        assert not [alert for alert in session.alerts if DIED in alert]
        assert not session.faults


def test_killed_in_the_middle_of_a_video(server, gates, clip):
    with BrowserSession(server.url, "video") as session:
        session.upload(("clip.mp4", clip, "video/mp4"))
        with Gate(gates, "video") as gate:
            session.click("Analyse")
            gate.let_one_through()
            gate.wait()  # two frames are done
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


def test_a_killed_server_leaves_nothing_behind(gates, clip, tmp_path):
    environment = {"TMPDIR": str(tmp_path)}
    with (
        started_server("support.gated", **environment, **gated_environment(gates)) as server,
        Gate(gates, "video") as gate,
    ):
        session = BrowserSession(server.url, "video")
        session.upload(("clip.mp4", clip, "video/mp4"))
        session.click("Analyse")
        gate.wait()
        children = inference_processes(server.pid)
        assert len(children) >= 2  # of photos and videos
        os.kill(server.pid, signal.SIGKILL)
        assert list(tmp_path.glob("emosense-*/*/video"))
        gate.open()
        gone, alive = psutil.wait_procs(children, timeout=60)
        assert alive == []  # inference processes end with their server
        assert gone
    with started_server(**environment):  # before anybody opens a page
        assert not list(tmp_path.glob("emosense-*/*/video"))
