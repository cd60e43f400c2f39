"""Pages through Streamlit's own test harness, with the real inference process."""

from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from helpers import encoded, texts
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def page():
    app = AppTest.from_file(str(ROOT / "pages" / "photo.py"), default_timeout=180)
    app.run()
    assert not app.exception
    return app


def upload(app, *files):
    app.file_uploader(key="photo_uploads").set_value([(n, d, m) for n, d, m in files])
    app.run()
    assert not app.exception
    return texts(app)


def test_a_wrong_setting_is_told(monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_PHOTOS", "many")
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()
    assert not app.exception
    (error,) = app.error
    assert "EMOSENSE_MAX_PHOTOS: expected a number above 0. Received: 'many'" in error.value


def test_empty_state_explains(page):
    assert "Drop one or many photos above" in texts(page)
    assert page.title[0].value == "What does a face express?"
    picker = page.selectbox(key="photo_model")
    assert picker.value == "cnn8"
    assert any("8L CNN · 62." in option and "MFLOPs" in option for option in picker.options)


def test_sample(page):
    page.button(key="photo_sample_button").click().run()
    assert not page.exception
    told = texts(page)
    assert "**1. happy**" in told
    assert "NASA" in told
    assert "YuNet (" in told


def test_upload_of_one(page, astronaut_png):
    told = upload(page, ("eileen.png", astronaut_png, "image/png"))
    assert "**1. happy**" in told
    assert not page.error


def test_many_with_a_bad_one_between(page, astronaut_png, astronaut):
    wall = encoded(np.full((200, 300, 3), 90, np.uint8), "PNG")
    told = upload(
        page,
        ("a.png", astronaut_png, "image/png"),
        ("broken_*.jpg", encoded(astronaut, "JPEG")[:2000], "image/jpeg"),
        ("wall.png", wall, "image/png"),
    )
    assert "1 face in 3 photos" in told
    assert "**1. happy**" in told
    assert "No face found" in told
    assert r"broken\_\*.jpg" in page.error[0].value
    assert "damaged or cut off" in page.error[0].value
    summary = page.dataframe[0].value
    assert summary["emotions"].tolist() == ["1 happy", "not analysed", "none"]


@pytest.fixture
def small_model(small_run, monkeypatch):
    """The model made in the tests, in an inference process that knows it."""
    monkeypatch.setenv("EMOSENSE_MODELS", str(small_run / "models"))
    st.cache_resource.clear()
    yield
    st.cache_resource.clear()


def test_an_unsure_answer_and_why(astronaut_png, small_model):
    app = AppTest.from_file(str(ROOT / "pages" / "photo.py"), default_timeout=180).run()
    app.selectbox(key="photo_model").set_value("tiny").run()
    told = upload(app, ("a.png", astronaut_png, "image/png"))
    assert "**1. unsure**" in told
    assert "It is never sure" in told
    app.selectbox(key="photo_model").set_value("cnn8").run()
    assert "**1. happy**" in texts(app)
    app.button(key="why_0-1").click().run()
    assert not app.exception
    assert "What speaks for happy: " in texts(app)
    assert not [button for button in app.button if button.key == "why_0-1"]


def test_options_reach_the_detector(page, astronaut_png):
    page.slider(key="photo_min_face").set_value(150)
    assert "No face found" in upload(page, ("a.png", astronaut_png, "image/png"))


def test_too_many_photos_are_cut_with_a_message(page, astronaut_png, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_PHOTOS", "1")
    files = [(f"{i}.png", astronaut_png, "image/png") for i in range(2)]
    told = upload(page, *files)
    assert "Expected at most 1 photos at a time. Received: 2" in told


def test_without_models_the_page_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("emosense.networks.registry.model_folders", lambda: (tmp_path,))
    app = AppTest.from_file(str(ROOT / "pages" / "photo.py"), default_timeout=60).run()
    assert not app.exception
    assert "git checkout -- models" in app.error[0].value


def test_responsible_use_shows_the_cards_error_rates():
    from emosense.networks.registry import find_model

    app = AppTest.from_file(str(ROOT / "pages" / "responsible.py"), default_timeout=60).run()
    assert not app.exception
    assert app.title[0].value == "Responsible use"
    told = texts(app)
    for word in ("Article 5(1)(f)", "medical or safety", "not a feeling", "leaves the machine"):
        assert word in told
    table = app.dataframe[0].value.set_index("model")
    test = find_model("cnn8").card.metrics["PrivateTest"]
    assert table.loc["8L CNN", "all"] == pytest.approx(1 - test["accuracy"], abs=0.005)
    fear = 1 - test["per_class"]["fear"]["recall"]
    assert table.loc["8L CNN", "fear"] == pytest.approx(fear, abs=0.005)


def test_about():
    app = AppTest.from_file(str(ROOT / "pages" / "about.py"), default_timeout=60).run()
    assert not app.exception
    assert "trained with `emosense train cnn8" in texts(app)


def test_every_page_links_to_responsible_use_and_asks_for_a_login_where_it_is_wanted(monkeypatch):
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
