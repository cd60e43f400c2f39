"""Runs ASGI applications without a server."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from emosense.asgi.connection import CONNECTION


@dataclass
class Answer:
    """What an application sent."""

    status: int = 0
    headers: dict = field(default_factory=dict)
    body: bytes = b""
    messages: list = field(default_factory=list)


@pytest.fixture
def ask():
    """A function that sends one request to an application and returns its answer."""

    def ask(
        app,
        path="/",
        method="GET",
        body=(b"",),
        kind="http",
        client="203.0.113.7",
        connection=None,
        scheme="http",
        **headers,
    ):
        fields = {"host": "localhost", **{k.replace("_", "-"): v for k, v in headers.items()}}
        scope = {
            "type": kind,
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "http_version": "1.1",
            "scheme": scheme,
            "client": (client, 1),
            "headers": [
                (k.encode(), v.encode("latin-1")) for k, v in fields.items() if v is not None
            ],
        }
        if connection is not None:
            scope[CONNECTION] = connection
        if kind == "http":
            scope["method"] = method
        parts = list(body)
        answer = Answer()

        async def receive():
            if parts:
                part = parts.pop(0)
                return {"type": "http.request", "body": part, "more_body": bool(parts)}
            return await asyncio.Event().wait()  # nothing more comes, as with an open connection

        async def send(message):
            answer.messages.append(message)
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
            elif message["type"] == "http.response.body":
                answer.body += message.get("body", b"")

        # In a separate thread: browser tests leave the main thread with a running event loop.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(app(scope, receive, send))).result()
        return answer

    return ask
