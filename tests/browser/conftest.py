"""A running server and a real Chromium."""

import pytest
from playwright.sync_api import expect
from support.app_server import running_chromium, running_server


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
