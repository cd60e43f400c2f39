"""Time stamps that go on where the clock of a file starts again."""

from __future__ import annotations

from typing import Final

_MAX_REORDERING_SECONDS: Final = 1.0
_MAX_LEAP_SECONDS: Final = 10.0
"""As dts_delta_threshold of FFmpeg's tool."""
_WITH_DISCONTINUITIES: Final = frozenset({"mpeg", "mpegts"})
"""Demuxers of streams whose clock may leap (ISO/IEC 13818-1); elsewhere, a long step is a pause."""


class ContinuousClock:
    """Makes the time stamps of one stream continuous over timestamp discontinuities.

    Recordings that are joined end to end have a clock each, and a recorder may start its own again.
    What comes after such a discontinuity follows one step after what came before.

    Args:
        demuxer: FFmpeg's name of the demuxer.

    Attributes:
        discontinuities: how many there were.

    >>> clock = ContinuousClock("mov")
    >>> [clock.continuous(time, step=0.5) for time in (7.0, 7.5, 0.0, 0.5)]
    [7.0, 7.5, 8.0, 8.5]
    """

    def __init__(self, demuxer: str) -> None:
        names = set(demuxer.split(","))
        self._max_step = _MAX_LEAP_SECONDS if names & _WITH_DISCONTINUITIES else float("inf")
        self._offset = 0.0
        self._last: float | None = None
        self.discontinuities = 0

    def continuous(self, time: float, step: float) -> float:
        """Return a time stamp on the continuous clock.

        Args:
            time: time stamp of the stream, in seconds; in the order of its frames or packets.
            step: time in seconds after the one before, if there is a discontinuity.
        """
        time += self._offset
        if self._last is not None and not (
            -_MAX_REORDERING_SECONDS <= time - self._last <= self._max_step
        ):
            self._offset += self._last + step - time
            time = self._last + step
            self.discontinuities += 1
        self._last = time
        return time
