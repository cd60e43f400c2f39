"""A running server and a real Chromium."""

import pytest
from playwright.sync_api import expect
from support.app_server import FLAGS, chromium_path, running_chromium, running_server
from support.camera_page import WATCH
from support.counted_clips import write_counted
from support.fake_camera import camera_flags, write_camera
from support.player_page import player_server


@pytest.fixture(scope="session")
def server():
    with running_server() as url:
        yield url


@pytest.fixture
def cold_server():
    """A server that has not run app.py yet."""
    with running_server() as url:
        yield url


@pytest.fixture(scope="session")
def chromium():
    expect.set_options(timeout=90_000)
    with running_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def camera_chromium(chromium, astronaut, tmp_path_factory):
    """Chromium before whose camera the astronaut moves."""
    path = write_camera(tmp_path_factory.mktemp("camera") / "camera.y4m", astronaut)
    browser = chromium.browser_type.launch(
        executable_path=chromium_path(), args=[*FLAGS, *camera_flags(path)]
    )
    yield browser
    browser.close()


@pytest.fixture
def open_camera(camera_chromium):
    contexts = []

    def open_page(url, name="camera", *, permissions=("camera",), browser=camera_chromium):
        context = browser.new_context(permissions=list(permissions))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)
        page.add_init_script(WATCH)
        page.goto(f"{url}/{name}")
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def players():
    """A server of players alone; see :class:`support.player_page.PlayerPage`."""
    with player_server() as url:
        yield url


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A clip whose frames carry their numbers."""
    return write_counted(tmp_path_factory.mktemp("clip") / "clip.mp4", "B-frames")


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(120_000)
    asked, violations = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on(
        "console",
        lambda line: violations.append(line.text) if "Content Security" in line.text else 0,
    )
    yield page
    context.close()
    local = ("http://localhost:", "ws://localhost:", "data:", "blob:")
    assert violations == []
    assert [url for url in asked if not url.startswith(local)] == []  # nothing leaves the machine
