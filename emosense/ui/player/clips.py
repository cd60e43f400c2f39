"""The clips that players may fetch, by an address that nobody can guess."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from emosense.asgi.owned import OwnedItems
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


clips: Final[OwnedItems[Clip]] = OwnedItems()
"""The clips of this server."""
