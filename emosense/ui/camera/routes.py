"""The routes of cameras: their scripts, and the WebSocket that frames come over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from emosense.asgi.owner import OWNER
from emosense.errors import EmoSenseError, MediaError, ServerBusy
from emosense.media.live_frame import MAX_BYTES
from emosense.services import services
from emosense.ui.camera.cameras import Camera, UnknownCamera, cameras
from emosense.ui.camera.protocol import (
    HEADER,
    error_message,
    frame_message,
    read_command,
    read_frame,
    state_message,
)
from emosense.ui.components.assets import asset_response
from emosense.worker.lanes import PoolClient
from emosense.worker.messages import AnalyzeLiveFrame

_ASSETS: Final = Path(__file__).with_name("assets")
_BUSY: Final = 1013  # try again later (IANA's registry of WebSocket close codes)
_REFUSED: Final = 4000  # private use (RFC 6455, 7.4.2): trying again does not help
_UNKNOWN: Final = 4001
"""As before; the page gets another address, and tries that."""
_MAX_FAULTS: Final = 20
"""Messages that cannot be read after which a connection is closed."""


def camera_routes() -> list[BaseRoute]:
    """Return the routes of cameras."""
    return [
        Route("/camera/assets/{name}", _asset),
        WebSocketRoute("/camera/stream/{address}", _stream),
    ]


async def _asset(request: Request) -> Response:
    return asset_response(_ASSETS, request.path_params["name"])


async def _stream(websocket: WebSocket) -> None:
    address = websocket.path_params["address"]
    await websocket.accept()
    turn = _Turn()
    try:
        with cameras.connected(address, websocket.scope.get(OWNER, ""), turn.end) as camera:
            await turn.run(_Connection(websocket, address, camera).run())
    except WebSocketDisconnect:
        pass
    except EmoSenseError as error:
        codes = {ServerBusy: _BUSY, UnknownCamera: _UNKNOWN}
        code = next((code for kind, code in codes.items() if isinstance(error, kind)), _REFUSED)
        with suppress(WebSocketDisconnect):  # it may have gone meanwhile
            await websocket.close(code, str(error)[:120])


class _Turn:
    """The time in which a connection has its camera: until it ends, or a newer one takes its place."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._is_over = False

    async def run(self, work: Coroutine[None, None, None]) -> None:
        """Run the connection's work.

        Raises:
            EmoSenseError: a newer connection took its place.
        """
        self._task = asyncio.create_task(work)
        try:
            await self._task
        except asyncio.CancelledError:
            if not self._is_over:
                raise  # the server ends
            raise EmoSenseError(
                "This camera was connected once more, elsewhere. Press Start to use it here."
            ) from None

    def end(self) -> None:
        """End the work where it waits: an answer that is still to come is neither sent nor recorded."""
        self._is_over = True
        if self._task is not None:
            self._task.cancel()


class _Connection:
    """A connected camera: answers frame by frame."""

    def __init__(self, websocket: WebSocket, address: str, camera: Camera) -> None:
        self._websocket = websocket
        self._address = address
        self._camera = camera
        self._faults = 0
        self._client: PoolClient = services().cameras.client(
            camera.account, lambda: cameras.find(address, camera.owner) is None
        )

    async def run(self) -> None:
        # A page that lost its connection learns that the recording of that one has ended.
        await self._websocket.send_text(state_message(recording=False))
        while cameras.find(self._address, self._camera.owner) is self._camera:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                if (data := message.get("bytes")) is not None:
                    await self._answer(data)
                else:
                    await self._obey(read_command(message["text"]))
            except EmoSenseError as error:
                await self._websocket.send_text(error_message(str(error)))
                self._faults += not isinstance(error, ServerBusy)
                if self._faults > _MAX_FAULTS:
                    raise

    async def _answer(self, data: bytes) -> None:
        if len(data) > HEADER.size + MAX_BYTES:
            raise MediaError(
                f"Expected a frame of {MAX_BYTES} bytes at most. Received: {len(data)}"
            )
        frame, started = read_frame(data), time.perf_counter()
        model = self._camera.model  # its page may choose another one while this one answers
        request = AnalyzeLiveFrame(
            session=self._address,
            index=frame.index,
            time=frame.time,
            data=frame.data,
            model=model,
        )
        answer = await run_in_threadpool(self._client.request, request)
        note = self._camera.record(answer, model)
        milliseconds = 1000 * (time.perf_counter() - started)
        await self._websocket.send_text(frame_message(answer, milliseconds))
        if note is not None:
            await self._stop(note)

    async def _obey(self, command: str) -> None:
        if command == "record":
            self._camera.start_recording()
            await self._websocket.send_text(state_message(recording=True))
        else:
            await self._stop(None)

    async def _stop(self, note: str | None) -> None:
        if self._camera.stop_recording() is None and note is None:
            note = "Nothing was recorded."
        await self._websocket.send_text(state_message(recording=False, note=note))
