"""Which of a file's picture tracks is the video."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import av

_IMAGE_CODECS: Final = ("mjpeg", "png", "bmp", "gif", "webp", "tiff")
_THUMBNAIL: Final = 0.25
_PROBED_PACKETS: Final = 500


def video_streams(container: Any) -> list[Any]:
    """Return the picture tracks of a file, without the cover of its sound."""
    flag = av.stream.Disposition.attached_pic
    return [s for s in container.streams.video if not s.disposition & flag]


def select_stream(container: Any, tracks: list[Any]) -> Any:
    """Return the track to show: of those that move the default one, else the largest.

    Stills and thumbnails do not move: tracks that are marked as such, that hold a single
    picture, or that are coded picture by picture (MJPEG, PNG) with less than a quarter of another
    track's pixels. Where the header does not tell how many pictures there are, packets are read:
    open the file anew afterwards.

    Args:
        container: the opened file.
        tracks: at least one, as :func:`video_streams` gives them.
    """
    known = [track for track in tracks if track.codec_context is not None] or tracks
    if len(known) == 1:
        return known[0]
    packets = _packets(container, known)
    moving = [track for track in known if _moves(track, packets)]
    largest = max((_pixels(track) for track in moving), default=0)
    moving = [track for track in moving if not _is_thumbnail(track, largest)] or known
    marked = [track for track in moving if track.disposition & av.stream.Disposition.default]
    return max(marked or moving, key=_pixels)  # the first one of equal size


def _packets(container: Any, tracks: list[Any]) -> Counter[int]:
    """Return how many pictures each track has; at least 2 once there is more than one."""
    counts = Counter({track.index: int(track.frames) for track in tracks})
    if all(counts[track.index] for track in tracks):
        return counts
    counts.clear()
    try:
        for read, packet in enumerate(container.demux(tracks)):
            counts[packet.stream.index] += bool(packet.size)
            if read >= _PROBED_PACKETS or all(counts[track.index] > 1 for track in tracks):
                break
    except Exception:  # whatever FFmpeg's bindings stumble on: it is reported when frames are read
        return counts
    return counts


def _moves(track: Any, packets: Counter[int]) -> bool:
    flags = av.stream.Disposition
    marked = track.disposition & (flags.still_image | flags.timed_thumbnails)
    return packets[track.index] > 1 and not marked


def _is_thumbnail(track: Any, largest: int) -> bool:
    name = getattr(track.codec_context, "name", "")
    return name in _IMAGE_CODECS and _pixels(track) < _THUMBNAIL * largest


def _pixels(track: Any) -> int:
    context = track.codec_context
    return 0 if context is None else int(context.width * context.height)
