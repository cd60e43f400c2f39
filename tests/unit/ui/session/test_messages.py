"""Messages of browsers: foreign kinds are dropped, floods are slowed down."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from emosense.ui.session import messages
from emosense.ui.session.messages import MessageMiddleware


def received(data, path="/_stcore/stream"):
    """Return the messages that reach the application."""
    arrived = []
    waiting = [{"type": "websocket.receive", "bytes": part} for part in data]
    waiting.append({"type": "websocket.disconnect", "code": 1000})

    async def app(scope, receive, send):
        while True:
            message = await receive()
            arrived.append(message.get("bytes", message.get("code")))
            if message["type"] == "websocket.disconnect":
                return

    async def receive():
        return waiting.pop(0)

    scope = {"type": "websocket", "path": path}
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(MessageMiddleware(app)(scope, receive, None))).result()
    return arrived


def message(**kind):
    return BackMsg(**kind).SerializeToString()


def test_pages_messages_pass_and_others_are_dropped():
    run = message(rerun_script={"query_string": "a=1"})
    dropped = [
        message(clear_cache=True),
        message(set_run_on_save=True),
        message(load_git_info=True),
        message(debug_shutdown_runtime=True),
        message(backend_operation_request={"install_skills": {}}),
        message(backend_operation_request={"dismiss_skills_nudge": {}}),
    ]
    download = message(backend_operation_request={"deferred_file": {"file_id": "1"}})
    table = message(backend_operation_request={"dataframe_chunk": {}})
    kept = [run, download, table, run]
    assert received([run, *dropped, download, table, run]) == [*kept, 1000]


def test_what_is_no_message_is_left_to_streamlit():
    assert received([b"\xff\xff\xff"]) == [b"\xff\xff\xff", 1000]


def test_a_message_that_is_too_big_ends_the_connection():
    big = message(rerun_script={"query_string": "a" * messages.MAX_BYTES})
    assert received([big]) == [1009]


def test_other_websockets_are_left_alone():
    assert received([message(clear_cache=True)], "/camera") == [message(clear_cache=True), 1000]


def test_downloads_count_more(monkeypatch):
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    monkeypatch.setattr(messages.time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(messages.asyncio, "sleep", sleep)
    received([message(backend_operation_request={"deferred_file": {"file_id": "1"}})] * 8)
    assert waits == [1.0, 2.0]


@pytest.mark.parametrize(("count", "pauses"), [(60, 0), (65, 5)])
def test_a_flood_waits(monkeypatch, count, pauses):
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    monkeypatch.setattr(messages.time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(messages.asyncio, "sleep", sleep)
    assert len(received([message(app_heartbeat=True)] * count)) == count + 1
    assert len(waits) == pauses
    assert waits == sorted(waits)
