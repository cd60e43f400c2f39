"""Damaged and ill-meant files through the running app; benchmarks/fuzz.py sends thousands."""

import io
import zipfile
from collections import Counter

import pytest
from support.app_server import running_server
from support.corruption import bombs, disguised, mutants, photo_files, video_files
from support.fuzzing import DIED, GIVEN_UP, UNFORESEEN, send_photos, send_video
from support.streamlit_client import BrowserSession

pytestmark = pytest.mark.browser
TERRIBLE = {DIED, GIVEN_UP, UNFORESEEN}


@pytest.fixture(scope="module")
def url():
    with running_server() as address:
        yield address


def test_photos(url, astronaut, astronaut_png):
    with BrowserSession(url) as session:
        special = {**bombs(), **disguised()}
        assert send_photos(session, special.items()) == {"told why not": len(special)}
        outcomes = send_photos(session, mutants(photo_files(astronaut), 60, seed=1))
        assert outcomes.total() == 60
        assert not TERRIBLE & set(outcomes)
        assert outcomes["told why not"] > 10
        assert outcomes["analysed"] > 10
        session.upload(("sound.png", astronaut_png, "image/png"))
        assert "**1. happy**" in session.text


def test_videos(url, astronaut, tmp_path):
    sound = video_files(astronaut, tmp_path)
    with BrowserSession(url, "video") as session:
        outcomes = Counter(
            send_video(session, name, data) for name, data in mutants(sound, 12, seed=1)
        )
        assert not TERRIBLE & set(outcomes)
        assert outcomes["analysed"] + outcomes["partly analysed"] > 2
        assert send_video(session, "sound.mp4", sound["mp4"]) == "analysed"


def test_a_zip_of_everything_bad(url, astronaut_png):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**bombs(), **disguised()}.items():
            archive.writestr(f"../../../../etc/{name}", data)
        archive.writestr("bomb.jpg", bytes(120 * 2**20))
        archive.writestr("happy.png", astronaut_png)
    with BrowserSession(url, "batch") as session:
        session.upload(("bad.zip", buffer.getvalue(), "application/zip"))
        session.click(f"Analyse {len(bombs()) + len(disguised()) + 2} photos")
        session.wait("photos/s")
        assert "bad.zip: 1 face in " in session.text
        assert not session.faults
        failures = session.tables()[0].to_pydict()
        reasons = dict(zip(failures["photo"], failures["why"], strict=True))
        assert "etc/page.jpg" in reasons
        assert "Expected at most 50 MB a photo" in reasons["bomb.jpg"]
        assert not any(UNFORESEEN in reason for reason in reasons.values())
