"""An upload passes through no file, not even a nameless one, and into no log."""

import io
import os
import zipfile

import numpy as np
import requests
from PIL import Image
from support.app_server import running_server
from support.audit import audited
from support.foreign_text import TEXT
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
