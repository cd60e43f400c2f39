"""An upload passes through no file, not even a nameless one, and into no log; it holds room no longer than
it is needed."""

import io
import os
import zipfile

import numpy as np
import pytest
import requests
from PIL import Image
from support.app_server import running_server, started_server
from support.audit import audited
from support.corruption import video_files
from support.data import encoded
from support.foreign_text import TEXT
from support.gates import Gate, gated_environment
from support.resource_usage import footprint
from support.streamlit_client import BrowserSession

KEY = "0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {KEY}"}

# Temporary files without a name cannot be seen from outside: the server tells of them.
SPY = """
import tempfile

rollover = tempfile.SpooledTemporaryFile.rollover


def told(self):
    open({path!r}, "a").close()
    rollover(self)


tempfile.SpooledTemporaryFile.rollover = told
"""


def test_a_photo_is_never_written_to_disk(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (3000, 3000, 3), np.uint8)
    photo = io.BytesIO()
    Image.fromarray(noise).save(photo, "bmp")
    told = tmp_path / "written"
    (tmp_path / "sitecustomize.py").write_text(SPY.format(path=str(told)))
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    with running_server(PYTHONPATH=path, EMOSENSE_API_KEY=KEY) as url:
        with BrowserSession(url) as session:
            session.upload(("noise.bmp", photo.getvalue(), "image/bmp"))
            assert "No face found" in session.text
        files = {"files": ("noise.bmp", photo.getvalue())}
        answer = requests.post(f"{url}/api/v1/photos", headers=HEADERS, files=files)
        assert answer.json()["photos"][0]["faces"] == []
    assert not told.exists()


def test_photos_and_archives_open_no_file_and_no_connection(tmp_path, astronaut_png):
    told = tmp_path / "told"
    album = io.BytesIO()
    with zipfile.ZipFile(album, "w") as archive:
        archive.writestr("a.png", astronaut_png)
    with running_server(**audited(tmp_path, told)) as url:
        with BrowserSession(url) as session:  # everything is imported by now
            session.upload(("first.png", astronaut_png, "image/png"))
            session.click("Why?")
        with BrowserSession(url, "batch") as session:
            before = told.read_text()
            session.upload(("album.zip", album.getvalue(), "application/zip"))
            session.click("Analyse 1 photo")
            session.wait("1 face in 1 photo")
        with BrowserSession(url) as session:
            session.upload(("second.png", astronaut_png + b"x", "image/png"))
            assert "**1. happy**" in session.text
        after = told.read_text().removeprefix(before)
    assert after == ""
    # At its start, the server makes its folder for videos, and asks nobody either.
    assert "emosense-" in before
    assert not [line for line in before.splitlines() if line.startswith(("connection", "name"))]


def test_logs_hold_no_names_of_files(astronaut_png, capfd):
    """What the server and its processes say, of photos, archives, and files that are none."""
    mark = "name-of-a-secret-file"
    album = io.BytesIO()
    with zipfile.ZipFile(album, "w") as archive:
        archive.writestr(f"{mark}/1.png", astronaut_png)
        archive.writestr(f"{mark}/2.png", astronaut_png[:5000])
    with running_server(EMOSENSE_API_KEY=KEY) as url:
        with BrowserSession(url) as session:
            files = [
                (f"{mark} {i}.png", d) for i, d in enumerate((astronaut_png, b"x", b"\x89PNG"))
            ]
            files += [(f"{mark}.png", astronaut_png[:9000]), (f"{TEXT[:5]}{mark}", b"")]
            session.upload(*((name, data, "image/png") for name, data in files))
            assert mark in "".join(session.alerts)
        with BrowserSession(url, "batch") as session:
            session.upload((f"{mark}.zip", album.getvalue(), "application/zip"))
            session.click("Analyse 2 photos")
            session.wait("1 face in 1 photo")
        with BrowserSession(url, "video") as session:
            session.upload((f"{mark}.mp4", b"\0\0\0\x20ftypisom" + bytes(99), "video/mp4"))
            assert mark in "".join(session.alerts)
        parts = [("files", (name, data)) for name, data in files[:4]]
        answer = requests.post(f"{url}/api/v1/photos", headers=HEADERS, files=parts)
        assert answer.text.count(mark) == 4
        parts = {"file": (f"{mark}.mp4", b"\0\0\0\x20ftypisom" + bytes(99))}
        answer = requests.post(f"{url}/api/v1/videos", headers=HEADERS, files=parts)
        assert mark in answer.text
    out = "".join(capfd.readouterr())
    assert "localhost" in out  # the server does say something
    assert mark not in out


@pytest.fixture(scope="module")
def spool(tmp_path_factory):
    return tmp_path_factory.mktemp("spool")


@pytest.fixture(scope="module")
def narrow(spool):
    """A server on which a page may hold one photo of :func:`heavy`, and no second one."""
    with started_server(TMPDIR=str(spool), EMOSENSE_MAX_SESSION_UPLOAD_MB="1") as server:
        yield server


def heavy(photo, name):
    return name, photo + name.encode(), "image/png"  # two together have more than 1 MB


def test_a_batch_that_has_ended_leaves_its_room_to_the_next(narrow, astronaut_png):
    """Browsers tell of files that a visitor removes, and of no others."""
    with BrowserSession(narrow.url, "batch") as session:
        for number in range(1, 4):
            session.upload(heavy(astronaut_png, f"{number}.png"))
            session.click("Analyse 1 photo")
            session.wait_until(lambda: session.text.count("1 face in 1 photo") == number)  # noqa: B023


def test_a_job_holds_its_uploads_until_its_end(astronaut_png, gates):
    environment = gated_environment(gates) | {"EMOSENSE_MAX_SESSION_UPLOAD_MB": "1"}
    with (
        started_server("support.gated", **environment) as server,
        BrowserSession(server.url, "batch") as session,
    ):
        session.upload(heavy(astronaut_png, "1.png"))
        with Gate(gates, "1.png") as gate:
            session.click("Analyse 1 photo")
            gate.wait()
            with pytest.raises(requests.HTTPError) as refused:
                session.upload(heavy(astronaut_png, "2.png"))
            assert "until analyses of earlier ones have ended" in refused.value.response.text
        session.wait("1 face in 1 photo")
        session.upload(heavy(astronaut_png, "2.png"))
        session.click("Analyse 1 photo")


@pytest.mark.parametrize("page", ["batch", "video"])
def test_a_page_that_is_left_holds_no_uploads(narrow, spool, astronaut_png, page):
    with BrowserSession(narrow.url, page) as session:
        for number in range(3):
            session.upload(heavy(astronaut_png, f"{number}.png"))
            session.visit("about")
            session.visit(page)
        session.upload(heavy(astronaut_png, "last.png"))


def test_earlier_photos_that_were_removed_leave_their_room(narrow, astronaut_png):
    with BrowserSession(narrow.url) as session:
        session.upload(heavy(astronaut_png, "1.png"))
        session.visit("about")
        session.visit("")
        assert session.photos == ["1.png"]  # photos stay
        session.click("Remove 1 earlier photo")
        session.upload(heavy(astronaut_png, "2.png"))
        assert session.photos == ["2.png"]


def test_a_video_of_a_page_that_is_left_leaves_the_disk(narrow, spool, astronaut, tmp_path):
    clip = video_files(astronaut, tmp_path)["mp4"]
    with BrowserSession(narrow.url, "video") as session:
        session.upload(("clip.mp4", clip, "video/mp4"))
        assert footprint(narrow.pid, spool).spooled == 1
        session.visit("about")
        assert footprint(narrow.pid, spool).spooled == 0
        session.visit("video")
        session.upload(("clip.mp4", clip, "video/mp4"))
        session.click("Analyse")
        session.visit("about")
        assert footprint(narrow.pid, spool).spooled == 1  # its job goes on
        session.visit("video")
        session.wait("frames analysed of 25")


def test_files_stay_while_others_of_their_drop_are_on_their_way(narrow, astronaut):
    """A browser names them as its uploader's once the last one was sent."""
    photo = encoded(astronaut, "JPEG")
    files = [(f"{number}.jpg", photo + bytes(number), "image/jpeg") for number in range(3)]
    with BrowserSession(narrow.url) as session:
        targets = session.ask_for_uploads(*(name for name, _, _ in files))
        for target, file in zip(targets, files, strict=True):
            session.send_file(target, file)
            session.run()
        session.name_files(targets, *files)
        assert session.photos == ["0.jpg", "1.jpg", "2.jpg"]
        session.name_files(targets[:1], *files[:1])
        assert session.photos == ["0.jpg"]


def test_files_that_were_on_their_way_to_a_page_that_was_left_hold_no_room(narrow, astronaut_png):
    first, late = heavy(astronaut_png, "first.png"), heavy(astronaut_png, "late.png")
    with BrowserSession(narrow.url) as session:
        sent, waiting = session.ask_for_uploads("first.png", "late.png")
        session.send_file(sent, first)
        session.visit("batch")
        session.send_file(waiting, late)
        session.upload(heavy(astronaut_png, "now.png"))
        session.click("Analyse 1 photo")
        session.wait("1 face in 1 photo")
