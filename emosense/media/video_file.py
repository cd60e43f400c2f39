"""Checks of a video file before FFmpeg opens it: its size and its container format."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from emosense.errors import DamagedMedia, MediaError, MediaTooLarge, UnsupportedMedia
from emosense.media.file_kind import HEAD_BYTES, describe_kind, file_kind
from emosense.media.formats import VIDEO_FORMATS
from emosense.settings import VideoLimits

_DEMUXERS: Final = (
    (re.compile(rb"....(?:ftyp|moov|mdat|wide|free|skip|pnot)", re.DOTALL), "mov"),
    (re.compile(rb"\x1a\x45\xdf\xa3"), "matroska"),
    (re.compile(rb"RIFF....AVI ", re.DOTALL), "avi"),
    # The sync byte of transport stream packets; cameras put four bytes before each packet.
    (re.compile(rb"(?:\x47.{187}){2}\x47|.{4}(?:\x47.{191}){2}\x47", re.DOTALL), "mpegts"),
)


def check_size(path: Path, name: str, limits: VideoLimits) -> None:
    """Check that a file can be read, is not empty and not too large.

    Args:
        path: path of the file.
        name: name of the file in messages.
        limits: limits of its size.

    Raises:
        MediaError: the file does not exist or cannot be read.
        DamagedMedia: the file is empty.
        MediaTooLarge: the file is too large.
    """
    try:
        with path.open("rb"):  # raises for a folder or a file without read permission
            size = path.stat().st_size
    except FileNotFoundError:
        raise MediaError(f"There is no file {name}.") from None
    except OSError as error:
        raise MediaError(f"{name} cannot be read: {error.strerror or error}.") from error
    if size == 0:
        raise DamagedMedia(f"{name}: expected a video. Received: an empty file.")
    if size > limits.max_bytes:
        raise MediaTooLarge(
            f"{name}: expected at most {limits.max_bytes / 2**20:.0f} MB. "
            f"Received: {size / 2**20:.0f} MB."
        )


def detect_demuxer(path: Path, name: str) -> str:
    """Return FFmpeg's name of the demuxer for a video, by the first bytes of the file.

    Args:
        path: path of the file.
        name: name of the file in messages.

    Raises:
        UnsupportedMedia: the file is no video, or of a container that is not supported.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    kind = file_kind(head)
    for pattern, demuxer in _DEMUXERS:
        if kind == "video" and pattern.match(head):  # HEIC and AVIF photos begin like an MP4
            return demuxer
    description = {"photo": "a photo", "video": "a video of another kind"}.get(kind)
    raise UnsupportedMedia(
        f"{name}: expected a video ({VIDEO_FORMATS}). "
        f"Received: {description or describe_kind(head)}."
    )
