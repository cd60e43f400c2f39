"""Selection of the main video stream of a file."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import av

_INTRA_CODECS: Final = ("mjpeg", "png", "bmp", "gif", "webp", "tiff")
_THUMBNAIL_FRACTION: Final = 0.25
_PROBED_PACKETS: Final = 500


def video_streams(container: Any) -> list[Any]:
    """Return the video streams of a file, without attached pictures such as an album cover.

    Args:
        container: opened container (PyAV).
    """
    flag = av.stream.Disposition.attached_pic
    return [stream for stream in container.streams.video if not stream.disposition & flag]


def select_stream(container: Any, streams: list[Any]) -> Any:
    """Select the main video stream: the default one of the moving streams, else the largest.

    Stills and thumbnails are not moving: streams with that disposition, streams of a single frame,
    and streams of an image codec (MJPEG, PNG) with less than a quarter of another stream's pixels.
    If the header lacks frame counts, packets are read: reopen the file afterwards.

    Args:
        container: opened container (PyAV).
        streams: at least one stream, as returned by :func:`video_streams`.

    Returns:
        One of ``streams``.
    """
    decodable = [stream for stream in streams if stream.codec_context is not None] or streams
    if len(decodable) == 1:
        return decodable[0]
    counts = _count_packets(container, decodable)
    moving = [stream for stream in decodable if _is_moving(stream, counts)]
    max_pixels = max((_pixels(stream) for stream in moving), default=0)
    moving = [stream for stream in moving if not _is_thumbnail(stream, max_pixels)] or decodable
    default = [stream for stream in moving if stream.disposition & av.stream.Disposition.default]
    return max(default or moving, key=_pixels)  # of equal sizes, the first one


def _count_packets(container: Any, streams: list[Any]) -> Counter[int]:
    """Return the number of frames by stream index; counting stops at 2 for all streams."""
    counts = Counter({stream.index: int(stream.frames) for stream in streams})
    if all(counts[stream.index] for stream in streams):
        return counts
    counts.clear()
    try:
        for index, packet in enumerate(container.demux(streams)):
            counts[packet.stream.index] += bool(packet.size)
            if index >= _PROBED_PACKETS or all(counts[stream.index] > 1 for stream in streams):
                break
    except Exception:  # any error of FFmpeg or PyAV is reported later, when frames are read
        return counts
    return counts


def _is_moving(stream: Any, counts: Counter[int]) -> bool:
    flags = av.stream.Disposition
    is_still = stream.disposition & (flags.still_image | flags.timed_thumbnails)
    return counts[stream.index] > 1 and not is_still


def _is_thumbnail(stream: Any, max_pixels: int) -> bool:
    name = getattr(stream.codec_context, "name", "")
    return name in _INTRA_CODECS and _pixels(stream) < _THUMBNAIL_FRACTION * max_pixels


def _pixels(stream: Any) -> int:
    context = stream.codec_context
    return 0 if context is None else int(context.width * context.height)
