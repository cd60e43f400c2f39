"""A browser session without a browser: speaks Streamlit's protocol with a running server.

Lets tests and benchmarks upload thousands of files, or hold twenty sessions open, through the
very path that a browser's uploads take.
"""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pyarrow as pa
import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import connect
from websockets.typing import Subprotocol

from support.waiting import wait_until

Upload = tuple[str, bytes, str]
"""Name, content and MIME type of a file."""


class _FromAddress(requests.adapters.HTTPAdapter):
    """Connects from one of the machine's addresses."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:
        super().init_poolmanager(*sizes, source_address=(self._address, 0), **options)


class BrowserSession:
    """One session of the app; close it, or use it in a ``with`` block.

    Args:
        url: of the server, e.g. ``http://localhost:8501``.
        page: path of a page, e.g. ``video``; empty for the first one.
        timeout: seconds that a run of the page may take.
        address: the visitor's own address, e.g. ``127.0.0.2``; empty for any.
    """

    def __init__(self, url: str, page: str = "", timeout: float = 300, address: str = "") -> None:
        self._url, self._page, self._timeout = url, page, timeout
        self._address = address
        self._http = requests.Session()
        if address:
            self._http.mount("http://", _FromAddress(address))
        # A kept connection may be closed by the server just when it is used again; browsers then
        # try once more, this client opens a new one each time.
        self._http.headers["Connection"] = "close"
        self._http.get(f"{url}/_stcore/health", timeout=30).raise_for_status()
        self._xsrf = self._http.cookies.get("_streamlit_xsrf") or ""
        self._cookies = "; ".join(f"{k}={v}" for k, v in self._http.cookies.items())
        self._open = ExitStack()
        self._connect()
        self._elements: dict[tuple[int, ...], Element] = {}
        self._seen: set[tuple[int, ...]] = set()
        self._states: dict[str, WidgetState] = {}
        self._page_hash = ""
        self.id = ""
        self.run()

    def _connect(self, *session: str) -> None:
        options: dict[str, Any] = {"source_address": (self._address, 0)} if self._address else {}
        self._socket = self._open.enter_context(
            connect(
                self._url.replace("http", "ws", 1) + "/_stcore/stream",
                subprotocols=[Subprotocol(name) for name in ("streamlit", self._xsrf, *session)],
                additional_headers={"Cookie": self._cookies},
                max_size=None,
                open_timeout=60,
                **options,
            )
        )

    def reconnect(self) -> None:
        """Lose the network and come back, as a browser does; the page runs again."""
        self._socket.close()
        self._connect(self.id)
        self.run()

    def __enter__(self) -> BrowserSession:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave, as a browser does when its tab is closed."""
        self._open.close()
        self._http.close()

    def visit(self, page: str) -> None:
        """Go to another page, where the widgets of this one are forgotten."""
        self._page, self._page_hash = page, ""
        self._states, self._elements = {}, {}
        self.run()

    def run(self, fragment: str = "") -> None:
        """Run the page, or one of its fragments, with the widgets' values; wait for its end."""
        message = BackMsg()
        state = message.rerun_script
        state.page_name = "" if self._page_hash else self._page
        state.page_script_hash = self._page_hash
        state.fragment_id = fragment
        state.widget_states.widgets.extend(self._states.values())
        self.send(message)
        self._until_finished()
        for trigger in [key for key, value in self._states.items() if value.trigger_value]:
            del self._states[trigger]

    def upload(self, *files: Upload) -> None:
        """Give files to the page's uploader, in the place of earlier ones, and run the page."""
        targets = self.ask_for_uploads(*(name for name, _, _ in files))
        for target, file in zip(targets, files, strict=True):
            self.send_file(target, file)
        self.name_files(targets, *files)

    def name_files(self, targets: list[FileURLs], *files: Upload) -> None:
        """Say that files that were sent are in the page's uploader, and run the page."""
        widget = self._one("file_uploader").file_uploader.id
        state = WidgetState(id=widget)
        infos = state.file_uploader_state_value.uploaded_file_info
        for target, (name, data, _) in zip(targets, files, strict=True):
            info = infos.add(file_id=target.file_id, name=name, size=len(data))
            info.file_urls.CopyFrom(target)
        self._states[widget] = state
        self.run()

    def ask_for_uploads(self, *names: str) -> list[FileURLs]:
        """Ask for the ids of files; return where each is sent to.

        Raises:
            AssertionError: the server gives none.
        """
        message = BackMsg()
        request = message.file_urls_request
        request.request_id, request.session_id = uuid.uuid4().hex, self.id
        request.file_names.extend(names)
        self.send(message)
        while True:
            answer = self._receive()
            if answer.WhichOneof("type") == "file_urls_response":
                break
            self._take(answer)
        assert not answer.file_urls_response.error_msg, answer.file_urls_response.error_msg
        return list(answer.file_urls_response.file_urls)

    def click(self, label: str) -> None:
        """Press the button that is called ``label``."""
        for element in self.elements("button"):
            if element.button.label == label:
                self._states[element.button.id] = WidgetState(
                    id=element.button.id, trigger_value=True
                )
                self.run()
                return
        raise AssertionError(f"no button {label!r}; the page says: {self.text}")

    def wait(self, told: str, seconds: float = 300) -> str:
        """Run the page until it says ``told``; return all that it says."""
        self.wait_until(lambda: told in self.text, seconds)
        return self.text

    def wait_until(self, condition: Callable[[], bool], seconds: float = 300) -> None:
        """Run the page until a condition holds."""

        def holds() -> bool:
            if condition():
                return True
            self.run()
            return condition()

        wait_until(holds, lambda: f"the page says: {self.text}", seconds, pause=0.3)

    def download(self, label: str) -> bytes:
        """Press a download button whose file is made only now; return the file.

        Raises:
            AssertionError: there is no such button, or the file could not be made.
        """
        button = next(
            e.download_button
            for e in self.elements("download_button")
            if e.download_button.label == label
        )
        message = BackMsg()
        request = message.backend_operation_request
        request.request_id, request.session_id = uuid.uuid4().hex, self.id
        request.deferred_file.file_id = button.deferred_file_id
        self.send(message)
        while True:
            answer = self._receive()
            if answer.WhichOneof("type") == "backend_operation_response":
                break
            self._take(answer)
        made = answer.backend_operation_response
        assert not made.error_msg, made.error_msg
        reply = self._http.get(self._url + made.deferred_file.url, timeout=self._timeout)
        reply.raise_for_status()
        return reply.content

    def elements(self, kind: str) -> list[Element]:
        """Return the page's elements of a kind (Streamlit's name), in their order."""
        found = sorted(self._elements.items())
        return [element for _, element in found if element.WhichOneof("type") == kind]

    @property
    def text(self) -> str:
        """All that the page says in words."""
        return "\n".join(
            [element.markdown.body for element in self.elements("markdown")]
            + [element.heading.body for element in self.elements("heading")]
            + self.alerts
        )

    @property
    def alerts(self) -> list[str]:
        """All messages in boxes: errors, warnings, information."""
        return [element.alert.body for element in self.elements("alert")]

    @property
    def faults(self) -> list[str]:
        """All exceptions that the page shows; there should never be one."""
        return [element.exception.message for element in self.elements("exception")]

    @property
    def photos(self) -> list[str]:
        """Names of the photos that the page shows, in their order."""
        pictures = [picture for e in self.elements("imgs") for picture in e.imgs.imgs]
        # Told as "name, 2 faces: ..."; pictures of single faces are told otherwise.
        told = (re.match(r"(.*), \d+ faces?\b", picture.alt) for picture in pictures)
        return [match[1] for match in told if match]

    def tables(self) -> list[pa.Table]:
        """Return the page's tables."""
        found = [*self.elements("arrow_data_frame"), *self.elements("dataframe")]
        tables = []
        for element in found:
            data = getattr(element, str(element.WhichOneof("type")))
            raw = getattr(data, "data", b"") or data.arrow_data.data
            tables.append(pa.ipc.open_stream(io.BytesIO(raw)).read_all())
        return tables

    def _one(self, kind: str) -> Element:
        found = self.elements(kind)
        assert found, f"no {kind} on the page, which says: {self.text}"
        return found[0]

    def send_file(self, target: FileURLs, file: Upload) -> None:
        """Send a file to where the server has said; no uploader names it yet.

        Raises:
            requests.HTTPError: it was refused.
        """
        name, data, mime = file
        answer = self._http.put(
            self._url + target.upload_url,
            files={name: (name, data, mime)},
            headers={"X-Xsrftoken": self._xsrf},
            timeout=self._timeout,
        )
        answer.raise_for_status()

    def send(self, message: BackMsg) -> None:
        """Send a message as it is."""
        self._socket.send(message.SerializeToString())

    def _receive(self) -> ForwardMsg:
        message = ForwardMsg()
        message.ParseFromString(self._socket.recv(timeout=self._timeout))
        return message

    def _until_finished(self) -> None:
        again = ForwardMsg.FINISHED_EARLY_FOR_RERUN
        while True:
            message = self._receive()
            self._take(message)
            if message.WhichOneof("type") == "script_finished" and (
                message.script_finished != again
            ):
                return

    def _take(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self.id = message.new_session.initialize.session_id or self.id
            if not message.metadata.run.fragment_ids:
                self._seen = set()
        elif kind == "navigation":
            self._page_hash = message.navigation.page_script_hash
        elif kind == "delta":
            path = tuple(message.metadata.delta_path)
            self._seen.add(path)
            if message.delta.WhichOneof("type") == "new_element":
                self._elements[path] = message.delta.new_element
            else:
                self._elements.pop(path, None)  # a container now stands there
        elif kind == "script_finished" and (
            message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
        ):
            # What this run did not write again is gone.
            self._elements = {p: e for p, e in self._elements.items() if p in self._seen}
