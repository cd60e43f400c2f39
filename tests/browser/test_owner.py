"""What a browser has outlives a reload, is the same in all of its tabs, and is nobody else's."""

import pytest
from playwright.sync_api import expect
from support.app_server import running_server, started_server
from support.gates import Gate, gated_environment
from support.synthetic_video import head, pasted, wall, write_clip
from support.waiting import wait_until

from emosense.asgi.owner import COOKIE

pytestmark = pytest.mark.browser

DONE = "frames analysed of 30"


@pytest.fixture(scope="module")
def clip(astronaut, tmp_path_factory):
    frames = [pasted(wall(), (head(astronaut), 150 + 3 * i, 180)) for i in range(30)]
    return write_clip(tmp_path_factory.mktemp("owner") / "clip.mp4", frames)


def opened(context, url, path="video"):
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.goto(f"{url}/{path}")
    expect(page.get_by_test_id("stMain").get_by_role("heading", level=1)).to_be_visible()
    return page


def analyse(page, clip):
    page.locator("input[type=file]").set_input_files(clip)
    page.get_by_role("button", name="Analyse", exact=True).click()


def test_an_analysis_outlives_reloads_and_is_seen_in_all_tabs(chromium, clip, tmp_path):
    environment = gated_environment(tmp_path)
    with started_server("support.gated", **environment) as server, Gate(tmp_path, "video") as gate:
        context = chromium.new_context()
        page = opened(context, server.url)
        (cookie,) = [c for c in context.cookies() if c["name"] == COOKIE]
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Lax", False)
        assert cookie["expires"] == -1  # it ends with the browser
        analyse(page, clip)
        gate.wait()
        page.reload()
        cancel = page.get_by_role("button", name="Cancel and keep what is done")
        expect(cancel).to_be_visible()
        other = opened(context, server.url)
        expect(other.get_by_role("button", name="Cancel and keep what is done")).to_be_visible()
        models = opened(context, server.url, "models")
        expect(models.get_by_role("link", name="Video (1)")).to_be_visible()
        stranger = opened(chromium.new_context(), server.url)
        assert stranger.get_by_role("link", name="Video (1)").count() == 0
        expect(stranger.get_by_text("Drop a video above")).to_be_visible()
        other.locator(".player").evaluate("player => { player.dataset.mark = 'the same' }")
        gate.open()
        for tab in (page, other):
            expect(tab.get_by_text(DONE)).to_be_visible()
        expect(other.locator(".player[data-mark='the same']")).to_be_visible()  # zoom, playhead ...
        expect(models.get_by_role("link", name="Video", exact=True)).to_be_visible()
        page.reload()
        expect(page.get_by_text(DONE)).to_be_visible()
        with page.expect_request(lambda request: request.url.endswith("/frames?from=0")) as asked:
            page.reload()
        address = asked.value.url
        assert context.request.get(address).status == 200
        assert stranger.context.request.get(address).status == 404
        other.get_by_role("button", name="Remove").click()
        expect(other.get_by_text("Drop a video above")).to_be_visible()
        page.reload()
        expect(page.get_by_text("Drop a video above")).to_be_visible()
        assert context.request.get(address).status == 404
        stranger.context.close()
        context.close()


def test_the_last_page_of_a_browser_takes_its_videos_with_it(chromium, clip, tmp_path):
    environment = {"TMPDIR": str(tmp_path), "STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": "3"}
    with running_server(**environment) as url:
        context = chromium.new_context()
        page = opened(context, url)
        analyse(page, clip)
        expect(page.get_by_text(DONE)).to_be_visible()
        (spool,) = tmp_path.glob("emosense-*")
        (folder,) = spool.glob("*/")
        other = opened(context, url)
        expect(other.get_by_text(DONE)).to_be_visible()
        other.locator("input[type=file]").set_input_files(clip)
        wait_until(lambda: len(list(spool.glob("*/"))) == 2, "the upload is not stored")
        other.close()
        # What the page used alone is gone with it.
        wait_until(lambda: list(spool.glob("*/")) == [folder], lambda: list(spool.rglob("*")), 120)
        page.reload()
        expect(page.get_by_text(DONE)).to_be_visible()
        context.close()
        wait_until(lambda: not list(spool.glob("*/")), lambda: list(spool.rglob("*")), timeout=120)
