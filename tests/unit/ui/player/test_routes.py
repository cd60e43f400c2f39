"""Who may fetch a clip and its analysis."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware

from emosense.asgi.owner import COOKIE, OwnerMiddleware, owner_of
from emosense.asgi.policy import PolicyTable, route_policies
from emosense.results import FrameResult
from emosense.ui.player.clips import Clip, clips
from emosense.ui.player.routes import player_routes

TOKENS = {"ann": 22 * "a", "bob": 22 * "b"}
PARTS = ("video", "frames", "key-moments")


@pytest.fixture
def app():
    table = PolicyTable(route_policies(max_upload_mb=1, max_connections=1))
    owners = Middleware(OwnerMiddleware, table=table, on_logout=print)
    return Starlette(routes=player_routes(), middleware=[owners])


@pytest.fixture
def address(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"clip")
    frames = [FrameResult(0, 0.0, ())]
    owner = owner_of({COOKIE: TOKENS["ann"]}, None)
    clip = Clip(tmp_path / "a.mp4", "video/mp4", lambda: frames, lambda: True, owner=owner)
    address = clips.add(clip)
    yield address
    clips.remove(address)


@pytest.mark.parametrize("part", PARTS)
def test_a_clip_is_for_its_owner_alone(ask, app, address, part):
    path = f"/player/clips/{address}/{part}"
    assert ask(app, path).status == 404
    assert ask(app, path, cookie=f"{COOKIE}={TOKENS['bob']}").status == 404
    own = f"{COOKIE}={TOKENS['ann']}"
    answer = ask(app, path, cookie=own)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "private, no-store"
    clips.remove(address)
    assert ask(app, path, cookie=own).status == 404


def test_a_clip_of_a_browser_without_cookies_is_for_nobody(ask, app, tmp_path):
    clip = Clip(tmp_path / "a.mp4", "video/mp4", list, lambda: True, owner="session 1")
    assert ask(app, f"/player/clips/{clips.add(clip)}/frames").status == 404


def test_the_scripts_are_for_everybody(ask, app):
    assert ask(app, "/player/assets/player.js").status == 200
