"""A folder of labelled photos, as a visitor brings it to the Models page."""

import io

import pandas as pd
import pytest
from playwright.sync_api import expect
from support.labelled_photos import labelled_photos

pytestmark = pytest.mark.browser


def test_a_folder_of_labelled_photos(server, page, tmp_path):
    photos = labelled_photos(per_class=2)
    for name, photo in photos.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo)
    page.goto(f"{server}/models?view=own")
    expect(page.locator("input[type=file][accept*='.csv']")).to_be_attached()
    page.get_by_role("radio", name="a folder").click()
    folder = page.locator("input[type=file][webkitdirectory]")
    folder.set_input_files(tmp_path / "my set")
    expect(page.get_by_text("left out unless you choose an emotion below: grumpy")).to_be_visible()
    for network in ("8L CNN, tuned", "10L CNN, fixed", "EmoSense S"):
        page.get_by_role("button", name=network, exact=True).click()
    page.get_by_role("button", name="on 13 photos").click()
    expect(page.get_by_role("heading", name="my set: 11 labelled faces")).to_be_visible()
    counts = "one face: 10 · several faces: 1 · no face: 1 · not readable: 1 · class left out: 4"
    expect(page.get_by_text(counts)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="All photos and answers as CSV").click()
    table = pd.read_csv(io.BytesIO(download.value.path().read_bytes()))
    assert sorted(table.file) == sorted(name for name in photos if "/" in name)
    # The images behind it, and one of them with the reason of its answer.
    page.get_by_role("button", name="Images", exact=True).last.click()
    expect(page.get_by_text("11 images, the most confident mistakes")).to_be_visible()
    images = page.get_by_test_id("stDataFrame").first
    expect(images.get_by_test_id("glide-cell-1-0")).to_be_attached()  # it is drawn
    images.click(position={"x": 16, "y": 64})
    expect(page.get_by_role("img", name="labelled")).to_be_visible()
    page.get_by_role("button", name="Why?").click()
    expect(page.get_by_role("img", name="What speaks for")).to_be_visible()
    # Back and forth, and on a phone.
    page.go_back()
    expect(page.get_by_role("heading", name="my set: 11 labelled faces")).to_be_visible()
    page.go_forward()
    expect(page.get_by_text("11 images, the most confident mistakes")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.documentElement.scrollWidth <= 390")
    # A reload is a new session: what was private is gone, and the link says so.
    page.reload()
    expect(page.get_by_text("own-1")).to_be_visible()
