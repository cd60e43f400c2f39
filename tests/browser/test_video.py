import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from support.app_server import running_server, started_server
from support.gates import Gate, gated_environment
from support.synthetic_video import ORIENTATIONS, head, pasted, show_by, wall, write_clip
from support.waiting import wait_until

from emosense.media.video_reader import VideoReader

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def clip(astronaut, tmp_path_factory):
    frames = [pasted(wall(), (head(astronaut), 150 + 3 * i, 180)) for i in range(80)]
    return write_clip(tmp_path_factory.mktemp("browser") / "clip.mp4", frames, sound=True)


def mirrored(clip, path):
    path.write_bytes(clip.read_bytes())
    return show_by(path, *ORIENTATIONS["mirrored"][1])


def test_upload_a_clip_see_its_timeline_and_play_it(server, page, clip):
    page.goto(f"{server}/video")
    expect(page.get_by_text("Drop a video above")).to_be_visible()
    page.locator("input[type=file]").set_input_files(clip)
    expect(page.get_by_text("640 x 360 · 3.2 s")).to_be_visible()
    page.get_by_role("button", name="Analyse", exact=True).click()
    expect(page.get_by_text("frames analysed of 80")).to_be_visible()
    chart = page.get_by_test_id("stPlotlyChart").first
    expect(chart.locator(".main-svg").first).to_be_visible()
    video = page.locator("video")
    playing = video.element_handle()
    page.wait_for_function("(v) => v.readyState >= 3", arg=playing)
    assert video.evaluate("v => v.duration") == pytest.approx(3.2, abs=0.1)
    assert video.evaluate("v => [v.videoWidth, v.videoHeight]") == [640, 360]
    with page.expect_download() as info:
        page.get_by_role("button", name="CSV", exact=True).click()
    assert info.value.suggested_filename == "clip-emosense.csv"
    rows = list(csv.DictReader(io.StringIO(Path(info.value.path()).read_text())))
    assert len(rows) == 32
    assert {row["person"] for row in rows} == {"1"}
    video.evaluate("v => { v.muted = true; return v.play() }")
    page.wait_for_function("(v) => v.currentTime > 0.3", arg=playing)
    # The canvas above it draws the person, whatever frame is shown; a press on a moment goes there.
    overlay = page.locator("canvas.overlay")
    expect(overlay).to_have_attribute("data-faces", re.compile('"person":1,"verdict":"happy"'))
    page.get_by_role("button", name="Play or pause (Space)").click()
    page.wait_for_function("(v) => v.paused", arg=playing)
    moment = page.get_by_role("img", name="Person 1, happy")
    expect(moment).to_be_visible()
    moment.click()
    expect(overlay).to_have_attribute("data-frame", re.compile(r"\d+"))  # it was analysed
    # By keyboard: a frame on, and to the end.
    timeline = page.get_by_role("slider", name="Time")
    timeline.press("End")
    expect(timeline).to_have_attribute("aria-valuenow", re.compile(r"3\.[12]"))
    timeline.press("Home")
    expect(overlay).to_have_attribute("data-frame", "0")
    timeline.press("ArrowRight")
    expect(overlay).to_have_attribute("data-media-time", re.compile(r"0\.04"))
    # Leaving the page and coming back loses nothing.
    page.get_by_role("link", name="Models").click()
    expect(page.get_by_text("Headline metrics")).to_be_visible()
    page.get_by_role("link", name="Video", exact=True).click()
    expect(page.get_by_text("frames analysed of 80")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})  # a phone's: nothing is cut off sideways
    page.wait_for_function("() => document.documentElement.scrollWidth <= 390")


def test_a_preview_and_the_video_with_boxes_are_made_beside_the_page(chromium, tmp_path, astronaut):
    frames = [pasted(wall(), (head(astronaut), 150 + 3 * i, 180)) for i in range(30)]
    path = write_clip(tmp_path / "old.avi", frames, codec="mpeg4", sound=True)
    gates = tmp_path / "gates"
    gates.mkdir()
    environment = gated_environment(gates)
    with started_server("support.gated", **environment) as server, Gate(gates, "encoding") as gate:
        page = chromium.new_context().new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{server.url}/video")
        page.locator("input[type=file]").set_input_files(path)
        page.get_by_role("button", name="Analyse", exact=True).click()
        gate.wait()
        expect(page.get_by_text("A preview for the browser is being made").first).to_be_visible()
        expect(page.get_by_role("button", name="Do without a preview")).to_be_visible()
        gate.open()
        expect(page.get_by_text("frames analysed of 30")).to_be_visible()
        video = page.locator("video")
        page.wait_for_function("(v) => v.readyState >= 3", arg=video.element_handle())
        assert video.evaluate("v => [v.videoWidth, v.videoHeight]") == [640, 360]
        overlay = page.locator("canvas.overlay")
        expect(overlay).to_have_attribute("data-faces", re.compile('"person":1,"verdict":"happy"'))
        page.get_by_role("button", name="Make the video with boxes").click()
        with page.expect_download() as info:
            page.get_by_role("button", name="Video with boxes", exact=True).click()
        assert info.value.suggested_filename == "old-emosense.mp4"
        with VideoReader(info.value.path()) as reader:
            assert (reader.info.width, reader.info.audio) == (640, True)
            assert sum(1 for _ in reader.frames()) == 30
        page.context.close()


def test_nothing_stays_on_disk_when_the_browser_leaves(chromium, clip, tmp_path):
    environment = {"TMPDIR": str(tmp_path), "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "3"}
    with running_server(**environment) as url:
        context = chromium.new_context()
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.goto(f"{url}/video")
        page.locator("input[type=file]").set_input_files(mirrored(clip, tmp_path / "a.mp4"))
        page.get_by_role("button", name="Analyse", exact=True).click()
        expect(page.get_by_text("frames analysed of 80")).to_be_visible()
        (spool,) = tmp_path.glob("emosense-*")
        expect(page.locator("video")).to_be_visible()  # once its preview is there
        page.get_by_role("button", name="Make the video with boxes").click()
        expect(page.get_by_role("button", name="Video with boxes", exact=True)).to_be_visible()
        names = {path.name for path in spool.glob("*/*")}
        assert names == {"video", "preview.mp4", "annotated-1.mp4"}
        context.close()
        wait_until(lambda: not list(spool.glob("*/")), lambda: list(spool.rglob("*")), timeout=120)
    assert not spool.exists()  # nor of the server, once it has ended
