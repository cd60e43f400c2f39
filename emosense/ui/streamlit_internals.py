"""All uses of Streamlit's private parts, in one place.

Written for Streamlit 1.67; ``tests/contract/test_streamlit_internals.py`` checks each of them against
the installed version.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.message import DecodeError
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from streamlit import runtime
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.secrets import secrets_singleton
from streamlit.web.server.starlette import starlette_websocket
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME

if TYPE_CHECKING:
    from streamlit.runtime.app_session import AppSession as AppSession
    from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
    from streamlit.runtime.uploaded_file_manager import UploadFileUrlInfo
    from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

STREAMLIT_VERSION: Final = "1.67"
"""The version whose private parts these are."""


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
    """Return whether an Origin header is none, the host's own, or allowed by Streamlit's options."""
    return starlette_websocket._is_origin_allowed(origin, host)


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
    """The files that Streamlit's uploaders hold, and the ids that it gave out for them.

    The ids are recorded from :meth:`watch` on, which the server's lifespan calls.

    >>> UploadedFiles().buffers()
    {}
    """

    def __init__(self) -> None:
        self._issued: dict[str, set[str]] = {}

    def watch(self) -> None:
        """Record from now on which ids the running server gives out."""
        manager = self._manager()
        assert manager is not None
        get_upload_urls, remove_session_files = (
            manager.get_upload_urls,
            manager.remove_session_files,
        )

        def issue(session: str, names: Sequence[str]) -> list[UploadFileUrlInfo]:
            urls = get_upload_urls(session, names)
            self._issued.setdefault(session, set()).update(url.file_id for url in urls)
            return urls

        def forget(session: str) -> None:
            self._issued.pop(session, None)
            remove_session_files(session)

        manager.get_upload_urls = issue  # type: ignore[method-assign,assignment]
        manager.remove_session_files = forget  # type: ignore[method-assign,assignment]

    def is_issued(self, session: str, file: str) -> bool:
        """Return whether the server has given this id of a file to a session."""
        return file in self._issued.get(session, ())

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

    @staticmethod
    def _manager() -> MemoryUploadedFileManager | None:
        manager = runtime.get_instance().uploaded_file_mgr if runtime.exists() else None
        return manager  # type: ignore[return-value]


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


def message_kind(data: bytes) -> str | None:
    """Return the kind of a message from the browser; None if it is none.

    E.g. "rerun_script", or "deferred_file" for a "backend_operation_request" of that payload.
    """
    message = BackMsg()
    try:
        message.ParseFromString(data)
    except DecodeError:
        return None
    kind: str | None = message.WhichOneof("type")
    if kind == "backend_operation_request":
        payload: str | None = message.backend_operation_request.WhichOneof("payload")
        return payload
    return kind
