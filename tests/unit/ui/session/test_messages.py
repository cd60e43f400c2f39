"""Messages of browsers: foreign kinds are dropped, floods are slowed down."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from emosense.asgi import token_bucket
from emosense.asgi.middleware import LOGIN_FULFILLED, USER
from emosense.ui import streamlit_internals
from emosense.ui.session import messages
from emosense.ui.session.messages import MessageMiddleware

ID = "$$ID-" + "0" * 32 + "-photos"
FILES = 100


def received(data, path="/_stcore/stream", app=None, login=True, answers=None, **scope):
    """Return the messages that reach the application."""
    arrived = []
    waiting = [{"type": "websocket.receive", "bytes": part} for part in data]
    waiting.append({"type": "websocket.disconnect", "code": 1000})

    async def keep(scope, receive, send):
        while True:
            message = await receive()
            arrived.append(message.get("bytes", message.get("code")))
            if message["type"] == "websocket.disconnect":
                return

    async def receive():
        # Nothing more comes from a page that stays open.
        return waiting.pop(0) if scope.get("leaves", True) else await asyncio.Event().wait()

    async def send(message):
        answers.append(message)

    whole = {"type": "websocket", "path": path, USER: "ann", LOGIN_FULFILLED: login, **scope}
    middleware = app or MessageMiddleware(keep, FILES)
    middleware._app = keep
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(middleware(whole, receive, send))).result()
    return arrived


@pytest.fixture
def waits(monkeypatch):
    """How long a page's messages had to wait, in seconds, while no time passes."""
    waits = []

    async def sleep(seconds):
        waits.append(seconds)

    monkeypatch.setattr(token_bucket.time, "monotonic", lambda: 0.0)
    monkeypatch.setattr(messages.asyncio, "sleep", sleep)
    return waits


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


def test_a_text_ends_the_connection():
    assert received([None]) == [1003]


def test_downloads_count_more(waits):
    received([message(backend_operation_request={"deferred_file": {"file_id": "1"}})] * 8)
    assert waits == [1.0, 2.0]


@pytest.mark.parametrize(("count", "pauses"), [(60, 0), (65, 5)])
def test_a_flood_waits(waits, count, pauses):
    assert len(received([message(app_heartbeat=True)] * count)) == count + 1
    assert len(waits) == pauses
    assert waits == sorted(waits)


def test_large_messages_count_more(waits):
    large = message(rerun_script={"query_string": "a" * (messages.BYTES_PER_TOKEN * 9)})
    assert len(received([large] * 8)) == 9
    assert waits == [1.0, 2.0]


def test_a_page_with_many_photos_and_a_running_job_never_waits(monkeypatch, waits):
    """The messages of the Batch page, twice as often as it sends them."""
    takes = iter(range(10**6))  # two of each message, of which three come in a second
    monkeypatch.setattr(token_bucket.time, "monotonic", lambda: next(takes) / 6)
    address = f"/_stcore/upload_file/{'0' * 36}/{'0' * 37}"
    file = {
        "file_id": "0" * 37,
        "name": "Holiday in Switzerland 2026/IMG_20260714_123456.jpeg",
        "file_urls": {"upload_url": address, "delete_url": address, "file_id": "0" * 37},
    }
    state = {"id": ID, "file_uploader_state_value": {"uploaded_file_info": [file] * 500}}
    sent = message(rerun_script={"widget_states": {"widgets": [state]}})
    assert len(received([sent] * 300, app=MessageMiddleware(None, 1000))) == 301
    assert not waits


def test_pages_of_one_user_share_what_he_may_send(waits):
    app = MessageMiddleware(None, FILES)
    for _ in range(10):
        received([message(app_heartbeat=True)] * 60, app=app)
    assert not waits
    received([message(app_heartbeat=True)], app=app)
    assert waits == [pytest.approx(1 / messages.USER_PER_SECOND)]
    received([message(app_heartbeat=True)], app=app, **{USER: "bob"})
    assert len(waits) == 1


def test_uploads_of_too_many_files_are_refused_in_words():
    answers = []

    def request(count):
        names = ["a"] * count
        return message(file_urls_request={"request_id": "7", "file_names": names})

    assert received([request(FILES + 1), request(FILES)], answers=answers) == [request(FILES), 1000]
    answer = ForwardMsg()
    answer.ParseFromString(answers[0]["bytes"])
    assert answer.file_urls_response.response_id == "7"
    told = answer.file_urls_response.error_msg
    assert told == f"Expected at most {FILES} files at once. Received: {FILES + 1}."


def test_many_files_count_more(waits):
    request = message(file_urls_request={"file_names": ["a"] * FILES})
    tokens = 1 + FILES // messages.FILES_PER_TOKEN
    assert len(received([request] * (messages.BURST // tokens))) == messages.BURST // tokens + 1
    assert not waits
    received([request] * (messages.BURST // tokens + 1))
    assert len(waits) == 1


def test_who_must_log_in_gets_no_uploads_and_no_files():
    run = message(rerun_script={})
    refused = [
        message(file_urls_request={"file_names": ["a"]}),
        message(backend_operation_request={"deferred_file": {"file_id": "1"}}),
        message(backend_operation_request={"dataframe_chunk": {}}),
    ]
    assert received([*refused, run], login=False) == [run, 1000]
    assert received([*refused, run], login=True) == [*refused, run, 1000]


def widgets(*ids, **value):
    states = [{"id": name, **value} for name in ids]
    return message(rerun_script={"widget_states": {"widgets": states}})


@pytest.mark.parametrize("name", ["", "x", "frame", "$$ID", "$$ID-1-a", f"a{ID}", ID + "x" * 1000])
def test_widgets_that_streamlit_cannot_have_made_are_dropped(name):
    assert received([widgets(ID, name, bool_value=True)]) == [1000]


def test_widgets_of_streamlit_pass():
    names = [ID, ID.replace("photos", "None"), f"$$STREAMLIT_INTERNAL_KEY_{ID}__events"]
    assert received([widgets(*names)]) == [widgets(*names), 1000]


def test_too_many_widgets_are_dropped():
    most = messages.MAX_WIDGETS + 2 * FILES
    assert received([widgets(*[ID] * most)]) == [widgets(*[ID] * most), 1000]
    assert received([widgets(*[ID] * (most + 1))]) == [1000]
    files = {"uploaded_file_info": [{}] * most}
    assert received([widgets(ID, file_uploader_state_value=files)]) == [1000]
    assert received([message(rerun_script={"cached_message_hashes": [""] * 10**5})]) == [1000]


def test_a_page_that_asks_for_nothing_is_closed(monkeypatch):
    monkeypatch.setattr(messages, "SILENT_SECONDS", 0.0)
    assert received([], leaves=False) == [1008]


def test_other_messages_do_not_keep_a_page_open(monkeypatch):
    filtered = messages._FilteredMessages(None, None, messages._Rules(1, True), (), 5.0)
    assert 0 < filtered._remaining() <= 5
    sent = iter([message(app_heartbeat=True), message(rerun_script={})])

    async def receive():
        return {"type": "websocket.receive", "bytes": next(sent)}

    filtered._receive = receive
    filtered._buckets = (SimpleNamespace(take=lambda count: 0.0),)
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(filtered())).result()
        assert filtered._remaining() is not None
        thread.submit(lambda: asyncio.run(filtered())).result()
        assert filtered._remaining() is None


def test_a_browser_that_comes_back_may_be_silent(monkeypatch):
    kept = [(SimpleNamespace(id="kept"), None)]
    monkeypatch.setattr(streamlit_internals, "disconnected_sessions", lambda: kept)

    def patience(*names):
        return messages._patience({"subprotocols": ["streamlit", *names]})

    assert patience("token", "kept") is None
    assert patience("token", "ended") == messages.RETURNING_SECONDS
    assert patience("token") == patience() == patience("token", "") == messages.SILENT_SECONDS
