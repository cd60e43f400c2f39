"""Times of a video as people write them."""

from __future__ import annotations

import re
from typing import Final

from emosense.errors import EmoSenseError

_TIME: Final = re.compile(r"(?:(?:([0-9]{1,3}):)?([0-9]{1,4}):)?([0-9]{1,6}(?:[.,][0-9]{1,6})?)")


def parse_time(text: str) -> float | None:
    """Return a time in seconds; None for an empty text.

    Args:
        text: seconds, ``m:ss`` or ``h:mm:ss``; seconds may have decimals.

    Raises:
        EmoSenseError: it is no time.

    >>> parse_time("90"), parse_time("1:30"), parse_time("1:00:00.5"), parse_time(" ")
    (90.0, 90.0, 3600.5, None)
    """
    if not text.strip():
        return None
    match = _TIME.fullmatch(text.strip())
    if match is None:
        raise EmoSenseError(f"Expected seconds or m:ss, such as 90 or 1:30. Received: {text[:40]}")
    hours, minutes, seconds = match.groups()
    return 3600 * int(hours or 0) + 60 * int(minutes or 0) + float(seconds.replace(",", "."))
