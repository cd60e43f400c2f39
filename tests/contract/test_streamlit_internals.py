"""Streamlit's private parts are as emosense/ui/streamlit_internals.py takes them to be.

If this fails after an update of Streamlit, mend that file, then its STREAMLIT_VERSION.
"""

import ast
import asyncio
import inspect
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import streamlit
import streamlit.config
import uvicorn
from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.elements.lib.utils import _compute_element_id
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.scriptrunner import script_runner
from streamlit.web.server.starlette import starlette_websocket
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from emosense.ui import streamlit_internals, uvicorn_internals

ROOT = Path(__file__).resolve().parents[2]


def test_the_version_is_the_one_that_was_checked():
    assert streamlit.__version__.startswith(f"{streamlit_internals.STREAMLIT_VERSION}.")


def test_the_version_of_uvicorn_is_the_one_that_was_checked():
    assert uvicorn.__version__.startswith(f"{uvicorn_internals.UVICORN_VERSION}.")


def test_no_other_file_uses_private_parts():
    """Private: modules that Streamlit does not document, and names with an underscore."""
    public = (
        "streamlit",
        "streamlit.errors",
        "streamlit.testing.v1",
        "streamlit.runtime.uploaded_file_manager",  # the documented type of uploads
        "streamlit.runtime.scriptrunner",  # documented for threads
        "streamlit.navigation.page",  # the documented type of pages
        "streamlit.delta_generator",
    )
    found = {}
    for path in [
        ROOT / "app.py",
        *(ROOT / "pages").glob("*.py"),
        *(ROOT / "emosense").rglob("*.py"),
    ]:
        if path.name == "streamlit_internals.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            modules = []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            for module in modules:
                if module.split(".")[0] == "streamlit" and module not in public:
                    found.setdefault(str(path.relative_to(ROOT)), []).append(module)
    assert found == {}


@pytest.fixture
def local_names(monkeypatch):
    """The project's option, which is read relative to the folder in which tests are started."""
    get_option = streamlit.config.get_option

    def option(name):
        return ["localhost"] if name == "server.allowedHosts" else get_option(name)

    monkeypatch.setattr(streamlit.config, "get_option", option)


@pytest.mark.usefixtures("local_names")
@pytest.mark.parametrize(
    ("host", "allowed"),
    [("localhost", True), ("localhost:8501", True), ("evil.example", False), (None, False)],
)
def test_hosts(host, allowed):
    assert streamlit_internals.is_host_allowed(host) is allowed


@pytest.mark.usefixtures("local_names")
@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("http://localhost:8501", True),
        ("http://localhost:9", True),
        ("https://evil.example", False),
        ("http://localhost.evil.example", False),
        ("http://localhost:8501@evil.example", False),
        ("null", False),
        ("", False),
        ("http://[", False),
        ("http://[::1", False),
        ("http://localhost:x", False),
        ("http://localhost:99999", False),
    ],
)
def test_origins(origin, allowed, monkeypatch):
    """Streamlit's own check would ask another host for this one's address in the internet."""

    def ask(*arguments):
        raise AssertionError("another host was asked")

    monkeypatch.setattr(streamlit.net_util, "get_external_ip", ask)
    monkeypatch.setattr(streamlit.net_util, "get_internal_ip", ask)
    assert streamlit_internals.is_origin_allowed(origin, "localhost:8501") is allowed


@pytest.fixture
def cookie_secret(monkeypatch):
    """A server with a login, whose cookies are signed with this secret."""
    from streamlit.runtime.secrets import secrets_singleton

    monkeypatch.setattr(type(secrets_singleton), "load_if_toml_exists", lambda self: True)
    monkeypatch.setattr(
        streamlit_internals.starlette_websocket, "get_cookie_secret", lambda: "s" * 32
    )
    return "s" * 32


def cookie(secret, **claims):
    value = json.dumps({"origin": "http://localhost", **claims})
    signed = create_signed_value(secret, USER_COOKIE_NAME, value)
    text = signed.decode() if isinstance(signed, bytes) else signed
    return streamlit_internals.Headers({"cookie": f"a=1; {USER_COOKIE_NAME}={text}"})


def test_the_login_cookie_is_read(cookie_secret):
    info = streamlit_internals.user_info(cookie(cookie_secret, is_logged_in=True, sub="17"))
    assert info["is_logged_in"] is True
    assert info["sub"] == "17"


def test_a_forged_login_cookie_says_nothing(cookie_secret):
    assert streamlit_internals.user_info(cookie("x" * 32, is_logged_in=True, sub="17")) == {}


def test_without_secrets_cookies_say_nothing():
    assert streamlit_internals.user_info(cookie("x" * 32, is_logged_in=True)) == {}


def test_messages_that_are_none_hold_nothing():
    assert streamlit_internals.read_message(b"\xff\xff") is None
    assert streamlit_internals.read_message(b"").kind == ""


def test_ids_of_widgets_are_those_that_are_told_from_foreign_ones():
    ids = [
        _compute_element_id("button", "photo_0"),
        _compute_element_id("file_uploader", None, label="Photos"),
        _make_trigger_id(_compute_element_id("bidi_component", "frame"), "events"),
    ]
    for name in ids:
        message = BackMsg(rerun_script={"widget_states": {"widgets": [{"id": name}]}})
        read = streamlit_internals.read_message(message.SerializeToString())
        assert read.entries == 1
        assert not read.has_foreign_widgets


def test_the_answer_to_too_many_files_is_one_that_browsers_understand():
    answer = ForwardMsg()
    answer.ParseFromString(streamlit_internals.refuse_upload("7", "Too many."))
    assert answer.WhichOneof("type") == "file_urls_response"
    assert answer.HasField("metadata")
    assert answer.file_urls_response.error_msg == "Too many."


@pytest.mark.parametrize(
    ("header", "session"),
    [
        ("streamlit", None),
        ("streamlit, token", None),
        ("streamlit, token, 17", "17"),
    ],
)
def test_the_session_that_a_browser_comes_back_to(header, session):
    parsed = starlette_websocket._parse_subprotocols({"sec-websocket-protocol": header})
    names = [name.strip() for name in header.split(",")]
    assert parsed[2] == streamlit_internals.returning_session(names) == session


def test_files_of_downloads_are_made_by_streamlits_handler_alone():
    source = inspect.getsource(AppSession._create_backend_operation_dispatcher)
    assert '"deferred_file"' in source
    assert "DeferredFileHandler(" in source


def test_no_garbage_is_collected_after_each_run():
    """It stopped the event loop: :func:`trim_malloc` collects it when sessions end."""
    # In the file: a test that ran before may have made Streamlit read its options elsewhere.
    options = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    assert options["runner"]["postScriptGC"] is False
    source = inspect.getsource(script_runner.ScriptRunner._on_script_finished)
    assert 'config.get_option("runner.postScriptGC")' in source


def test_only_the_end_of_a_run_says_whether_widgets_may_be_missing():
    """The state of widgets that a page change leaves for the next run says nothing of their files."""
    runner = script_runner.ScriptRunner
    assert "remove_stale_widgets=(" in inspect.getsource(runner._on_script_finished)
    change = inspect.getsource(runner._run_script)
    assert "self._session_state.on_script_finished(widget_ids)" in change
    assert "remove_stale_widgets" not in change
    assert "self._session_state.on_script_will_rerun(" in change


def filled(*sizes):
    queue = streamlit_internals.PendingMessages(500)
    for size in sizes:
        queue.put_nowait(bytes(size))
    return queue


def test_what_waits_for_a_browser_is_bounded_in_bytes():
    queue = filled(15 * 2**20)
    with pytest.raises(asyncio.QueueFull):
        queue.put_nowait(bytes(2 * 2**20))
    queue.put_nowait(b"1")
    queue.get_nowait()
    queue.put_nowait(bytes(15 * 2**20))
    assert queue.bytes == 15 * 2**20 + 1


def test_an_empty_queue_takes_any_message():
    assert filled(100 * 2**20).qsize() == 1


def test_what_waits_for_all_browsers_is_bounded_but_for_small_ones():
    queues = [filled(1, 15 * 2**20) for _ in range(8)]
    with pytest.raises(asyncio.QueueFull):
        filled(1, 15 * 2**20)
    assert filled(1, 2**19).qsize() == 2
    del queues
    assert filled(1, 15 * 2**20).qsize() == 2


def test_sessions_uploads_and_limits_of_a_running_server():
    # In a process of its own: Streamlit's runtime exists once in each.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    command = [sys.executable, "-m", "support.internals_of_a_server"]
    run = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "all is as expected" in run.stdout
