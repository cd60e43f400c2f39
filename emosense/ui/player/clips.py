"""The clips that players may fetch, by an address that nobody can guess."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from emosense.results import FrameResult, KeyMoment, VideoResult
from emosense.video.edits import Edits
from emosense.worker.usage import Account


@dataclass(frozen=True)
class Clip:
    """A clip and its analysis, which may still run.

    Attributes:
        path: path of the video file; None for numbers without pictures.
        media_type: its media type.
        frames: returns all analysed frames so far.
        is_done: returns whether the analysis is over.
        key_moments: returns the key moments, once it is over.
        result: returns the result, once it is over; None before, or without one.
        edits: returns the edits of the result.
        edit: replaces them.
        account: whose memory exports take while they are made.
        owner: whose it is, see :mod:`emosense.asgi.owner`.

    >>> Clip(Path("a.mp4"), "video/mp4", list, lambda: True).is_done()
    True
    """

    path: Path | None
    media_type: str
    frames: Callable[[], Sequence[FrameResult]]
    is_done: Callable[[], bool]
    key_moments: Callable[[], Sequence[KeyMoment]] = tuple
    result: Callable[[], VideoResult | None] = lambda: None
    edits: Callable[[], Edits] = Edits
    edit: Callable[[Edits], None] = lambda edits: None
    account: Account = field(default_factory=Account)
    owner: str = ""


class Clips:
    """The clips of all players. Thread-safe.

    >>> clips = Clips()
    >>> address = clips.add(Clip(Path("a.mp4"), "video/mp4", list, lambda: True))
    >>> clips.find(address, owner="").media_type
    'video/mp4'
    >>> clips.find(address, owner="somebody else") is None
    True
    >>> clips.remove(address)
    >>> clips.find(address, owner="") is None
    True
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clips: dict[str, Clip] = {}

    def add(self, clip: Clip) -> str:
        """Add a clip and return its address: 128 random bits."""
        address = secrets.token_urlsafe(16)
        with self._lock:
            self._clips[address] = clip
        return address

    def remove(self, address: str) -> None:
        """Forget a clip, if it is still there."""
        with self._lock:
            self._clips.pop(address, None)

    def find(self, address: str, owner: str) -> Clip | None:
        """Return a clip; None if this owner has none of that address."""
        with self._lock:
            clip = self._clips.get(address)
        is_own = clip is not None and hmac.compare_digest(clip.owner, owner)
        return clip if is_own else None


clips = Clips()
"""The clips of this server."""
