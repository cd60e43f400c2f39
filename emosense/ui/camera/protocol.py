"""The protocol between a camera's page and the server, version 1; docs/camera.md describes it.

A frame is a binary message: :data:`HEADER` (version, number, time) and a JPEG file. Everything else
is JSON in text messages. One frame is on its way at a time: the page sends the next one, the newest
that it has, after the answer.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass
from typing import Any, Final

from emosense.errors import EmoSenseError
from emosense.ui.player.payload import face_values
from emosense.worker.messages import LiveFrame

VERSION: Final = 1

HEADER: Final = struct.Struct("<B3xId")
"""Version, three bytes without meaning, number of the frame (uint32), time in seconds (float64)."""

COMMANDS: Final = ("record", "stop")
"""What a text message may ask for."""


@dataclass(frozen=True)
class SentFrame:
    """A frame as it was sent.

    Attributes:
        index: number of the frame.
        time: time in seconds, from any moment on.
        data: JPEG file.

    >>> read_frame(HEADER.pack(1, 7, 0.5) + b"jpeg")
    SentFrame(index=7, time=0.5, data=b'jpeg')
    """

    index: int
    time: float
    data: bytes


def read_frame(message: bytes) -> SentFrame:
    """Read a binary message.

    Raises:
        EmoSenseError: the message is no frame of this version.
    """
    if len(message) < HEADER.size:
        raise EmoSenseError(
            f"Expected {HEADER.size} bytes and a JPEG file. Received: {len(message)}"
        )
    version, index, time = HEADER.unpack_from(message)
    if version != VERSION or not math.isfinite(time) or not 0 <= time < 10**9:
        raise EmoSenseError(
            f"Expected version {VERSION} and a time in seconds. Received: {version}, {time}"
        )
    return SentFrame(index, time, message[HEADER.size :])


def read_command(text: str) -> str:
    """Read a text message.

    Raises:
        EmoSenseError: it asks for something unknown.
    """
    try:
        content = json.loads(text[:1000])
        command = content.get("type") if isinstance(content, dict) else None
    except ValueError:
        command = None
    if command not in COMMANDS:
        raise EmoSenseError(
            f'Expected {{"type": "{" or ".join(COMMANDS)}"}}. Received: {text[:60]!r}'
        )
    return str(command)


def frame_message(answer: LiveFrame, milliseconds: float) -> str:
    """Return the message that answers a frame.

    Args:
        answer: the result; its faces are written as :data:`emosense.ui.player.payload.FACE_FIELDS`
            without the frame.
        milliseconds: time that the server took.
    """
    return _text(
        "frame",
        index=answer.frame.index,
        width=answer.width,
        height=answer.height,
        milliseconds=round(milliseconds, 1),
        faces=[face_values(tracked) for tracked in answer.frame.faces],
    )


def state_message(*, recording: bool, note: str | None = None) -> str:
    """Return the message that tells whether results are recorded, and why no longer."""
    return _text("state", recording=recording, note=note)


def error_message(error: str) -> str:
    """Return the message that tells what is wrong with a message of the page."""
    return _text("error", message=error)


def _text(kind: str, **content: Any) -> str:
    return json.dumps({"type": kind, "version": VERSION, **content}, separators=(",", ":"))
