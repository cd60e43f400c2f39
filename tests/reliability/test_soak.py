"""Visitors come and go: nothing of them stays. benchmarks/soak.py does it for an hour."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from support.app_server import started_server
from support.corruption import video_files
from support.gates import Gate, gated_environment
from support.resource_usage import footprint
from support.streamlit_client import BrowserSession
from support.visitor import Visitor
from support.waiting import wait_until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def spool(tmp_path_factory):
    return tmp_path_factory.mktemp("soak")


@pytest.fixture(scope="module")
def server(spool):
    with started_server(TMPDIR=str(spool), STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL="1") as server:
        yield server


def test_nothing_grows(server, spool, astronaut, astronaut_png, tmp_path):
    visitor = Visitor(server.url, astronaut_png, video_files(astronaut, tmp_path)["mp4"])
    for _ in range(2):
        visitor.visit()
    # Sessions are closed a while after they were left; then their videos are gone.
    wait_until(lambda: footprint(server.pid, spool).spooled == 0, "videos stay on disk")
    before = footprint(server.pid, spool)
    for _ in range(5):  # more than what may be left over below
        visitor.visit()

    def grown():
        after = footprint(server.pid, spool)
        return [
            (name, getattr(before, name), getattr(after, name))
            for name, holds in {
                # The server, and those of ordinary photos, of previews, of short videos; idle ones end.
                "processes": after.processes <= before.processes <= 4,
                "spooled": after.spooled == before.spooled == 0,
                "files": after.files <= before.files + 3,
                "threads": after.threads <= before.threads + 4,
                "megabytes": after.megabytes < 1.15 * before.megabytes,
            }.items()
            if not holds
        ]

    wait_until(lambda: not grown(), grown)


def test_uploads_are_forgotten_soon_after_the_page_is_closed(server, spool, astronaut_png):
    with BrowserSession(server.url) as session:  # all code is loaded after this
        session.upload(
            ("small.png", astronaut_png, "image/png"), ("none.jpg", bytes(100), "image/jpeg")
        )
    before = footprint(server.pid, spool)
    with BrowserSession(server.url) as session:
        session.upload(("large.jpg", bytes(48 * 2**20), "image/jpeg"))
        assert len(session.alerts) == 1
        held = footprint(server.pid, spool)
    assert held.megabytes > before.megabytes + 40
    wait_until(  # no other visitor comes
        lambda: footprint(server.pid, spool).megabytes < before.megabytes + 20,
        lambda: f"the upload is still held: {before}, {footprint(server.pid, spool)}",
    )


def test_sessions_at_once_get_their_own_answers(server, astronaut_png):
    """While a large batch runs, too; and nobody sees another's files."""
    wrong, left = [], []

    def visit(number):
        with BrowserSession(server.url) as session:
            for turn in range(3):
                name = f"visitor{number}turn{turn}.png"
                session.upload((name, astronaut_png, "image/png"))
                if session.faults or session.photos != [name]:
                    wrong.append((name, session.photos, session.faults))
        left.append(number)

    with BrowserSession(server.url, "batch") as greedy:
        greedy.upload(*((f"{i}.png", astronaut_png, "image/png") for i in range(150)))
        greedy.click("Analyse 150 photos")
        with ThreadPoolExecutor(6) as visitors:
            visits = [visitors.submit(visit, number) for number in range(6)]
            assert "150 faces in 150 photos" in greedy.wait("photos/s")
        for visited in visits:
            visited.result()
    assert wrong == []
    assert sorted(left) == list(range(6))


def test_a_video_that_was_taken_back_leaves_the_disk(server, spool, astronaut, tmp_path):
    clip = video_files(astronaut, tmp_path)["mp4"]
    with BrowserSession(server.url, "video") as session:
        session.upload(("first.mp4", clip, "video/mp4"))
        session.upload(("second.mp4", clip, "video/mp4"))
        assert footprint(server.pid, spool).spooled == 1
        session.upload()
        assert footprint(server.pid, spool).spooled == 0


def test_a_short_loss_of_the_network_costs_nothing(astronaut, astronaut_png, gates, tmp_path):
    clip = video_files(astronaut, tmp_path)["mp4"]
    with started_server("support.gated", **gated_environment(gates)) as server:
        with BrowserSession(server.url, "video") as session:
            session.upload(("clip.mp4", clip, "video/mp4"))
            with Gate(gates, "video") as gate:
                session.click("Analyse")
                gate.wait()
                session.reconnect()
            assert "frames analysed of 25" in session.wait("analysed of")
            assert not session.alerts
        with BrowserSession(server.url, "batch") as session:
            session.upload(*((f"{i}.png", astronaut_png, "image/png") for i in range(30)))
            with Gate(gates, "15.png") as gate:
                session.click("Analyse 30 photos")
                gate.wait()
                session.reconnect()
            assert "30 faces in 30 photos" in session.wait("photos/s")
