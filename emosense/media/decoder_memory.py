"""Memory of a video decoder: an estimate before anything is decoded, and a watch while it runs.

A decoder holds the frames that later ones refer to, one frame per thread, and those that are being
handed over. How many frames a stream refers to is only known when it has been decoded; its codec
bounds it. So the number of threads is lowered until the bound of the codec fits. For frames so large
that it never does, what ordinary streams use is assumed, and the watch ends those that use more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import av

from emosense.errors import MediaTooLarge
from emosense.runtime.processors import usable_processors
from emosense.runtime.resident_memory import resident_bytes

DECODER_BYTES: Final = 750 * 10**6
"""Largest estimated memory of a decoder, in bytes."""

MAX_GROWTH_BYTES: Final = 1100 * 10**6
"""Bytes by which a process may grow while it reads one video, results included: with 250 MB at rest
and the frames between two looks it stays below 1.5 GB."""

MAX_PACKET_BYTES: Final = 64 * 2**20
"""Largest encoded frame, in bytes: an uncompressed 8-bit frame of 20 megapixels fits."""

_INTRA_ONLY: Final = (1, 1)
_REFERENCES: Final = {
    "h264": (4, 16),
    "hevc": (4, 16),
    "vvc": (4, 16),
    "vp9": (8, 8),
    "av1": (8, 8),
    "libdav1d": (8, 8),
    **dict.fromkeys(("mjpeg", "png", "prores", "dnxhd", "rawvideo", "dvvideo", "bmp"), _INTRA_ONLY),
}
"""Frames that a decoder keeps: (those of ordinary streams, the most that the codec allows).
Sources: ITU-T H.264, A.3.1, and H.265, A.4.2 (decoded picture buffer); VP9 and AV1 (8 slots)."""
_OTHER_REFERENCES: Final = (4, 4)

_MOTION_BYTES: Final = {"h264": 0.75, "hevc": 0.75, "vvc": 0.75}
"""Motion vectors and block types that are kept with a frame, in bytes a pixel."""
_OTHER_MOTION_BYTES: Final = 0.25

_CODED_BLOCK: Final = 128
"""Frames are coded in whole blocks of up to 128 pixels (AV1 superblocks) and cropped afterwards."""

_FRAMES_IN_HAND: Final = 2
_UNKNOWN_FORMAT_BYTES: Final = 3.0
"""4:2:0 of more than 8 bits, or 4:4:4 of 8 bits; what the frames really are is checked with the first."""
_MAX_THREADS: Final = 16
"""FFmpeg starts one thread more than there are processors, and at most so many."""


@dataclass(frozen=True)
class DecoderPlan:
    """How a stream is decoded within :data:`DECODER_BYTES`.

    Attributes:
        threads: number of threads; 0 leaves it to FFmpeg.
        max_pixels: maximum width times height of a frame that fits, at least that of the header.

    >>> plan_decoder("h264", 1920, 1080, "yuv420p", processors=2).threads
    0
    """

    threads: int
    max_pixels: int


def plan_decoder(
    codec: str,
    width: int,
    height: int,
    pixel_format: str | None,
    processors: int | None = None,
) -> DecoderPlan:
    """Choose the number of threads and the largest frame of a decoder.

    Args:
        codec: FFmpeg's name of the decoder.
        width: width of the frames, in pixels; 0 if it is unknown.
        height: height of the frames, in pixels.
        pixel_format: FFmpeg's name of the pixel format; None if it is unknown.
        processors: number of processors; None asks the system.

    Raises:
        MediaTooLarge: frames of this size and format do not fit; the message has no file name.
    """
    ordinary, most = _REFERENCES.get(codec, _OTHER_REFERENCES)
    bytes_per_pixel = _bytes_per_pixel(pixel_format)
    bytes_per_pixel += _MOTION_BYTES.get(codec, _OTHER_MOTION_BYTES)
    pixels = width * height
    threads = default = _default_threads(processors)
    while threads > 1 and pixels * bytes_per_pixel * _frames(most, threads) > DECODER_BYTES:
        threads -= 1
    fits = int(DECODER_BYTES / bytes_per_pixel / _frames(most, threads))
    if pixels > fits:
        largest = int(DECODER_BYTES / bytes_per_pixel / _frames(ordinary, 1))
        if pixels > largest:
            raise MediaTooLarge(
                f"expected frames of at most {largest / 1e6:.0f} megapixels, as {codec} with "
                f"{8 * _bytes_per_pixel(pixel_format):.0f} bits a pixel would take too much memory. "
                f"Received: {width} x {height}."
            )
    coded = (width + _CODED_BLOCK) * (height + _CODED_BLOCK)
    return DecoderPlan(0 if threads == default else threads, max(coded, fits))


class MemoryWatch:
    """Watches how far this process grows while a video is read.

    Args:
        max_growth: bytes by which it may grow.

    >>> MemoryWatch().exceeded()
    False
    """

    def __init__(self, max_growth: int = MAX_GROWTH_BYTES) -> None:
        self._max_growth = max_growth
        self._start = resident_bytes()

    def exceeded(self) -> bool:
        """Return whether it has grown too far; False where memory cannot be measured."""
        if self._start is None:
            return False
        return (resident_bytes() or 0) - self._start > self._max_growth


def _bytes_per_pixel(pixel_format: str | None) -> float:
    if pixel_format is None:
        return _UNKNOWN_FORMAT_BYTES
    try:
        return (
            float(av.VideoFormat(pixel_format).padded_bits_per_pixel) / 8 or _UNKNOWN_FORMAT_BYTES
        )
    except ValueError:
        return _UNKNOWN_FORMAT_BYTES


def _default_threads(processors: int | None) -> int:
    if processors is None:
        processors = usable_processors()
    return 1 if processors == 1 else min(processors + 1, _MAX_THREADS)


def _frames(references: int, threads: int) -> int:
    return references + threads + _FRAMES_IN_HAND
