"""The routes of players: edits, projects and files."""

import json

import pytest
import requests
from support.faces import face_of, video_of
from support.player_page import player_server

from emosense.errors import NoRoom
from emosense.export.formats import EXPORTS
from emosense.ui.player import routes
from emosense.ui.player.clips import Clip, clips
from emosense.video.edits import Edits

RESULT = video_of({1: face_of("happy")}, {2: face_of("sad")})


class Server:
    """Requests to a server of players."""

    def __init__(self, url):
        self.url = url

    def get(self, path):
        return requests.get(self.url + path, timeout=60)

    def put(self, path, known="*", **body):
        """Replace edits; ``known`` is what is known of them, as If-Match has it."""
        headers = {"if-match": known} if known else {}
        return requests.put(self.url + path, timeout=60, headers=headers, **body)


@pytest.fixture(scope="module")
def server():
    with player_server() as url:
        yield Server(url)


class Edited:
    """A clip whose edits are kept."""

    def __init__(self, tmp_path, result=RESULT):
        self.edits = Edits()
        self.address = clips.add(
            Clip(
                tmp_path / "a.mp4",
                "video/mp4",
                list,
                lambda: True,
                result=lambda: result,
                edits=lambda: self.edits,
                edit=lambda edits: setattr(self, "edits", edits),
            )
        )

    def path(self, name):
        return f"/player/clips/{self.address}/{name}"


@pytest.fixture
def clip(tmp_path):
    return Edited(tmp_path)


def test_edits_are_kept_and_bad_ones_change_nothing(server, clip):
    edits = {"people": [{"kind": "merge", "person": 2, "into": 1}], "names": {"1": "Ann"}}
    answer = server.put(clip.path("edits"), json=edits)
    assert answer.json()["names"] == {"1": "Ann"}
    assert answer.headers["cache-control"] == "private, no-store"
    answer = server.put(clip.path("edits"), json={"names": {"1": 5}})
    assert answer.status_code == 422
    assert answer.text.startswith("Expected edits of a clip. Received: names.1: ")
    assert server.get(clip.path("edits")).json() == json.loads(clip.edits.model_dump_json())
    assert clip.edits.names == {1: "Ann"}


@pytest.mark.parametrize("name", ["edits", "project"])
def test_edits_that_were_not_seen_are_not_replaced(name, server, clip):
    """Two pages show the same clip, and each sends its whole edits (RFC 9110, section 13.1.1)."""
    before = server.get(clip.path("edits")).headers["etag"]
    clip.edits = Edits(names={1: "Ann"}, hidden=[2, 1])
    body = {"names": {"1": "Bob"}}
    if name == "project":
        body = {"source": "a", "frames_read": RESULT.frames_read, "model": "m", "edits": body}
    answer = server.put(clip.path(name), known=before, json=body)
    assert (answer.status_code, clip.edits.names) == (412, {1: "Ann"})
    answer = server.put(clip.path(name), known=None, json=body)
    assert (answer.status_code, clip.edits.names) == (428, {1: "Ann"})
    newest = server.get(clip.path("edits")).headers["etag"]
    answer = server.put(clip.path(name), known=newest, json=body)
    assert (answer.status_code, clip.edits.names) == (200, {1: "Bob"})
    assert answer.headers["etag"] == server.get(clip.path("edits")).headers["etag"] != newest


@pytest.mark.parametrize("changed", ['W/"{}"', '"other", "{}"', '"{}-gzip"'])
def test_tags_are_known_after_a_proxy_has_compressed_what_they_tag(changed, server, clip):
    """nginx makes them weak, Apache appends to them."""
    tag = server.get(clip.path("edits")).headers["etag"].strip('"')
    assert server.put(clip.path("edits"), known=changed.format(tag), json={}).status_code == 200


@pytest.mark.parametrize("name", EXPORTS)
def test_files_follow_the_edits(name, server, clip):
    clip.edits = Edits(names={1: "Ann"}, segments=[{"name": "all", "start": 0, "end": 1}])
    answer = server.get(clip.path(f"exports/{name}"))
    assert answer.status_code == 200
    assert "Ann" in answer.text
    assert answer.headers["content-type"].startswith(EXPORTS[name].media_type)
    expected = f"attachment; filename*=UTF-8''a{EXPORTS[name].suffix}"
    assert answer.headers["content-disposition"] == expected


def test_a_project_comes_back(server, clip):
    clip.edits = Edits(hidden=[2])
    project = server.get(clip.path("exports/project")).content
    clip.edits = Edits()
    assert server.put(clip.path("project"), data=project).json()["hidden"] == [2]
    assert clip.edits.hidden == {2}
    answer = server.put(clip.path("project"), data=b"{}")
    assert (answer.status_code, clip.edits.hidden) == (422, {2})


def test_what_is_not_there_yet_or_no_longer_is_told(server, clip, tmp_path):
    running = Edited(tmp_path, result=None)
    assert server.get(running.path("exports/csv")).status_code == 409
    assert server.put(running.path("project"), data=b"{}").status_code == 409
    assert server.get(clip.path("exports/exe")).status_code == 404
    clips.remove(clip.address)
    for name in ("edits", "exports/csv"):
        assert server.get(clip.path(name)).status_code == 404
    assert server.put(clip.path("project"), data=b"{}").status_code == 404
    assert server.put(clip.path("edits"), data=b"{}").status_code == 404


def test_a_file_without_room_is_told(server, clip, monkeypatch):
    def room(account, size):
        raise NoRoom("Expected room. Received: none.")

    monkeypatch.setattr(routes, "room", room)
    answer = server.get(clip.path("exports/csv"))
    assert (answer.status_code, answer.text) == (507, "Expected room. Received: none.")
