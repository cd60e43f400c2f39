"""Where decoding begins for a stretch of a video: at the key frame before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from emosense.media.continuous_clock import ContinuousClock


@dataclass(frozen=True)
class EntryPoint:
    """A key frame at which decoding may begin.

    Attributes:
        packets: number of packets of the stream before it, in the order of decoding.
        frames: number of frames of the stream that are shown before it.
        time: its time stamp, in seconds; -inf for the beginning of the file.

    >>> EntryPoint().packets
    0
    """

    packets: int = 0
    frames: int = 0
    time: float = float("-inf")


def find_entry_point(
    container: Any, stream: Any, time: float, interrupted: Callable[[], bool]
) -> EntryPoint:
    """Return the last key frame that is shown at a time or before; packets are read, none is decoded.

    Containers' own indices are not used: they are missing or wrong in some files, and tell times, not
    which frame of the video it is. A packet is taken for a frame, save those that an edit list leaves
    out. Frames that come after a key frame and are shown before it count as before it. If the clock starts
    again or leaps before that time, decoding has to begin at the file's beginning: packets do not tell
    where frames stand after it.

    Args:
        container: opened container (PyAV), which is read.
        stream: video stream of it.
        time: time stamp in seconds, in the clock of the container.
        interrupted: asked before each packet; True ends the search.
    """
    entry, frames = EntryPoint(), 0
    clock = ContinuousClock(container.format.name)
    for packets, packet in enumerate(container.demux(stream)):
        stamp = packet.dts if packet.pts is None else packet.pts
        if packet.dts is not None:
            clock.continuous(float(packet.dts * packet.time_base), step=0.0)
            if clock.discontinuities:
                return EntryPoint()
        if interrupted() or (packet.dts is not None and packet.dts * packet.time_base > time):
            break
        if stamp is not None and not packet.is_discard:
            seconds = float(stamp * packet.time_base)
            if packet.is_keyframe and seconds <= time:
                entry = EntryPoint(packets, frames, seconds)
            elif seconds < entry.time and entry.packets:
                entry = EntryPoint(entry.packets, entry.frames + 1, entry.time)
            frames += bool(packet.size)
    return entry
