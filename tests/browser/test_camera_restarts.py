"""The camera's ends and beginnings: pressed twice, lost, replaced; off means off."""

import json
import re

import pytest
from playwright.sync_api import expect
from support.camera_page import start, wait_for_answers
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

pytestmark = pytest.mark.browser

HOLD = "() => { window.isHeld = true }"
ALLOW = "() => window.allow()"


def toggle(page):
    """The button that starts and stops."""
    return page.locator(".camera button.primary")


def wait_until_asked(page, count=1):
    page.wait_for_function("(count) => window.held.length === count", arg=count)


def wait_until_off(page, streams):
    """Wait until the browser gave so many streams and none is live, and no connection is open."""
    page.wait_for_function(
        "(count) => window.streams.length === count && !window.liveStreams() && !window.openSockets()",
        arg=streams,
    )
    expect(page.locator(".camera .idle")).to_be_visible()
    expect(page.locator(".sign")).to_be_hidden()
    expect(page.locator(".picture")).to_have_attribute("aria-label", "Camera")  # and nobody on it


def start_recording(page):
    """Start the camera and record three answers."""
    start(page)
    page.get_by_role("button", name="Record").click()
    expect(page.locator(".sign")).to_contain_text("recording numbers")
    wait_for_answers(page, 3)


def test_a_camera_that_is_given_after_stop_is_given_back(server, open_camera):
    page = open_camera(server)
    page.evaluate(HOLD)
    page.get_by_role("button", name="Start").click()
    wait_until_asked(page)
    toggle(page).click()
    page.evaluate(ALLOW)
    wait_until_off(page, streams=1)
    expect(toggle(page)).to_have_text("Start")
    expect(page.locator(".camera .status")).to_have_text("")
    start(page)
    wait_for_answers(page)


def test_a_double_click_starts_one_camera(server, open_camera):
    page = open_camera(server)
    page.evaluate(HOLD)
    page.get_by_role("button", name="Start").dblclick()
    wait_until_asked(page)
    page.evaluate(ALLOW)
    wait_for_answers(page)
    assert page.evaluate("() => [window.streams.length, window.sockets.length]") == [1, 1]
    toggle(page).dblclick()
    wait_until_off(page, streams=1)
    expect(toggle(page)).to_have_text("Start")


def test_another_device_while_the_camera_starts_leaves_one_camera(server, open_camera):
    page = open_camera(server)
    page.evaluate(HOLD)
    page.get_by_role("button", name="Start").click()
    wait_until_asked(page)
    change = "(devices) => devices.dispatchEvent(new Event('change'))"
    page.locator(".camera select[aria-label=Camera]").evaluate(change)
    wait_until_asked(page, 2)
    page.evaluate(ALLOW)
    wait_for_answers(page)
    page.wait_for_function("() => window.streams.length === 2")
    assert page.evaluate("() => [window.liveStreams(), window.openSockets()]") == [1, 1]
    toggle(page).click()
    wait_until_off(page, streams=2)


def test_a_start_that_is_over_says_nothing(server, open_camera):
    """The browser refuses after Stop was pressed."""
    page = open_camera(server, permissions=())
    page.evaluate(HOLD)
    page.get_by_role("button", name="Start").click()
    wait_until_asked(page)
    toggle(page).click()
    page.evaluate(ALLOW)
    page.wait_for_function("() => window.refusals === 1")
    expect(page.locator(".camera .status")).to_have_text("")
    expect(toggle(page)).to_have_text("Start")


def test_a_camera_goes_on_after_its_connection_was_lost(server, open_camera):
    """Nothing reaches the server any more, so that it counts the old connection when the new one comes."""
    page = open_camera(server)
    start_recording(page)
    page.evaluate("() => window.sockets[0].cut()")
    page.wait_for_function("() => window.sockets[0].unsent > 0")
    page.evaluate("() => window.skip(11_000)")
    page.wait_for_function("() => window.sockets.length === 2")
    expect(page.locator(".camera .status")).to_contain_text("recorded until then is below")
    wait_for_answers(page)
    expect(page.get_by_text("numbers only")).to_be_visible()
    assert page.evaluate("() => [window.liveStreams(), window.sockets.length]") == [1, 2]


def test_what_was_recorded_until_stop_is_shown(server, open_camera):
    """The server hears of it after the frame that it has: the page waits for its word."""
    page = open_camera(server)
    start_recording(page)
    page.evaluate("() => window.sockets[0].hold()")
    toggle(page).click()
    expect(page.locator(".camera .idle")).to_be_visible()
    assert page.evaluate("() => window.liveStreams()") == 0
    page.evaluate("() => window.sockets[0].release()")
    expect(page.get_by_text("numbers only")).to_be_visible()
    wait_until_off(page, streams=1)


def test_the_newest_connection_has_the_camera_and_the_older_one_says_so(server, open_camera):
    page = open_camera(server)
    start(page)
    address = page.evaluate("() => window.sockets[0].url")
    cookies = "; ".join(f"{c['name']}={c['value']}" for c in page.context.cookies())
    with connect(address, additional_headers={"Cookie": cookies}) as script:
        assert json.loads(script.recv(timeout=60))["recording"] is False
        expect(page.locator(".camera .status")).to_contain_text("connected once more")
        wait_until_off(page, streams=1)
        assert page.evaluate("() => window.sockets.length") == 1  # it does not fight back
        start(page)
        wait_for_answers(page)
        with pytest.raises(ConnectionClosed) as closing:
            script.recv(timeout=60)
        assert closing.value.rcvd.code == 4000


def choose(page, model):
    page.get_by_role("combobox", name="Model").click()
    page.get_by_role("option", name=model).click()


def test_another_network_ends_the_recording_and_what_was_relative(server, open_camera):
    page = open_camera(server, "camera?model=emosense-s")
    start(page)
    wait_for_answers(page, 3)
    neutral = page.get_by_role("button", name="Relative to my neutral")
    neutral.click()
    expect(neutral).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".bars")).to_contain_text("Person 1: neutral")
    page.get_by_role("button", name="Record").click()
    expect(page.locator(".sign")).to_contain_text("recording numbers")
    wait_for_answers(page, 3)
    choose(page, "8L CNN, tuned")
    expect(neutral).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".bars")).to_contain_text("Person 1: happy")
    expect(page.get_by_text("numbers only")).to_be_visible()
    expect(page.locator(".sign")).to_have_text("● Camera on")
    expect(page.locator(".camera .status")).to_contain_text("Another network answers now")
    page.locator("details.exports summary").click()
    with page.expect_download() as download:
        page.locator("[data-export=json]").click()
    assert json.loads(download.value.path().read_text())["model"] == "emosense-s"
    wait_for_answers(page)


@pytest.mark.parametrize("is_updated", [False, True])
def test_a_camera_ends_with_its_page(server, open_camera, is_updated):
    """Also after the page has run again."""
    page = open_camera(server, "camera?model=emosense-s")
    start(page)
    if is_updated:
        choose(page, "4L CNN")
        expect(page).to_have_url(re.compile("model=cnn4"))
        wait_for_answers(page)
    page.get_by_role("link", name="About").click()
    expect(page.get_by_text("How reliable a prediction is")).to_be_visible()
    page.wait_for_function("() => !window.liveStreams() && !window.openSockets()")


def test_less_is_sent_while_answers_take_long(server, open_camera):
    page = open_camera(server)
    page.evaluate("() => { window.delay = 500 }")
    start(page)
    page.wait_for_function("() => window.widths.includes(480)")
    expect(page.locator("[data-role=rate]")).to_contain_text("answers/s")


MEASURE = """async (arrivals) => {
  const { Pace } = await import("/camera/assets/live.js");
  const pace = new Pace();
  for (const [at, delay] of arrivals) pace.add(at, delay);
  return pace.isKnown && [pace.perSecond, pace.delay];
}"""


@pytest.mark.parametrize(
    ("arrivals", "known"),
    [
        ([(0, 900), (1000, 900)], False),
        ([(0, 900), (4000, 800), (8000, 700)], [0.25, 800]),
        ([(0, 900), (4000, 800), (8000, 700), (9000, 50), (9100, 40), (9200, 30)], [2.5, 50]),
    ],
)
def test_the_pace_is_known_from_three_answers_on(server, open_camera, arrivals, known):
    """However old they are; else those of the last two seconds."""
    assert open_camera(server).evaluate(MEASURE, arrivals) == known


SMOOTH = """async () => {
  const { Smoothing } = await import("/camera/assets/live.js");
  const smoothing = new Smoothing(1);
  smoothing.apply(20, { person: 1, probabilities: [1, 0, 0, 0, 0, 0, 0] });
  return smoothing.apply(0, { person: 1, probabilities: [0, 1, 0, 0, 0, 0, 0] }).probabilities;
}"""


def test_smoothing_begins_anew_with_the_times(server, open_camera):
    assert open_camera(server).evaluate(SMOOTH) == [0, 1, 0, 0, 0, 0, 0]
