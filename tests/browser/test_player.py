"""The player draws the analysis of the very frame that is shown: a number in each frame tells."""

import json

import pytest
from playwright.sync_api import expect
from support.counted_clips import FORMS, HEIGHT, PREVIEWED, READ, WIDTH, write_counted
from support.player_page import player_server

from emosense import Analyzer
from emosense.media.browser_playback import browser_media_type
from emosense.media.video_reader import VideoReader
from emosense.settings import VideoLimits
from emosense.ui.player.clips import Clip, clips
from emosense.video.options import VideoOptions
from emosense.video.transcoder import VideoTranscoder

pytestmark = pytest.mark.browser

WATCH = f"""
() => {{
  const read = {READ};
  const video = document.querySelector("video");
  const overlay = document.querySelector("canvas.overlay");
  const numbers = new Map();
  const drawn = new Map();
  new MutationObserver(() => {{
    const {{ mediaTime, frame }} = overlay.dataset;
    drawn.set(Math.round(1e6 * mediaTime), frame);
  }}).observe(overlay, {{ attributes: true, attributeFilter: ["data-media-time"] }});
  const onFrame = () => {{
    const picture = new VideoFrame(video); // it knows its own time, whatever comes next meanwhile
    numbers.set(picture.timestamp, read(picture));
    picture.close();
    video.requestVideoFrameCallback(onFrame);
  }};
  video.requestVideoFrameCallback(onFrame);
  window.taken = () => {{
    const pairs = [...drawn].filter(([time]) => numbers.has(time)).map(([time, frame]) => [numbers.get(time), frame]);
    drawn.clear();
    numbers.clear();
    return pairs;
  }};
}}
"""


@pytest.fixture(scope="module")
def players():
    with player_server() as url:
        yield url


@pytest.fixture(scope="module")
def analyzer():
    return Analyzer("cnn4")


def shown(path):
    """The file that the player gets of a clip: itself, or its preview; with its media type."""
    with VideoReader(path) as reader:
        media_type = browser_media_type(reader.form)
    if media_type is not None:
        return path, media_type
    preview = path.with_name("preview.mp4")
    with VideoTranscoder(path, preview, VideoLimits(long_side=1280)) as transcoder:
        assert len(list(transcoder)) > 0
    return preview, "video/mp4"


def opened(page, players, path, analyzer, per_second=None):
    """Show a clip with its analysis; return the result."""
    with analyzer.video(path, VideoOptions(per_second=per_second)) as analysis:
        result = analysis.finish()
    address = clips.add(Clip(*shown(path), lambda: result.frames, lambda: True))
    rate = result.info.frames_per_second or 25.0
    data = {"address": address, "width": WIDTH, "height": HEIGHT, "framesPerSecond": rate}
    page.goto(f"{players}/?data={json.dumps(data)}")
    expect(page.locator(".player")).to_have_attribute("data-frames", str(len(result.frames)))
    page.wait_for_function("() => document.querySelector('video').readyState >= 2")
    return result


def drawn_and_shown(page, first):
    """The numbers of the frames that were shown, after a look at what was drawn on them."""
    pairs = page.evaluate("() => window.taken()")
    assert [(n, frame) for n, frame in pairs if frame != str(n - first)] == []
    return {number for number, _ in pairs}


def seek(page, share):
    """Go to a moment, and wait until its frame is shown and drawn upon."""
    page.evaluate(
        "async (share) => { const v = document.querySelector('video');"
        " const shown = new Promise((resolve) => v.requestVideoFrameCallback(resolve));"
        " v.currentTime = share * v.duration; await shown;"
        " await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame) }",
        share,
    )


@pytest.mark.parametrize("form", [*FORMS, *PREVIEWED])
def test_the_result_drawn_is_of_the_frame_sought(form, page, players, analyzer, tmp_path):
    """Whatever a form's times are: where they start, how far apart they are, what is left out."""
    path = write_counted(tmp_path / "clip.mp4", form)
    assert (shown(path)[0] == path) == (form in FORMS)
    result = opened(page, players, path, analyzer)
    first = 10 if form == "edit list" else 0
    assert len(result.frames) == 40 - first
    page.evaluate(WATCH)
    for share in (0.9, 0.6, 0.97, 0.7, 0.82, 0.25, 0.41, 0.13, 0.02):
        seek(page, share)
    assert len(drawn_and_shown(page, first)) >= 5


@pytest.mark.parametrize("form", ["B-frames", "variable rate", "open GOP in TS"])
def test_the_result_drawn_is_of_the_frame_played(form, page, players, analyzer, tmp_path):
    """At a quarter of its speed: of every frame, also where frames are far apart or previewed."""
    opened(page, players, write_counted(tmp_path / "clip.mp4", form), analyzer)
    page.evaluate(WATCH)
    page.evaluate(
        "() => { const v = document.querySelector('video'); v.muted = true; v.playbackRate = .25; v.play() }"
    )
    page.wait_for_function("() => document.querySelector('video').ended")
    assert len(drawn_and_shown(page, first=0)) > 20


def test_what_comes_after_a_player_has_left_is_not_drawn(page, players, analyzer, tmp_path):
    """Its clip's last answers may be on their way when another page is opened."""
    opened(page, players, write_counted(tmp_path / "clip.mp4", "B-frames"), analyzer)
    faults = []
    page.on("pageerror", lambda error: faults.append(error))
    page.evaluate("() => { window.stop(); return window.player.load() }")
    page.evaluate("() => window.player.redraw()")
    assert page.locator(".player > *").count() == 0
    assert faults == []
