"""The WebSocket of cameras: the newest connection has the camera."""

import asyncio
import json
import threading

from starlette.applications import Starlette
from support.faces import face_of
from support.own_thread import in_own_thread

from emosense.results import FrameResult, TrackedFace
from emosense.ui.camera import routes
from emosense.ui.camera.cameras import Camera, cameras
from emosense.ui.camera.protocol import HEADER
from emosense.worker.messages import LiveFrame
from emosense.worker.usage import Account


class Process:
    """Answers each frame; the one with the number 9 waits for its gate."""

    def __init__(self):
        self.cameras = self
        self.gate, self.has_begun, self.has_ended = (threading.Event() for _ in range(3))

    def client(self, account, is_gone):
        return self

    def request(self, request):
        if request.index == 9:
            self.has_begun.set()
            assert self.gate.wait(60)
            self.has_ended.set()
        frame = FrameResult(request.index, request.time, (TrackedFace(1, face_of("happy")),))
        return LiveFrame(frame=frame, width=640, height=480)


class Socket:
    """The browser's end of a connection to the routes."""

    def __init__(self, app, path):
        self._asked, self._told = asyncio.Queue(), asyncio.Queue()
        self._asked.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": path, "headers": [], "query_string": b""}
        self._task = asyncio.create_task(app(scope, self._asked.get, self._told.put))

    async def begin(self):
        assert (await self.told())["type"] == "websocket.accept"
        return await self.answer()

    async def told(self):
        async with asyncio.timeout(60):
            return await self._told.get()

    async def answer(self):
        return json.loads((await self.told())["text"])

    async def ask(self, command):
        text = json.dumps({"type": command})
        self._asked.put_nowait({"type": "websocket.receive", "text": text})
        return await self.answer()

    def send(self, index, time):
        data = HEADER.pack(1, index, time) + b"jpeg"
        self._asked.put_nowait({"type": "websocket.receive", "bytes": data})

    async def end(self):
        self._asked.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self._task


def test_an_answer_that_comes_too_late_is_of_no_recording(monkeypatch):
    """It was asked for by a connection that was replaced meanwhile."""
    process, results = Process(), []
    monkeypatch.setattr(routes, "services", lambda: process)
    address = cameras.add(Camera(Account(), "cnn8", on_recorded=results.append))

    async def visit():
        app = Starlette(routes=routes.camera_routes())
        older = Socket(app, f"/camera/stream/{address}")
        assert (await older.begin())["recording"] is False
        assert (await older.ask("record"))["recording"] is True
        older.send(1, 4.0)
        assert (await older.answer())["index"] == 1
        older.send(9, 4.1)
        assert await asyncio.to_thread(process.has_begun.wait, 60)
        newer = Socket(app, f"/camera/stream/{address}")
        assert (await newer.begin())["recording"] is False
        assert [len(result.frames) for result in results] == [1]
        closing = await older.told()
        assert (closing["type"], closing["code"]) == ("websocket.close", 4000)
        assert "connected once more" in closing["reason"]
        assert (await newer.ask("record"))["recording"] is True
        process.gate.set()
        assert await asyncio.to_thread(process.has_ended.wait, 60)
        for index, time in ((1, 0.0), (2, 0.1)):
            newer.send(index, time)
            assert (await newer.answer())["index"] == index
        assert (await newer.ask("stop"))["recording"] is False
        await older.end()
        await newer.end()

    try:
        # The browser tests leave a loop in the thread of all tests.
        in_own_thread(lambda: asyncio.run(visit()))()
    finally:
        process.gate.set()
        cameras.remove(address)
    assert [len(result.frames) for result in results] == [1, 2]
