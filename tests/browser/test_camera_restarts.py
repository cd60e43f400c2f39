"""The camera's ends and beginnings: pressed twice, lost, replaced; off means off."""

import pytest
from playwright.sync_api import expect
from support.camera_page import start, wait_for_answers

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
