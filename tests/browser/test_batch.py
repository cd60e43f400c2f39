import io
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from playwright.sync_api import expect
from support.app_server import running_server

pytestmark = pytest.mark.browser


def test_a_zip_of_photos_to_a_table_of_faces(server, page, astronaut_png):
    album = io.BytesIO()
    with zipfile.ZipFile(album, "w") as archive:
        for number in range(12):
            archive.writestr(f"{number:02}.png", astronaut_png)
    page.goto(f"{server}/batch")
    expect(page.get_by_text("Drop a few hundred photos")).to_be_visible()
    page.locator("input[type=file]").set_input_files(
        {"name": "album.zip", "mimeType": "application/zip", "buffer": album.getvalue()}
    )
    page.get_by_role("button", name="Analyse 12 photos").click()
    expect(page.get_by_text("album.zip: 12 faces in 12 photos")).to_be_visible()
    expect(page.get_by_role("img", name="face 1, happy")).to_have_count(12)
    with page.expect_download() as info:
        page.get_by_role("button", name="All as Parquet").click()
    assert info.value.suggested_filename == "emosense-batch.parquet"
    rows = pq.read_table(Path(info.value.path())).to_pylist()
    assert [row["file"] for row in rows] == [f"{number:02}.png" for number in range(12)]
    assert {row["emotion"] for row in rows} == {"happy"}
    # A job outlives a look at another page.
    page.get_by_role("link", name="About").click()
    expect(page.get_by_text("How reliable a prediction is")).to_be_visible()
    page.get_by_role("link", name="Batch").click()
    expect(page.get_by_text("album.zip: 12 faces in 12 photos")).to_be_visible()
    # A row opens its photo: the table is drawn on a canvas, its first row is below the header.
    table = page.get_by_test_id("stDataFrame").last
    table.scroll_into_view_if_needed()
    expect(table.get_by_test_id("glide-cell-1-0")).to_be_attached()  # it is drawn
    table.click(position={"x": 16, "y": 64})
    expect(page.get_by_role("img", name="00.png with boxes")).to_be_visible()
    # Other rows, no chosen one: not another face's photo in the chosen one's place.
    name = page.get_by_role("textbox", name="Photo's name contains")
    name.fill("07")
    name.press("Enter")
    expect(page.get_by_text("Choose a row to see its photo here")).to_be_visible()
    expect(page.get_by_role("img", name="with boxes")).to_have_count(0)
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.documentElement.scrollWidth <= 390")


def test_too_many_files_at_once_are_refused_beside_the_uploader(server, page):
    page.goto(f"{server}/batch")
    expect(page.get_by_text("Drop a few hundred photos")).to_be_visible()
    files = [
        {"name": f"{number}.png", "mimeType": "image/png", "buffer": b"1"} for number in range(1001)
    ]
    page.locator("input[type=file]").set_input_files(files)
    told = "Expected at most 1000 files at once. Received: 1001."
    expect(page.get_by_text(told).first).to_be_visible()


def drop(page, *files):
    page.locator("input[type=file]").set_input_files(
        [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in files]
    )


def test_what_was_analysed_or_left_makes_room_for_the_next_files(page, astronaut_png):
    """A page may hold 1 MB, which two photos have more than."""
    with running_server(EMOSENSE_MAX_SESSION_UPLOAD_MB="1") as url:
        page.goto(f"{url}/batch")
        for number in (1, 2):
            drop(page, (f"batch {number}.png", astronaut_png))
            page.get_by_role("button", name="Analyse 1 photo").click()
            expect(page.get_by_text(f"batch {number}.png: 1 face in 1 photo")).to_be_visible()
        drop(page, ("left.png", astronaut_png))
        expect(page.get_by_role("button", name="Analyse 1 photo")).to_be_visible()
        page.get_by_role("link", name="Photo").click()
        expect(page.get_by_role("button", name="Try a sample")).to_be_visible()
        drop(page, ("kept.png", astronaut_png))
        expect(page.get_by_role("img", name="kept.png, 1 face")).to_be_visible()


def test_files_of_a_drop_are_held_while_the_page_runs_between_them(page, server, astronaut_png):
    page.goto(f"{server}/batch")
    expect(page.get_by_text("Drop a few hundred photos")).to_be_visible()
    held = []

    def hold_second(route):
        if route.request.method == "PUT" and b"second.png" in route.request.post_data_buffer:
            held.append(route)
        else:
            route.continue_()

    page.route("**/_stcore/upload_file/**", hold_second)
    with page.expect_response(lambda response: "upload_file" in response.url):
        drop(page, ("first.png", astronaut_png), ("second.png", astronaut_png))
    page.get_by_role("button", name="Try a sample").click()  # the page runs
    expect(page.get_by_role("button", name="Analyse 8 photos")).to_be_visible()
    (route,) = held
    route.continue_()
    page.get_by_role("button", name="Analyse 2 photos").click()
    expect(page.get_by_text("2 faces in 2 photos")).to_be_visible()
