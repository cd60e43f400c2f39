"""Which browser gets which cookie, and who is whose owner."""

import re

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from emosense.asgi.middleware import LOGIN
from emosense.asgi.owner import COOKIE, OWNER, OwnerMiddleware, owner_of
from emosense.asgi.policy import PolicyTable, route_policies

TOKEN = "0123456789abcdefABCDEF"
TABLE = route_policies(max_upload_mb=1, max_connections=1)


class Login:
    """What the policy would say of each request."""

    name = None

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        scope[LOGIN] = Login.name
        await self.app(scope, receive, send)


def page(request: Request):
    return HTMLResponse(request.scope[OWNER])


def text(request: Request):
    return PlainTextResponse(request.scope[OWNER])


@pytest.fixture
def ended():
    return []


@pytest.fixture
def app(ended, monkeypatch):
    monkeypatch.setattr(Login, "name", None)
    return app_with(ended)


def app_with(ended=(), base_path=""):
    routes = [
        Route(f"{base_path}/", page),
        Route(f"{base_path}/video", page),
        Route(f"{base_path}/unchanged", lambda request: Response(status_code=304)),
        Route(f"{base_path}/favicon.png", text),
        Route(f"{base_path}/healthz", text),
        Route(f"{base_path}/static/a.html", page),
        Route(f"{base_path}/auth/logout", text),
    ]
    owners = Middleware(
        OwnerMiddleware,
        table=PolicyTable(TABLE, base_path),
        on_logout=lambda owner: ended.append(owner),
        base_path=base_path,
    )
    return Starlette(routes=routes, middleware=[Middleware(Login), owners])


def token_of(answer):
    return re.match(rf"{COOKIE}=([^;]*)", answer.headers["set-cookie"]).group(1)


def test_the_first_page_gives_a_session_cookie_of_128_bits(ask, app):
    cookie = ask(app).headers["set-cookie"]
    assert re.fullmatch(rf"{COOKIE}=[\w-]{{22}}; Path=/; HttpOnly; SameSite=Lax", cookie)
    assert ask(app, "/video").headers["set-cookie"] != cookie


def test_a_browser_keeps_its_owner(ask, app):
    first = ask(app)
    assert first.body == b""  # it has none with its very first request
    cookie = f"a=b; {COOKIE}={token_of(first)}"
    again = ask(app, cookie=cookie)
    assert len(again.body) == 32
    assert "set-cookie" not in again.headers
    for path in ("/video", "/healthz"):
        assert ask(app, path, cookie=cookie).body == again.body


def test_over_tls_the_cookie_is_secure(ask, app):
    assert ask(app, scheme="https").headers["set-cookie"].endswith("; Secure")


def test_the_cookie_is_for_the_path_of_the_app(ask):
    answer = ask(app_with(base_path="/emosense"), "/emosense/")
    assert "; Path=/emosense; " in answer.headers["set-cookie"]


def test_only_pages_give_it(ask, app):
    for path in ("/favicon.png", "/healthz", "/static/a.html", "/none"):
        assert "set-cookie" not in ask(app, path).headers, path
    # A browser that was closed has the page still, and no cookie any more.
    assert "set-cookie" in ask(app, "/unchanged").headers


@pytest.mark.parametrize("value", ["", "short", TOKEN + "x", "a b" * 8, "../" * 7 + "x", "é" * 22])
def test_what_is_no_cookie_of_ours_is_replaced(ask, app, value):
    answer = ask(app, cookie=f"{COOKIE}={value}")
    assert answer.body == b""
    assert len(token_of(answer)) == 22


def test_another_login_of_the_same_browser_is_another_owner(ask, app, monkeypatch):
    seen = set()
    for name in (None, "ann", "bob"):
        monkeypatch.setattr(Login, "name", name)
        owner = ask(app, cookie=f"{COOKIE}={TOKEN}").body.decode()
        assert owner == owner_of({COOKIE: TOKEN}, name)
        assert TOKEN not in owner
        seen.add(owner)
    assert len(seen) == 3


def test_a_log_out_ends_the_owner_and_his_cookie(ask, app, ended, monkeypatch):
    monkeypatch.setattr(Login, "name", "ann")
    answer = ask(app, "/auth/logout", cookie=f"{COOKIE}={TOKEN}")
    assert ended == [owner_of({COOKIE: TOKEN}, "ann")]
    assert token_of(answer) == ""
    assert "Max-Age=0" in answer.headers["set-cookie"]
    ask(app, "/auth/logout")
    assert len(ended) == 1
