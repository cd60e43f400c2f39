"""The player draws the analysis of the very frame that is shown: a number in each frame tells."""

import json

import pytest
from playwright.sync_api import expect
from support.counted_clips import FORMS, HEIGHT, PREVIEWED, READ, WIDTH, write_counted
from support.player_page import player_server
from support.waiting import wait_until

from emosense import Analyzer
from emosense.media.browser_playback import browser_media_type
from emosense.media.video_reader import VideoReader
from emosense.results import FrameResult
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


def asked_for(page, players, path, analyzer, per_second=None):
    """Show a clip with its analysis, maybe before its first picture; return the result."""
    with analyzer.video(path, VideoOptions(per_second=per_second)) as analysis:
        result = analysis.finish()
    address = clips.add(Clip(*shown(path), lambda: result.frames, lambda: True))
    rate = result.info.frames_per_second or 25.0
    data = {"address": address, "width": WIDTH, "height": HEIGHT, "framesPerSecond": rate}
    page.goto(f"{players}/?data={json.dumps(data)}")
    expect(page.locator(".player")).to_have_attribute("data-frames", str(len(result.frames)))
    return result


def opened(page, players, path, analyzer, per_second=None):
    """Show a clip with its analysis; return the result."""
    result = asked_for(page, players, path, analyzer, per_second)
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


SHOWN = f"""
() => {{
  const video = document.querySelector("video");
  if (video.readyState < 2 || video.seeking || window.player.steps?.isRunning) return null;
  const picture = new VideoFrame(video);
  const number = ({READ})(picture);
  picture.close();
  return [number, document.querySelector("canvas.overlay").dataset.frame];
}}
"""
"""The number of the picture that is shown, and that of the frame whose result is drawn; null on the way."""


def wait_until_shown(page, condition, frame="frame"):
    """Wait until a picture is shown that fits, with the result of its frame, unless another is named."""
    page.wait_for_function(
        f"() => {{ const shown = ({SHOWN})(); if (!shown) return false;"
        f" const [number, frame] = shown; return ({condition}) && String(number) === {frame} }}"
    )


class Withheld:
    """Clips that the server does not send before it is told to."""

    def __init__(self, page):
        self.routes, self.holds = [], True
        page.route(
            "**/video", lambda route: self.routes.append(route) if self.holds else route.continue_()
        )

    def send(self):
        self.holds = False
        for route in self.routes:
            route.continue_()


@pytest.mark.parametrize("form", ["B-frames", "start offset", "late picture", "variable rate"])
def test_a_moment_that_is_sought_before_the_first_picture_is_shown_after_it(
    form, page, players, analyzer, tmp_path
):
    """A slow network: where the first frame lies in the browser's time is not known yet."""
    withheld = Withheld(page)
    asked_for(page, players, write_counted(tmp_path / "clip.mp4", form), analyzer)
    page.locator("canvas.timeline").click(position={"x": 400, "y": 60})
    wait_until(lambda: withheld.routes)
    withheld.send()
    wait_until_shown(page, "number > 10")
    page.locator("canvas.timeline").focus()
    page.keyboard.press("Home")
    wait_until_shown(page, "number === 0")


def test_a_moment_that_is_sought_is_shown_by_browsers_that_spare_data(
    page, players, analyzer, tmp_path
):
    """Safari on iOS shows no picture before it plays; Chromium does so where nothing is loaded before."""

    def spared(route):
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace('"auto"', '"none"'))

    page.route("**/player.js", spared)
    asked_for(page, players, write_counted(tmp_path / "clip.mp4", "late picture"), analyzer)
    assert page.evaluate("() => document.querySelector('video').readyState") == 0
    page.locator("canvas.timeline").click(position={"x": 400, "y": 60})
    wait_until_shown(page, "number > 10")
    assert page.evaluate(
        "() => { const v = document.querySelector('video'); return [v.paused, v.muted] }"
    ) == [True, False]


def test_pictures_that_were_missed_shift_nothing(page, players, analyzer, tmp_path):
    """A clip that plays before its first picture, while the page is busy with something else."""
    page.add_init_script(
        "const { prototype } = HTMLVideoElement; const own = prototype.requestVideoFrameCallback;"
        "prototype.requestVideoFrameCallback = function (tell) { const onFrame = (now, frame) =>"
        " frame.presentedFrames < 5 ? own.call(this, onFrame) : tell.call(this, now, frame);"
        " return own.call(this, onFrame) }"
    )
    withheld = Withheld(page)
    asked_for(page, players, write_counted(tmp_path / "clip.mp4", "start offset"), analyzer)
    page.locator("canvas.timeline").focus()
    page.evaluate("() => { document.querySelector('video').muted = true }")
    page.keyboard.press("k")
    withheld.send()
    page.wait_for_function("() => document.querySelector('video').ended")
    wait_until_shown(page, "number === 39")


@pytest.mark.parametrize("per_second", [None, 5], ids=["all frames", "few frames"])
@pytest.mark.parametrize("form", ["variable rate", "29.97", "edit list"])
def test_steps_go_from_frame_to_frame(form, per_second, page, players, analyzer, tmp_path):
    """Whatever frames last, and whether it is known."""
    opened(page, players, write_counted(tmp_path / "clip.mp4", form), analyzer, per_second)
    first = 10 if form == "edit list" else 0
    frame = "frame" if per_second is None and first == 0 else "String(number)"
    page.locator("canvas.timeline").focus()
    numbers = range(first + 1, 40)
    for number in numbers:
        page.keyboard.press("ArrowRight")
        wait_until_shown(page, f"number === {number}", frame)
    page.keyboard.press("ArrowRight")  # there is none
    wait_until_shown(page, "number === 39", frame)
    for number in reversed([first, *numbers][:-1]):
        page.keyboard.press("ArrowLeft")
        wait_until_shown(page, f"number === {number}", frame)


def test_steps_that_come_fast_are_all_made(page, players, analyzer, tmp_path):
    opened(page, players, write_counted(tmp_path / "clip.mp4", "variable rate"), analyzer, 5)
    page.locator("canvas.timeline").focus()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
    wait_until_shown(page, "number === 12", "String(number)")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Home")  # what is pressed last counts
    wait_until_shown(page, "number === 0")


def test_a_stretch_ends_with_the_frame_that_is_shown(page, players, analyzer, tmp_path):
    """However long that one lasts."""
    result = opened(page, players, write_counted(tmp_path / "clip.mp4", "variable rate"), analyzer)
    page.locator("canvas.timeline").focus()
    for number in range(1, 6):
        page.keyboard.press("ArrowRight")
        wait_until_shown(page, f"number === {number}")
        page.keyboard.press("]")
        end = page.evaluate("() => window.player.selection.end")
        assert end == pytest.approx(result.frames[number + 1].time, abs=1e-5)


def test_steps_of_a_recording_go_from_answer_to_answer(page, players):
    """A camera's, without pictures: its answers come when they come."""
    times = (0.0, 0.02, 0.3, 0.31, 0.7)
    frames = [FrameResult(i, time, ()) for i, time in enumerate(times)]
    data = {
        "address": clips.add(Clip(None, "", lambda: frames, lambda: True)),
        **{"width": 10, "height": 10, "framesPerSecond": 10, "duration": 1, "hasVideo": False},
    }
    page.goto(f"{players}/?data={json.dumps(data)}")
    expect(page.locator(".player")).to_have_attribute("data-frames", "5")
    page.locator("canvas.timeline").focus()
    for key, steps in (("ArrowRight", (1, 2, 3, 4)), ("ArrowLeft", (3, 2, 1, 0))):
        for at in steps:
            page.keyboard.press(key)
            page.wait_for_function(
                "(at) => window.player.frames.last(window.player.time) === at", arg=at
            )
