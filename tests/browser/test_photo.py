import csv
import io
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser


def upload(page, *files):
    page.locator("input[type=file]").set_input_files(
        [{"name": n, "mimeType": m, "buffer": b} for n, m, b in files]
    )


def download(page, name):
    with page.expect_download() as info:
        page.get_by_role("button", name=name).click()
    return info.value.suggested_filename, Path(info.value.path()).read_bytes()


def test_upload_see_a_happy_face_and_download_everything(server, page, astronaut_png):
    page.goto(server)
    expect(page.get_by_text("Drop one or many photos above")).to_be_visible()
    upload(page, ("eileen.png", "image/png", astronaut_png))
    expect(page.get_by_text("1. happy")).to_be_visible()
    expect(page.get_by_text("2. ")).to_have_count(0)
    picture = page.get_by_role("img", name="eileen.png, 1 face: 1 happy")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") == 512
    name, data = download(page, "All faces as CSV")
    assert name == "emosense.csv"
    (row,) = csv.DictReader(io.StringIO(data.decode("utf-8-sig")))
    assert row["source"] == "eileen.png"
    assert row["emotion"] == "happy"
    name, data = download(page, "Annotated photo (PNG)")
    assert name == "eileen-emosense.png"
    assert data.startswith(b"\x89PNG")
    name, data = download(page, "All faces as JSON")
    assert b'"happy"' in data
    page.get_by_role("button", name="Why?").click()
    expect(page.get_by_role("img", name="What speaks for happy")).to_be_visible()
    expect(page.get_by_role("button", name="Why?")).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 844})  # a phone's: nothing is cut off sideways
    page.wait_for_function("() => document.documentElement.scrollWidth <= 390")


def test_a_look_at_another_page_loses_nothing(server, page, astronaut_png):
    page.goto(server)
    model = page.get_by_role("combobox", name="Model")
    expect(model).to_be_visible()
    model.click()
    page.get_by_role("option", name="EmoSense S").click()
    upload(page, ("eileen.png", "image/png", astronaut_png))
    expect(page.get_by_text("classified by the model emosense-s")).to_be_visible()
    for _ in range(2):
        page.get_by_role("link", name="About").click()
        expect(page.get_by_text("How reliable a prediction is")).to_be_visible()
        page.get_by_role("link", name="Photo", exact=True).click()
        expect(page.get_by_text("classified by the model emosense-s")).to_be_visible()
        expect(page.get_by_text("1. happy")).to_have_count(1)
    upload(page, ("second.png", "image/png", astronaut_png))
    expect(page.get_by_text("2 faces in 2 photos")).to_be_visible()
    page.get_by_role("button", name="Remove 1 earlier photo").click()
    expect(page.get_by_role("img", name="second.png, 1 face: 1 happy")).to_be_visible()
    expect(page.get_by_role("img", name="eileen.png, 1 face: 1 happy")).to_have_count(0)


def test_bad_file_is_told_and_the_page_lives_on(server, page, astronaut_png):
    page.goto(server)
    upload(
        page,
        ("notes.jpg", "image/jpeg", b"this is no photo"),
        ("eileen.png", "image/png", astronaut_png),
    )
    expect(page.get_by_text("Expected a photo")).to_be_visible()
    expect(page.get_by_text("1. happy")).to_be_visible()


def test_keyboard_reaches_the_sample(server, page):
    page.goto(server)
    button = page.get_by_role("button", name="Try a sample")
    expect(button).to_be_visible()
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1. happy")).to_be_visible()


def test_all_photos_in_one_archive(server, page, astronaut_png):
    page.goto(server)
    expect(page.get_by_text("Drop one or many photos above")).to_be_visible()
    upload(
        page,
        ("eileen.png", "image/png", astronaut_png),
        ("eileen.png", "image/png", astronaut_png + b"\n"),
        ("clip.mp4", "video/mp4", b"\x00\x00\x00\x20ftypisom" + bytes(99)),
    )
    expect(page.get_by_text("2 faces in 2 photos")).to_be_visible()
    link = page.get_by_role("link", name="Open the Video page")
    expect(link).to_be_visible()
    name, data = download(page, "All photos with boxes (zip)")
    assert name == "emosense.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == [
            "emosense.csv",
            "eileen-emosense.jpg",
            "eileen-2-emosense.jpg",
        ]
        assert archive.read("eileen-emosense.jpg").startswith(b"\xff\xd8\xff")
        rows = list(csv.DictReader(io.StringIO(archive.read("emosense.csv").decode("utf-8-sig"))))
    assert [row["emotion"] for row in rows] == ["happy", "happy"]
    link.click()
    expect(page.get_by_text("Drop a video above")).to_be_visible()
