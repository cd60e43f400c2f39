"""The Photo, Responsible use and About pages in Streamlit's AppTest, with real inference."""

import re
import threading
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from support.data import encoded, texts

from emosense.jobs.lane_choice import DEAR, ORDINARY
from emosense.services import services
from emosense.ui.components import waiting
from emosense.ui.photo import analysis
from emosense.worker.scheduler import Waiter
from emosense.worker.usage import Account

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def page():
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=180)
    app.run()
    assert not app.exception
    return app


def upload(app, *files):
    app.file_uploader(key="photo_uploads").set_value([(n, d, m) for n, d, m in files])
    app.run()
    assert not app.exception
    return texts(app)


def test_an_invalid_setting_is_reported(monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_PHOTOS", "many")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception
    (error,) = app.error
    assert "EMOSENSE_MAX_PHOTOS: expected a number above 0. Received: 'many'" in error.value


def test_empty_state_explains(page):
    assert "Drop one or many photos above" in texts(page)
    assert page.title[0].value == "What does a face express?"
    picker = page.selectbox(key="model")
    assert picker.value == "cnn8-tuned"
    assert "8L CNN · right for 62 of 100 faces" in picker.options
    (best,) = [option for option in picker.options if "recommended" in option]
    assert best == "EmoSense S · recommended, most accurate · right for 70 of 100 faces"
    # A model that does no better than chance comes last, with a note.
    assert picker.options[-1].startswith("10L CNN · no better than guessing (24 of 100 faces)")
    assert not any("MFLOPs" in option for option in picker.options)


def test_sample(page):
    page.button(key="photo_sample_button").click().run()
    assert not page.exception
    text = texts(page)
    assert "**1. happy**" in text
    assert "NASA" in text
    assert "YuNet (" in text


def test_one_upload(page, astronaut_png):
    text = upload(page, ("eileen.png", astronaut_png, "image/png"))
    assert "**1. happy**" in text
    assert not page.error


def test_several_photos_with_a_damaged_one(page, astronaut_png, astronaut):
    wall = encoded(np.full((200, 300, 3), 90, np.uint8), "PNG")
    text = upload(
        page,
        ("a.png", astronaut_png, "image/png"),
        ("broken_*.jpg", encoded(astronaut, "JPEG")[:2000], "image/jpeg"),
        ("wall.png", wall, "image/png"),
    )
    assert "1 face in 2 photos, 1 file could not be read" in text
    assert "**1. happy**" in text
    assert "No face found" in text
    assert r"broken\_\*.jpg" in page.error[0].value
    assert "damaged or cut off" in page.error[0].value
    summary = page.dataframe[0].value
    assert summary["emotions"].tolist() == ["1 happy", "not analysed", "none"]


@pytest.fixture
def small_model(small_run, monkeypatch):
    """The model trained by the tests, in a new inference process that finds it."""
    monkeypatch.setenv("EMOSENSE_MODELS", str(small_run / "models"))
    services().close()
    yield
    services().close()


def test_an_unsure_prediction_and_its_explanation(astronaut_png, small_model):
    app = AppTest.from_file(str(ROOT / "pages" / "photo.py"), default_timeout=180).run()
    app.selectbox(key="model").set_value("tiny").run()
    text = upload(app, ("a.png", astronaut_png, "image/png"))
    assert "**1. unsure**" in text
    assert "Always shows 'unsure'" in text
    app.selectbox(key="model").set_value("cnn8").run()
    assert "**1. happy**" in texts(app)
    app.button(key="why_0-1").click().run()
    assert not app.exception
    assert "What speaks for happy: " in texts(app)
    assert not [button for button in app.button if button.key == "why_0-1"]


@pytest.fixture
def held(monkeypatch):
    """Holds a lane's turn for somebody else until the page says that it waits, in texts."""
    texts_of_waits = []

    @contextmanager
    def hold(lane, module):
        release = threading.Event()
        describe = waiting.describe_wait

        def describe_and_release(wait, noun):
            texts_of_waits.append(describe(wait, noun))
            release.set()
            return texts_of_waits[-1]

        monkeypatch.setattr(module, "describe_wait", describe_and_release)
        scheduler, started = services().photos.pool.lanes[lane].scheduler, threading.Event()

        def other():
            with scheduler.turn(Waiter(Account("somebody else")), estimate=100):
                started.set()
                release.wait()

        thread = threading.Thread(target=other)
        thread.start()
        started.wait()
        yield texts_of_waits
        release.set()
        thread.join()

    return hold


WAITING = r"Waiting: 1 (photo|file) of others is before yours; about \d+ s"


def test_who_waits_for_a_photo_sees_for_whom(page, astronaut_png, held):
    with held(ORDINARY, analysis) as waits:
        upload(page, ("waits.png", astronaut_png, "image/png"))
    assert re.fullmatch(WAITING, waits[0])
    assert "**1. happy**" in texts(page)
    with held(ORDINARY, waiting) as waits:
        page.button(key="why_0-1").click().run()
    assert re.fullmatch(WAITING, waits[-1])
    assert "What speaks for happy: " in texts(page)


def test_who_waits_for_a_video_to_open_sees_for_whom(held):
    app = AppTest.from_file(str(ROOT / "pages" / "video.py"), default_timeout=180).run()
    with held(DEAR, waiting) as waits:
        app.button(key="video_sample_button").click().run()
    assert not app.exception
    assert re.fullmatch(WAITING, waits[0])
    assert "h264" in texts(app)


def test_options_reach_the_detector(page, astronaut_png):
    page.slider(key="linked_smallest").set_value(150)
    assert "No face found" in upload(page, ("a.png", astronaut_png, "image/png"))


def test_too_many_photos_are_cut_with_a_message(page, astronaut_png, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_PHOTOS", "1")
    files = [(f"{i}.png", astronaut_png, "image/png") for i in range(2)]
    text = upload(page, *files)
    assert "Expected at most 1 photos at a time. Received: 2" in text
    assert "The Batch page takes 500 at once" in text
    assert "Open the Batch page" in [link.proto.label for link in page.get("page_link")]


CLIP = b"\x00\x00\x00\x20ftypisom" + bytes(500)


@pytest.mark.parametrize(
    ("name", "data", "message", "target"),
    [
        ("clip.mp4", CLIP, "**clip.mp4** is a video: open it on the Video page.", "Video"),
        ("clip.jpg", CLIP, "**clip.jpg** is a video: open it on the Video page.", "Video"),
        ("a.zip", b"PK\x03\x04" + bytes(99), "**a.zip** is a zip archive: open it on the", "Batch"),
    ],
)
def test_other_kinds_of_files_get_a_link_to_their_page(
    page, name, data, message, target, astronaut_png
):
    """Detected by content, not by name; photos in the same upload are analysed."""
    text = upload(page, (name, data, "application/x"), ("eileen.png", astronaut_png, "image/png"))
    assert message in text
    assert f"Open the {target} page" in [link.proto.label for link in page.get("page_link")]
    assert "**1. happy**" in text
    assert not page.error


@pytest.mark.parametrize(
    ("name", "data", "received"),
    [
        ("notes.txt", b"dear diary", "a file of another kind"),
        ("paper.pdf", b"%PDF-1.7 " + bytes(99), "a PDF document"),
        ("no_ending", b"<!DOCTYPE html><p>", "an HTML document"),
    ],
)
def test_unsupported_files_are_rejected_with_their_type(page, name, data, received):
    upload(page, (name, data, ""))
    (error,) = page.error
    assert error.value.startswith(f"**{name.replace('_', chr(92) + '_')}**: Expected a photo (")
    assert error.value.endswith(f"Received: {received}.")


def test_more_than_twelve_faces_get_cards_on_demand(page, astronaut):
    face = astronaut[20:220, 130:330]
    grid = np.vstack([np.hstack([face[::2, ::2]] * 5)] * 3)
    text = upload(page, ("class.png", encoded(grid, "PNG"), "image/png"))
    assert "**12. happy**" in text
    assert "**13. happy**" not in text
    page.button(key="photo_more_0").click().run()
    assert "**15. happy**" in texts(page)
    assert "photo_more_0" not in {button.key for button in page.button}


def test_several_photos_have_a_summary_and_labelled_expanders(page, astronaut_png, astronaut):
    pair = encoded(np.hstack([astronaut, astronaut[:, ::-1]]), "PNG")
    wall = encoded(np.full((200, 300, 3), 90, np.uint8), "PNG")
    upload(
        page,
        ("a.png", astronaut_png, "image/png"),
        ("pair.png", pair, "image/png"),
        ("wall.png", wall, "image/png"),
        ("b.png", pair, "image/png"),
    )
    labels = [expander.label for expander in page.expander]
    assert re.fullmatch(r"a\.png: happy (>99|\d\d) %", labels[0])
    assert labels[1:4] == [
        "pair.png: 2 faces: 2 happy",
        "wall.png: no face found",
        "b.png: 2 faces: 2 happy",
    ]
    pictures = page.dataframe[0].value["picture"]
    assert all(picture.startswith("data:image/jpeg;base64,") for picture in pictures)
    assert len(page.get("plotly_chart")) == 1 + 3  # the fourth photo is collapsed
    page.toggle(key="photo_expand").set_value(True).run()
    assert len(page.get("plotly_chart")) == 1 + 5


def test_without_models_the_page_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("emosense.networks.registry.model_dirs", lambda: (tmp_path,))
    app = AppTest.from_file(str(ROOT / "pages" / "photo.py"), default_timeout=60).run()
    assert not app.exception
    assert "git checkout -- models" in app.error[0].value


def test_responsible_use_shows_the_cards_error_rates():
    from emosense.networks.registry import find_model

    app = AppTest.from_file(str(ROOT / "pages" / "responsible.py"), default_timeout=60).run()
    assert not app.exception
    assert app.title[0].value == "Responsible use"
    text = texts(app)
    for word in ("Article 5(1)(f)", "medical or safety", "not a feeling", "leaves the machine"):
        assert word in text
    table = app.dataframe[0].value.set_index("model")
    metrics = find_model("cnn8").card.metrics["PrivateTest"]
    assert table.loc["8L CNN", "all"] == pytest.approx(1 - metrics.accuracy, abs=0.005)
    fear = 1 - metrics.per_class["fear"].recall
    assert table.loc["8L CNN", "fear"] == pytest.approx(fear, abs=0.005)


def test_about():
    app = AppTest.from_file(str(ROOT / "pages" / "about.py"), default_timeout=60).run()
    assert not app.exception
    assert "trained with `emosense train cnn8" in texts(app)


def test_every_page_links_to_responsible_use_and_asks_for_a_login_if_required(monkeypatch):
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception
    assert len(app.file_uploader) == 1
    links = [link.proto.page for link in app.get("page_link")]
    assert links == ["responsible"]
    monkeypatch.setenv("EMOSENSE_LOGIN", "yes")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception
    assert not app.file_uploader
    app.button(key="login").click().run()
    assert not app.exception
    assert "not set up" in app.error[0].value


def test_without_room_the_photos_that_fit_are_shown(page, astronaut_png, memory, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_SESSION_DOWNLOAD_MB", "1")
    text = upload(page, *((f"{n}.png", astronaut_png, "image/png") for n in range(20)))
    match = re.search(r"(\d+) faces in (\d+) photos, (\d+) files could not be read", text)
    assert match is not None
    faces, photos, failed = map(int, match.groups())
    assert faces == photos > 0
    assert photos + failed == 20
    assert "at most 1.0 MB of results and downloads in memory" in page.error[0].value
    monkeypatch.delenv("EMOSENSE_MAX_SESSION_DOWNLOAD_MB")
    page.run()
    assert "20 faces in 20 photos" in texts(page)
    assert memory.held() > 2**20
    page.file_uploader(key="photo_uploads").set_value([]).run()
    assert memory.held() == 0
