"""All uses of Streamlit's private parts, in one place.

Written for Streamlit 1.67; ``tests/contract/test_streamlit_internals.py`` checks each of them against
the installed version.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
import secrets
import time
import weakref
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

import streamlit as st
import streamlit.logger
from google.protobuf.message import DecodeError
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from streamlit import config, runtime, url_util
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import BackendOperationResponse, ForwardMsg
from streamlit.runtime.backend_operation_handler import DeferredFileHandler
from streamlit.runtime.media_file_storage import MediaFileStorageError
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.secrets import secrets_singleton
from streamlit.runtime.state.common import GENERATED_ELEMENT_ID_PREFIX
from streamlit.runtime.state.safe_session_state import SafeSessionState
from streamlit.runtime.state.session_state import (
    STREAMLIT_INTERNAL_KEY_PREFIX,
    Serialized,
    SessionState,
    Value,
)
from streamlit.runtime.uploaded_file_manager import DeletedFile, UploadedFile, UploadFileUrlInfo
from streamlit.web.server import server_util
from streamlit.web.server.starlette import starlette_websocket
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

from emosense.errors import EmoSenseError

if TYPE_CHECKING:
    from starlette.websockets import WebSocket
    from streamlit.proto.BackMsg_pb2 import BackendOperationRequest
    from streamlit.proto.WidgetStates_pb2 import WidgetStates
    from streamlit.runtime.app_session import AppSession as AppSession
    from streamlit.runtime.memory_media_file_storage import MemoryFile, MemoryMediaFileStorage
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadedFileRec
    from streamlit.runtime.websocket_session_manager import WebsocketSessionManager
    from streamlit.web.server.starlette.starlette_websocket import StarletteSessionClient

STREAMLIT_VERSION: Final = "1.67"
"""The version whose private parts these are."""
_COUNTED_ENTRIES: Final = 20_000
_LOCAL_NAMES: Final = ("localhost", "0.0.0.0", "127.0.0.1")
_LOGGER: Final = logging.getLogger(__name__)


def _session_manager() -> WebsocketSessionManager | None:
    manager = runtime.get_instance()._session_mgr if runtime.exists() else None
    return manager  # type: ignore[return-value]


def disconnected_sessions() -> list[tuple[AppSession, object]]:
    """Return the sessions whose browser has gone and that may still reconnect.

    Returns:
        Each session with an object that stands for its disconnection: another one after the
        session has reconnected and disconnected again.
    """
    manager = _session_manager()
    if manager is None:
        return []
    return [(info.session, info) for info in manager._session_storage.list()]


def session_id() -> str:
    """Return the id of the session whose script runs in this thread; empty outside of a script."""
    context = get_script_run_ctx(suppress_warning=True)
    return "" if context is None else context.session_id


def is_connected(session: str) -> bool:
    """Return whether a browser is connected to the session with this id."""
    return runtime.exists() and runtime.get_instance().is_active_session(session)


def has_left(session: str) -> bool:
    """Return whether a server runs whose session with this id has no browser any more."""
    return runtime.exists() and not is_connected(session)


def is_kept(session: str) -> bool:
    """Return whether a session with this id has a browser, or may get it back."""
    manager = _session_manager()
    return manager is not None and (
        manager.is_active_session(session) or manager._session_storage.get(session) is not None
    )


def end_session(session: AppSession) -> None:
    """End a disconnected session: its uploads are removed and its state is emptied."""
    if runtime.exists():
        runtime.get_instance().close_session(session.id)
    session.shutdown()  # if the storage of sessions has dropped it before; else it does nothing
    session.session_state.clear()  # the server keeps a reference to its last session


def is_host_allowed(host: str | None) -> bool:
    """Return whether a Host header is one of ``server.allowedHosts``."""
    return starlette_websocket.is_host_allowed(host)


def is_origin_allowed(origin: str | None, host: str | None) -> bool:
    """Return whether an Origin header is none, the host's own, or allowed by Streamlit's options.

    Streamlit itself would ask another host for the address that this one has in the internet.
    """
    if not is_host_allowed(host):
        return False
    if origin is None or not config.get_option("server.enableCORS"):
        return True
    try:
        parsed = urlsplit(origin)
        name = parsed.hostname
        _ = parsed.port  # it may be no number
    except ValueError:
        return False
    if parsed.netloc == host:
        return True
    origins = [url_util.get_hostname(each) for each in server_util.allowlisted_origins()]
    own = [*_LOCAL_NAMES, server_util._get_server_address_if_manually_set(), *origins]
    return name is not None and name in own


def user_info(headers: Headers) -> dict[str, Any]:
    """Return what a request's signed cookie and the proxy's trusted headers say about its user.

    The same as ``st.user`` of a session that is opened with these headers; empty for a forged or
    expired cookie.
    """
    info: dict[str, Any] = {}
    # A read of the cookie secret would create one where no login is set up.
    if "cookie" in headers and secrets_singleton.load_if_toml_exists():
        cookies = cookie_parser(headers["cookie"])
        payload = starlette_websocket._get_signed_cookie_with_chunks(cookies, USER_COOKIE_NAME)
        if payload:
            info.update(json.loads(payload))
    info.update(starlette_websocket.gather_user_info(headers))
    return info


class UploadedFiles:
    """The files that Streamlit's uploaders hold, and the ids that it gives out for them.

    From :meth:`watch` on, which the server's lifespan calls, an id holds a keyed hash of its session
    (BLAKE2, RFC 7693): whether the server has given it out can be told without remembering any. It
    holds the number of a run of its page as well, see :meth:`run_of`.

    >>> UploadedFiles().buffers()
    {}
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def watch(self) -> None:
        """Mark from now on the ids that the running server gives out; take files only for those."""
        manager = self._manager()
        assert manager is not None
        get_upload_urls, add_file = manager.get_upload_urls, manager.add_file

        def issue(session_id: str, file_names: Sequence[str]) -> list[UploadFileUrlInfo]:
            urls = get_upload_urls(session_id, file_names)
            return [self._mark(session_id, url) for url in urls]

        def add(session_id: str, file: UploadedFileRec) -> None:
            # The last bytes may arrive after the session has ended, or its uploader has gone: nobody
            # would remove the file.
            if self.is_issued(session_id, file.file_id) and self.is_awaited(
                session_id, file.file_id
            ):
                add_file(session_id, file)

        manager.get_upload_urls = issue  # type: ignore[method-assign]
        manager.add_file = add  # type: ignore[method-assign]
        _tell_of_runs(self.run_began, self.run_ended)

    def current_run(self, session: str) -> int:
        """Return the number of a session's last run that has begun, which new ids get."""
        return 0

    def is_awaited(self, session: str, file: str) -> bool:
        """Return whether an uploader that the session's page shows may have asked for a file."""
        return True

    def run_began(self, session: str, named: Collection[str]) -> None:
        """Note that a session's script begins to run.

        Args:
            session: id of the session.
            named: the ids of the files that the browser says are in its uploaders.
        """

    def run_ended(self, session: str, held: Mapping[str, Collection[str]]) -> None:
        """Note that a session's script has run to its end.

        Args:
            session: id of the session.
            held: the ids of the files that each of its uploaders holds, by the uploader's.
        """

    @staticmethod
    def run_of(file: str) -> int:
        """Return the number of the run in which an id was given out."""
        number, _, _ = file.partition(".")
        return int(number, 16)

    def is_issued(self, session: str, file: str) -> bool:
        """Return whether the server has given this id of a file to a session that lasts."""
        nonce, _, mark = file.partition("-")
        expected = self._hash(session, nonce)
        return hmac.compare_digest(mark.encode(), expected.encode()) and is_kept(session)

    def _mark(self, session: str, url: UploadFileUrlInfo) -> UploadFileUrlInfo:
        # As short as Streamlit's own, since each message of a page repeats the ids of its files.
        nonce = f"{self.current_run(session):x}.{secrets.token_hex(6)}"
        file = f"{nonce}-{self._hash(session, nonce)}"
        return UploadFileUrlInfo(
            file_id=file,
            upload_url=url.upload_url.replace(url.file_id, file),
            delete_url=url.delete_url.replace(url.file_id, file),
        )

    def _hash(self, session: str, nonce: str) -> str:
        text = f"{session}/{nonce}".encode(errors="replace")
        return hashlib.blake2b(text, key=self._key, digest_size=10).hexdigest()

    def buffers(self) -> dict[str, list[bytes]]:
        """Return the uploads of each session, by session id."""
        manager = self._manager()
        if manager is None:
            return {}
        with manager._lock:
            return {
                session: [file.data for file in files.values()]
                for session, files in manager.file_storage.items()
            }

    def stored(self, session: str) -> list[str]:
        """Return the ids of a session's uploads."""
        manager = self._manager()
        if manager is None:
            return []
        with manager._lock:
            return list(manager.file_storage.get(session, ()))

    def remove(self, session: str, files: Collection[str]) -> None:
        """Remove uploads of a session, by their ids."""
        manager = self._manager()
        for file in files if manager is not None else ():
            manager.remove_file(session, file)  # type: ignore[union-attr]

    @staticmethod
    def _manager() -> MemoryUploadedFileManager | None:
        manager = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
        return manager  # type: ignore[return-value]


def _tell_of_runs(
    run_began: Callable[[str, Collection[str]], None],
    run_ended: Callable[[str, Mapping[str, Collection[str]]], None],
) -> None:
    """Call functions whenever a script begins to run, and whenever one has run to its end."""
    begin, finish = SafeSessionState.on_script_will_rerun, SafeSessionState.on_script_finished

    def tell_and_begin(
        self: SafeSessionState, fresh_widget_states: WidgetStates | None, **options: Any
    ) -> None:
        states = () if fresh_widget_states is None else fresh_widget_states.widgets
        named = {file.file_id for state in states for file in _files_in(Serialized(state))}
        run_began(session_id(), named)
        begin(self, fresh_widget_states, **options)

    def finish_and_tell(
        self: SafeSessionState, widget_ids_this_run: frozenset[str], **options: bool
    ) -> None:
        with self._lock:
            finish(self, widget_ids_this_run, **options)
            held = _held_files(self._state)
        # Only at the end of a run it is said whether widgets may be missing; before a run of another
        # page Streamlit calls this too, and the state of its widgets comes after that.
        if options.get("remove_stale_widgets"):
            run_ended(session_id(), held)

    SafeSessionState.on_script_will_rerun = tell_and_begin  # type: ignore[method-assign]
    SafeSessionState.on_script_finished = finish_and_tell  # type: ignore[method-assign]


def _held_files(state: SessionState) -> dict[str, set[str]]:
    """Return the ids of the files in each uploader or camera of a page, by its own id."""
    metadata = state._new_widget_state.widget_metadata
    values = {**state._old_state, **state._new_widget_state.states}
    return {
        widget: {file.file_id for file in _files_in(value)}
        for widget, value in values.items()
        if widget in metadata and metadata[widget].value_type == "file_uploader_state_value"
    }


def _files_in(value: Any) -> list[Any]:
    """Return the files in the value of an uploader, in whichever form Streamlit holds it."""
    if isinstance(value, Serialized):
        return list(value.value.file_uploader_state_value.uploaded_file_info)
    content = value.value if isinstance(value, Value) else value
    files = content if isinstance(content, list) else [content]
    # Browsers of ill will send values of other kinds.
    return [file for file in files if isinstance(file, UploadedFile | DeletedFile)]


def media_sizes() -> dict[str, list[int]]:
    """Return the sizes in bytes of each session's pictures, videos and downloads, by its id."""
    if not runtime.exists():
        return {}
    manager = runtime.get_instance().media_file_mgr
    stored = dict(manager._storage._files_by_id)  # type: ignore[attr-defined]
    held = {
        session: set(by_place.values())
        for session, by_place in list(manager._files_by_session_and_coord.items())
    }
    for file, (session, _) in list(_downloads.items()):
        held.setdefault(session, set()).add(file)
    return {
        session: [stored[file].content_size for file in files if file in stored]
        for session, files in held.items()
    }


_downloads: dict[str, tuple[str, float]] = {}
"""Files that were made for a download: their session, and the monotonic time in seconds."""


def keep_downloads(
    seconds: float = 120, until_stored: Callable[[], AbstractContextManager[None]] = nullcontext
) -> None:
    """Keep files that are made when a download button is pressed for some time.

    Streamlit stores such a file without a session: the end of any other session's run deletes it,
    often before the browser has fetched it. Call it once, when the server starts.

    Args:
        seconds: time in seconds for which a file is kept.
        until_stored: context in which each file is made and stored, in one thread.
    """
    manager = runtime.get_instance().media_file_mgr
    execute, find_inactive = manager.execute_deferred, manager._get_inactive_file_ids

    def execute_and_keep(file_id: str) -> str:
        owners = [
            session
            for session, by_place in list(manager._files_by_session_and_coord.items())
            if file_id in by_place.values()
        ]
        with until_stored():
            url = execute(file_id)
            _downloads[PurePosixPath(url).stem] = ("".join(owners[:1]), time.monotonic())
        return url

    def find_inactive_and_old() -> set[str]:
        now = time.monotonic()
        for file, (_, made) in list(_downloads.items()):
            if now - made > seconds:
                _downloads.pop(file, None)
        return find_inactive() - _downloads.keys()

    manager.execute_deferred = execute_and_keep  # type: ignore[method-assign]
    manager._get_inactive_file_ids = find_inactive_and_old  # type: ignore[method-assign]


def send_media_without_copies() -> None:
    """Let parts of pictures, videos and downloads (range requests) be views of their files.

    Streamlit copies all that follows the position that a browser asks for, in each answer. Call it
    once, when the server starts.
    """
    storage = cast("MemoryMediaFileStorage", runtime.get_instance().media_file_mgr._storage)
    get_file = storage.get_file

    def get_view(filename: str) -> MemoryFile:
        file = get_file(filename)
        return file._replace(content=memoryview(file.content))  # type: ignore[arg-type]

    storage.get_file = get_view  # type: ignore[method-assign]


class PendingMessages(asyncio.Queue[bytes]):
    """The messages to one browser that wait until it reads: bounded in bytes too.

    Streamlit bounds their number, whatever their size, and disconnects a browser whose queue is
    full. An empty queue takes any message.

    >>> queue = PendingMessages(maxsize=500)
    >>> queue.put_nowait(bytes(PendingMessages.MAX_BYTES))
    >>> queue.full(), queue.bytes == PendingMessages.MAX_BYTES
    (False, True)
    >>> queue.put_nowait(b"1")
    Traceback (most recent call last):
    ...
    asyncio.queues.QueueFull
    """

    MAX_BYTES: Final = 16 * 2**20
    """Of one browser."""
    MAX_TOTAL_BYTES: Final = 128 * 2**20
    """Of all browsers, beside those that hold little."""
    SMALL_BYTES: Final = 2**20

    def __init__(self, maxsize: int) -> None:
        super().__init__(maxsize)
        self.bytes = 0
        _pending.add(self)

    def put_nowait(self, item: bytes) -> None:
        """Add a message.

        Raises:
            asyncio.QueueFull: too many, or too large ones, wait.
        """
        own = self.bytes + len(item)
        if self.bytes and own > self.SMALL_BYTES:
            total = sum(queue.bytes for queue in _pending) + len(item)
            if own > self.MAX_BYTES or total > self.MAX_TOTAL_BYTES:
                raise asyncio.QueueFull
        super().put_nowait(item)

    def _put(self, item: bytes) -> None:
        self.bytes += len(item)
        super()._put(item)

    def _get(self) -> bytes:
        item = super()._get()
        self.bytes -= len(item)
        return item


_pending: weakref.WeakSet[PendingMessages] = weakref.WeakSet()


def limit_pending_messages() -> None:
    """Bound what waits for browsers that do not read. Call it once, when the server starts."""
    client = starlette_websocket.StarletteSessionClient
    initialise = client.__init__

    def initialise_and_bound(self: StarletteSessionClient, websocket: WebSocket) -> None:
        initialise(self, websocket)
        # Nothing is in it yet, and the task that empties it has not begun.
        self._send_queue = PendingMessages(self._send_queue.maxsize)

    client.__init__ = initialise_and_bound  # type: ignore[method-assign]


def prepare_downloads(
    prepare: Callable[[str, Callable[[], str]], Coroutine[Any, Any, str]],
) -> None:
    """Make the files of download buttons by a function, in the place of asyncio's default executor.

    Args:
        prepare: takes the session's id and a function that makes a file and returns its URL; returns
            that URL. An :class:`EmoSenseError` of either is told beside the button.
    """

    async def handle(
        self: DeferredFileHandler, request: BackendOperationRequest, session_id: str
    ) -> BackendOperationResponse:
        make = partial(self._get_media_file_mgr().execute_deferred, request.deferred_file.file_id)
        response = BackendOperationResponse(request_id=request.request_id)
        try:
            response.deferred_file.url = await prepare(session_id, make)
        except (EmoSenseError, MediaFileStorageError) as error:
            cause = error.__cause__ if isinstance(error, MediaFileStorageError) else error
            if isinstance(cause, EmoSenseError):
                response.error_msg = str(cause)
            elif cause is None:  # the page has run again, and has another button
                response.error_msg = "The page has changed. Press the button again."
            else:
                _LOGGER.exception("A file for a download could not be made", exc_info=cause)
                response.error_msg = "The file could not be made."
        return response

    DeferredFileHandler.handle = handle  # type: ignore[method-assign]


def session_visitor(session: str) -> tuple[dict[str, Any], str | None]:
    """Return what is known of the user of a session, and his address; nothing if it has no browser.

    The first as :func:`user_info` returns it.
    """
    manager = _session_manager()
    info = manager.get_active_session_info(session) if manager is not None else None
    if info is None:
        return {}, None
    context = info.client.client_context
    return dict(info.session._user_info), None if context is None else context.remote_ip


def limit_logs(limit: logging.Filter) -> None:
    """Filter all that Streamlit and uvicorn log, tracebacks of pages too."""
    # Otherwise these are printed, and pass through no logger.
    st.set_option("logger.enableRich", False)
    for logger in list(streamlit.logger._loggers.values()):
        if limit not in logger.filters:
            logger.addFilter(limit)


_ELEMENT_ID: Final = re.compile(
    # A trigger of a component has its component's id within its own.
    rf"({re.escape(STREAMLIT_INTERNAL_KEY_PREFIX)}_)?"
    rf"{re.escape(GENERATED_ELEMENT_ID_PREFIX)}-[0-9a-f]{{32}}-.{{1,300}}",
    re.DOTALL,
)


@dataclass(frozen=True)
class BrowserMessage:
    """What a message from the browser holds.

    Attributes:
        kind: e.g. "rerun_script", or "deferred_file" for a "backend_operation_request" of that
            payload; empty if it holds none.
        files: number of files that it asks to upload.
        request_id: its own name, by which a request for uploads is answered.
        entries: number of widgets, files in them and cached messages that it tells of.
        has_foreign_widgets: whether it tells of a widget that Streamlit cannot have made. Streamlit
            raises for such ones while it reads its state.

    >>> BrowserMessage("stop_script").files
    0
    """

    kind: str
    files: int = 0
    request_id: str = ""
    entries: int = 0
    has_foreign_widgets: bool = False


def read_message(data: bytes) -> BrowserMessage | None:
    """Return what a message from the browser holds; None if it is none."""
    message = BackMsg()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return None
    kind: str = message.WhichOneof("type") or ""
    if kind == "backend_operation_request":
        return BrowserMessage(message.backend_operation_request.WhichOneof("payload") or "")
    if kind == "file_urls_request":
        request = message.file_urls_request
        return BrowserMessage(kind, len(request.file_names), request.request_id)
    if kind == "rerun_script":
        state = message.rerun_script
        widgets = state.widget_states.widgets
        entries = len(widgets) + len(state.cached_message_hashes)
        if entries > _COUNTED_ENTRIES:  # no page has so many; to read each would take long
            return BrowserMessage(kind, entries=entries, has_foreign_widgets=True)
        entries += sum(
            len(widget.file_uploader_state_value.uploaded_file_info)
            for widget in widgets
            if widget.HasField("file_uploader_state_value")
        )
        foreign = not all(_ELEMENT_ID.fullmatch(widget.id) for widget in widgets)
        return BrowserMessage(kind, entries=entries, has_foreign_widgets=foreign)
    return BrowserMessage(kind)


def refuse_upload(request_id: str, reason: str) -> bytes:
    """Return the answer to a request for uploads that makes the uploader show a reason."""
    message = ForwardMsg()
    message.metadata.SetInParent()
    message.file_urls_response.response_id = request_id
    message.file_urls_response.error_msg = reason
    return bytes(message.SerializeToString())


def returning_session(subprotocols: Sequence[str]) -> str | None:
    """Return the session that a browser had and names when it connects again; None for a new one.

    Args:
        subprotocols: those that its connection asks for (RFC 6455, section 1.9).
    """
    return subprotocols[2] if len(subprotocols) > 2 and subprotocols[2] else None
