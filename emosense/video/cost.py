"""What a video's analysis costs: its estimated time, and the largest annotated video."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Final

from emosense.formatting import pluralize
from emosense.results import VideoInfo
from emosense.settings import VideoLimits
from emosense.video.options import BATCH_SIZE, MAX_GAP_SECONDS, VideoOptions

SMALLEST_ANNOTATED_LIMIT: Final = 20 * 2**20
"""Size in bytes that an annotated video may have however small its source is: a clip of a few frames
may grow more than tenfold."""

# Processor time, measured on two cores of an AMD EPYC (Zen 4): clips of docs/video.md and
# benchmarks/video.py, with the default network.
_SECONDS_PER_DECODED_PIXEL: Final = 4e-9
"""H.264 and VP9 take 1.5 to 3.3, HEVC 7.7, with the thumbnail."""
_SECONDS_PER_CONVERTED_PIXEL: Final = 1e-9
_SECONDS_PER_ENCODED_PIXEL: Final = 20e-9
_WHOLE_FRAME_SECONDS: Final = (0.0015, 17e-9)
"""Face detection in a whole frame, and more of it for each pixel of the squared working size."""
_FACE_SECONDS: Final = 0.006
"""One face: its region, its crop, its track and, two thirds of it, the network."""
_CORES_AT_WORK: Final = 1.5
"""Cores of two that are at work on average: the stages wait for each other."""
_CONTENT_FACTOR: Final = 2
"""How many times more frames are searched whole than their distance alone demands, since faces come
and go: 27 % instead of 13 % in the files of docs/video.md."""


def estimate_seconds(info: VideoInfo, options: VideoOptions, *, annotated: bool) -> float | None:
    """Estimate how long an analysis takes on two cores, with one face in each frame.

    Args:
        info: properties of the video, as its container states them.
        options: sampling and detection options.
        annotated: whether the annotated video is written.

    Returns:
        Seconds; None if the header does not say how long the video is.

    >>> info = VideoInfo(1920, 1080, 8.0, 200, 25.0, "h264", rotation=0, audio=True)
    >>> round(estimate_seconds(info, VideoOptions(), annotated=False))
    2
    """
    rate = info.frames_per_second or 25.0
    frames = info.frames or (info.duration or 0.0) * rate
    if not frames:
        return None
    share = options.share(info.duration)
    if not share:  # the stretch lies beyond its end
        return 0.0
    seconds = share * (info.duration or frames / rate)
    frames *= share
    pixels = info.width * info.height
    sampled = frames
    if options.per_second is not None:
        sampled = min(frames, seconds * options.per_second + 1)
    detected = sampled / options.detect_every
    whole = detected * _whole_share(options, detected / max(seconds, 1e-9))
    work = frames * pixels * _SECONDS_PER_DECODED_PIXEL
    work += (frames if annotated else sampled) * pixels * _SECONDS_PER_CONVERTED_PIXEL
    least, by_size = _WHOLE_FRAME_SECONDS
    work += whole * (least + by_size * options.working_size() ** 2) + sampled * _FACE_SECONDS
    if annotated:
        work += _encoding_seconds(info, frames, VideoLimits().long_side)
    return work / _CORES_AT_WORK


def _whole_share(options: VideoOptions, rate: float) -> float:
    """Return the share of the detection frames, ``rate`` a second, that are searched whole, in 0..1."""
    if options.whole_frames:
        return 1.0
    distance = max(
        1, BATCH_SIZE // options.detect_every
    )  # of two whole frames, in detection frames
    while distance > 1 and distance / rate > MAX_GAP_SECONDS:
        distance //= 2
    return min(1.0, _CONTENT_FACTOR / distance)


def estimate_transcoding_seconds(info: VideoInfo, long_side: int) -> float | None:
    """Estimate how long it takes to encode a video anew, on two cores.

    Args:
        info: properties of the video, as its container states them.
        long_side: long side of the new frames in pixels, at most.

    Returns:
        Seconds; None if the header does not say how long the video is.

    >>> info = VideoInfo(1920, 1080, 8.0, 200, 25.0, "hevc", rotation=0, audio=True)
    >>> round(estimate_transcoding_seconds(info, 1280), 1)
    3.6
    """
    frames = info.frames or (info.duration or 0.0) * (info.frames_per_second or 25.0)
    if not frames:
        return None
    decoding = frames * info.width * info.height * _SECONDS_PER_DECODED_PIXEL
    return (decoding + _encoding_seconds(info, frames, long_side)) / _CORES_AT_WORK


def _encoding_seconds(info: VideoInfo, frames: float, long_side: int) -> float:
    scale = min(1.0, long_side / max(info.width, info.height))
    return frames * info.width * info.height * scale**2 * _SECONDS_PER_ENCODED_PIXEL


def duration_notice(
    info: VideoInfo, options: VideoOptions, limits: VideoLimits, *, annotated: bool
) -> str | None:
    """Return a message if the analysis will probably reach its longest time, else None.

    Args:
        info: properties of the video, as its container states them.
        options: sampling and detection options.
        limits: limits with the longest analysis.
        annotated: whether the annotated video is written.

    >>> info = VideoInfo(8192, 4880, 20_000.0, 200_000, 10.0, "h264", rotation=0, audio=False)
    >>> duration_notice(info, VideoOptions(), VideoLimits(), annotated=False)
    'This analysis would take about 8 hours. It ends after 60 minutes with what is done until then.'
    """
    seconds = estimate_seconds(info, options, annotated=annotated)
    if seconds is None or seconds <= limits.max_seconds:
        return None
    hours = seconds / 3600
    about = f"{hours:,.0f} hours" if hours >= 2 else pluralize(math.ceil(seconds / 60), "minute")
    return (
        f"This analysis would take about {about}. It ends after {limits.max_seconds / 60:g} minutes "
        "with what is done until then."
    )


def max_annotated_bytes(source: Path, annotated: Path, limits: VideoLimits) -> int:
    """Return the largest size in bytes of an annotated video.

    Args:
        source: path of the video.
        annotated: path of the annotated video.
        limits: limits as a multiple of the video's size, as a share of the free disk space, and in
            bytes.

    Raises:
        OSError: there is no such file or folder.
    """
    by_source = max(SMALLEST_ANNOTATED_LIMIT, limits.max_annotated_ratio * source.stat().st_size)
    by_disk = limits.max_annotated_disk * shutil.disk_usage(annotated.parent).free
    size = int(min(by_source, by_disk))
    return size if limits.max_annotated_bytes is None else min(size, limits.max_annotated_bytes)
