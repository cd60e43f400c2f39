"""The Camera page in a browser with a made-up camera."""

import json
import re

import pytest
from playwright.sync_api import expect
from support.app_server import free_port, running_server, started_server
from support.audit import audited
from support.camera_page import start, wait_for_answers
from support.fake_camera import READ
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

pytestmark = pytest.mark.browser


def faces(page):
    return json.loads(page.locator(".camera .overlay").get_attribute("data-faces"))


def test_the_astronaut_is_happy_on_the_very_frame(server, open_camera):
    page = open_camera(server)
    start(page)
    expect(page.locator(".sign")).to_be_visible()
    expect(page.locator(".camera .overlay")).to_have_attribute("data-faces", re.compile("happy"))
    assert faces(page) == [{"person": 1, "verdict": "happy", "exact": True}]
    expect(page.locator(".bars")).to_contain_text("Person 1: happy")
    # The frame that was sent is the one that is painted with its answer.
    number = page.locator(".picture").evaluate(f"(canvas) => ({READ})(canvas)")
    assert 0 <= number < 256
    wait_for_answers(page, 20)
    expect(page.locator("[data-role=rate]")).to_contain_text("answers/s")
    # Off means off.
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".sign")).to_be_hidden()
    states = page.evaluate("() => window.streams[0].getTracks().map((track) => track.readyState)")
    assert states == ["ended"]


def test_a_recording_keeps_numbers(server, open_camera):
    page = open_camera(server)
    start(page)
    wait_for_answers(page, 3)
    page.get_by_role("button", name="Record").click()
    expect(page.locator(".sign")).to_contain_text("recording numbers")
    wait_for_answers(page, 20)
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_text("numbers only")).to_be_visible()
    expect(page.locator(".person .name")).to_have_text("Person 1")
    expect(page.locator(".player .stage")).to_be_hidden()
    page.locator("details.exports summary").click()
    with page.expect_download() as download:
        page.locator("[data-export=json]").click()
    result = json.loads(download.value.path().read_text())
    assert len(result["frames"]) >= 15
    assert {face["emotion"] for frame in result["frames"] for face in frame["faces"]} == {"happy"}
    assert result["frames"][0]["time"] == 0
    # The camera goes on, and the recording can be played.
    wait_for_answers(page, 3)
    page.locator(".player [data-act=play]").click()
    expect(page.locator(".player .clock")).not_to_contain_text("0:00.0 /")
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("numbers only")).to_be_hidden()


def test_pictures_open_no_file_and_no_connection(open_camera, tmp_path):
    told = tmp_path / "told"
    with running_server(**audited(tmp_path, told)) as url:
        page = open_camera(url)
        start(page)
        wait_for_answers(page, 3)  # everything is imported by now
        before = told.read_text()
        page.get_by_role("button", name="Record").click()
        wait_for_answers(page, 20)
        page.get_by_role("button", name="Stop recording").click()
        expect(page.get_by_text("numbers only")).to_be_visible()
        assert told.read_text().removeprefix(before) == ""


def test_pause_snapshot_and_a_page_in_the_background(server, open_camera):
    page = open_camera(server)
    start(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Snapshot").click()
    assert download.value.path().read_bytes().startswith(b"\x89PNG")
    page.get_by_role("button", name="Pause").click()
    assert_silent(page)
    page.get_by_role("button", name="Go on").click()
    wait_for_answers(page)
    page.evaluate(
        "() => { Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
        " document.dispatchEvent(new Event('visibilitychange')) }"
    )
    expect(page.locator(".camera .status")).to_contain_text("in the background")
    assert_silent(page)
    page.evaluate(
        "() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')) }"
    )
    wait_for_answers(page)


def assert_silent(page):
    """No frame is sent while a second of the camera's frames goes by, after the one on its way."""
    wait = "() => new Promise((done) => { let n = 30; const next = () => (n-- ? requestAnimationFrame(next) : done()); next() })"
    page.evaluate(wait)
    index = page.locator(".picture").get_attribute("data-index")
    page.evaluate(wait)
    assert page.locator(".picture").get_attribute("data-index") == index


def test_what_keeps_the_camera_away_is_told(server, open_camera, chromium):
    page = open_camera(server, permissions=())
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".camera .status")).to_contain_text("may not use the camera")
    page = open_camera(server, browser=chromium)
    page.get_by_role("button", name="Start").click()
    expect(page.locator(".camera .status")).to_contain_text("No camera was found")
    page = open_camera(server)
    start(page)
    page.evaluate("() => window.streams.at(-1).getTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.locator(".camera .status")).to_contain_text("was taken away")
    start(page)
    wait_for_answers(page)


def test_answers_are_relative_to_ones_own_neutral(server, open_camera):
    page = open_camera(server)
    start(page)
    wait_for_answers(page, 3)
    page.get_by_role("button", name="Relative to my neutral").click()
    expect(page.locator(".camera .status")).to_contain_text("relative to your neutral face now")
    wait_for_answers(page, 3)
    # Whoever smiles during the baseline looks neutral then.
    expect(page.locator(".bars")).to_contain_text("Person 1: neutral")
    page.get_by_role("button", name="Relative to my neutral").click()
    expect(page.locator(".bars")).to_contain_text("Person 1: happy")


def test_a_server_that_comes_back_is_found_again(open_camera):
    port = str(free_port())
    with started_server(STREAMLIT_SERVER_PORT=port) as running:
        page = open_camera(running.url)
        start(page)
        wait_for_answers(page)
    expect(page.locator(".camera .status")).to_contain_text("Trying again")
    with started_server(STREAMLIT_SERVER_PORT=port):
        # The page comes back as a new session, and its camera goes on.
        expect(page.locator(".sign")).to_be_visible()
        expect(page.locator(".camera .status")).to_have_text("")
        wait_for_answers(page)


def test_a_photo_can_be_taken(server, open_camera):
    page = open_camera(server, "")
    page.get_by_text("Take a photo").click()
    page.get_by_role("button", name="Take Photo").click()
    expect(page.get_by_text("1. happy")).to_be_visible()


def test_nobody_else_gets_to_a_camera_and_garbage_ends_it(server, open_camera):
    page = open_camera(server)
    with page.expect_websocket(lambda socket: "/camera/stream/" in socket.url) as opened:
        start(page)
    url = opened.value.url
    cookies = "; ".join(f"{c['name']}={c['value']}" for c in page.context.cookies())

    def closed(address=url, cookie=None, messages=(), **options):
        """The code that the server closes a connection with, after the messages were sent."""
        headers = {"Cookie": cookie} if cookie else None
        with connect(address, additional_headers=headers, **options) as socket:
            try:
                for message in messages:
                    socket.send(message)
                while True:
                    socket.recv(timeout=60)
            except ConnectionClosed as closing:
                return closing.rcvd.code

    assert closed() == 4001  # another browser's, though it knows the address
    assert closed(url + "x", cookie=cookies) == 4001
    with pytest.raises(InvalidStatus):
        closed(cookie=cookies, origin="https://elsewhere.example")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.locator(".sign")).to_be_hidden()
    frame = b"\1\0\0\0" + bytes(12)
    garbage = [b"", frame, frame + b"\xff\xd8\xff" + bytes(999), frame + b"PK", b"\2" + frame] * 5
    assert closed(cookie=cookies, messages=garbage) == 4000
    start(page)
    wait_for_answers(page, 3)
