"""The login, against an identity provider on this machine."""

import base64
import json
from contextlib import contextmanager

import pytest
import requests
from itsdangerous import URLSafeTimedSerializer
from playwright.sync_api import expect
from support.app_server import free_port, started_server
from support.oidc_provider import OidcProvider, running_oidc_provider
from support.streamlit_client import BrowserSession

pytestmark = pytest.mark.browser

NAME = "Ann <b>B.</b> www.evil.com"
PAGES = ("", "video", "batch", "models", "responsible", "about")


@pytest.fixture(scope="module")
def provider():
    with running_oidc_provider(sub="17", name=NAME, email="ann@example.org") as provider:
        yield provider


@pytest.fixture(scope="module")
def server(provider, tmp_path_factory):
    port = free_port()
    folder = tmp_path_factory.mktemp("secrets")
    secrets = provider.write_secrets(folder / "secrets.toml", f"http://localhost:{port}")
    with started_server(**environment(port, secrets)) as server:
        yield server.url


def environment(port, secrets):
    return {
        "EMOSENSE_LOGIN": "yes",
        "STREAMLIT_SECRETS_FILES": str(secrets),
        "STREAMLIT_SERVER_PORT": str(port),
    }


@contextmanager
def changed(provider: OidcProvider, **claims):
    provider.changed_claims = claims
    try:
        yield
    finally:
        provider.changed_claims = {}


def log_in(page, server):
    page.goto(server)
    page.get_by_role("button", name="Log in").click()


def come_back(page, server):
    """Log in, until the app has answered to what the provider says; return a page after that."""

    def is_last(answer):
        return answer.url == f"{server}/" and answer.request.redirected_from is not None

    with page.expect_response(is_last) as answer:
        log_in(page, server)
    assert "/oauth2callback?code=" in answer.value.request.redirected_from.url
    other = page.context.new_page()  # of the same browser; in the first one much goes on
    other.set_default_timeout(60_000)
    other.goto(server)
    return other


def is_locked(page):
    """The page has a button to log in and nothing else: no menu, no content."""
    expect(page.get_by_role("button", name="Log in")).to_be_visible()
    assert page.get_by_test_id("stFileUploader").count() == 0
    assert page.get_by_role("link", name="Models").count() == 0
    texts = page.get_by_test_id("stMain").inner_text().split()
    return [text for text in texts if text not in ("login", "EmoSense", "Log", "in")] == []


@pytest.mark.parametrize("path", PAGES)
def test_nothing_of_a_page_is_served_before_the_login(server, path):
    """Not in what the browser is sent either; by deep links, cold and warm."""
    for _ in range(2):
        with BrowserSession(server, path) as session:
            assert session.text == "EmoSense"
            assert [e.button.label for e in session.elements("button")] == ["Log in"]
            for kind in ("file_uploader", "arrow_data_frame", "download_button", "page_link"):
                assert not session.elements(kind)


def test_uploads_and_results_are_refused_before_the_login(server):
    with BrowserSession(server) as session:
        for method, path in (
            ("PUT", f"_stcore/upload_file/{session.id}/1"),
            ("DELETE", f"_stcore/upload_file/{session.id}/1"),
            ("GET", "media/0123456789.png"),
        ):
            answer = requests.request(method, f"{server}/{path}", data=b"x", timeout=30)
            assert answer.status_code == 401, path


def test_log_in_use_a_page_and_log_out(server, page, provider, astronaut_png):
    page.goto(f"{server}/models")
    assert is_locked(page)
    page.get_by_role("button", name="Log in").click()
    account = page.get_by_text("Logged in as")
    expect(account).to_have_text(f"Logged in as {NAME}")
    assert page.locator(".st-key-account a, .st-key-account b").count() == 0
    expect(page.get_by_text("Drop one or many photos above")).to_be_visible()
    page.locator("input[type=file]").set_input_files(
        [{"name": "eileen.png", "mimeType": "image/png", "buffer": astronaut_png}]
    )
    expect(page.get_by_text("1. happy")).to_be_visible()
    page.goto(f"{server}/models")  # a login holds for later visits
    expect(page.get_by_text("Headline metrics")).to_be_visible()
    expect(account).to_be_visible()
    (owner,) = [c for c in page.context.cookies() if c["name"] == "emosense_owner"]
    page.get_by_role("button", name="Log out").click()
    assert is_locked(page)
    page.reload()
    (later,) = [c for c in page.context.cookies() if c["name"] == "emosense_owner"]
    assert later["value"] != owner["value"]
    assert "/logout" in provider.requests  # the provider's session ends too
    page.goto(f"{server}/about")
    assert is_locked(page)
    assert [c["name"] for c in page.context.cookies() if "user" in c["name"]] == []


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://localhost:1"},
        {"nonce": "another"},
        {"aud": "another client"},
        {"exp": 1_000_000_000},
        {"iat": 9_999_999_999, "exp": 9_999_999_999},
    ],
    ids=lambda claims: next(iter(claims)),
)
def test_wrong_tokens_are_refused(server, page, provider, claims):
    with changed(provider, **claims):
        assert is_locked(come_back(page, server))
    assert [c["name"] for c in page.context.cookies() if "user" in c["name"]] == []


def test_a_token_that_another_has_signed_is_refused(server, page, provider):
    from support.oidc_provider import _new_key

    provider.signing_key = _new_key()
    try:
        assert is_locked(come_back(page, server))
    finally:
        provider.signing_key = None


def test_a_callback_that_this_browser_did_not_ask_for_is_refused(server, page):
    """As a link to a foreign account (RFC 6749, section 10.12)."""
    page.goto(f"{server}/oauth2callback?code=0123&state=foreign")
    assert is_locked(page)


def forged_cookies(server):
    user = {"origin": server, "is_logged_in": True, "provider": "default", "sub": "17", "name": "x"}
    text = json.dumps(user)
    yield "plain", text
    yield "base64", base64.urlsafe_b64encode(text.encode()).decode()
    for salt in ("_streamlit_user", "cookie-session", "streamlit"):
        yield f"signed, {salt}", URLSafeTimedSerializer("a guess", salt=salt).dumps(user)
    yield "empty", ""


def test_forged_cookies_are_refused(server, page):
    for kind, value in forged_cookies(server):
        page.context.clear_cookies()
        page.context.add_cookies(
            [{"name": "_streamlit_user", "value": requests.utils.quote(value), "url": server}]
        )
        page.goto(server)
        assert is_locked(page), kind


def test_a_changed_cookie_is_refused(server, page):
    log_in(page, server)
    expect(page.get_by_text("Logged in as")).to_be_visible()
    (cookie,) = [c for c in page.context.cookies() if c["name"] == "_streamlit_user"]
    value = cookie["value"]
    swapped = value[:20] + ("B" if value[20] == "A" else "A") + value[21:]
    assert swapped != value
    page.context.add_cookies([{**cookie, "value": swapped}])
    page.goto(server)
    assert is_locked(page)
    page.context.add_cookies([cookie])
    page.goto(server)
    expect(page.get_by_text("Logged in as")).to_be_visible()


def test_without_a_provider_nobody_gets_in(page, tmp_path):
    port = free_port()
    gone = OidcProvider("http://localhost:1", {})
    secrets = gone.write_secrets(tmp_path / "secrets.toml", f"http://localhost:{port}")
    with started_server(**environment(port, secrets)) as server:
        log_in(page, server.url)
        expect(page.get_by_text("Authentication error")).to_be_visible()
        page.goto(server.url)
        assert is_locked(page)
