"""Opening of media files by FFmpeg with bounded memory, and its errors in our words."""

from __future__ import annotations

import ctypes
import errno
from functools import cache
from pathlib import Path
from typing import Any, Final

import av

MAX_BLOCK_BYTES: Final = 128 * 2**20
"""Largest single allocation of FFmpeg: a plane of a frame, a packet, a table of the container. Headers
of a few hundred bytes can ask for tables of gigabytes."""

MAX_STREAMS: Final = 64
"""Most streams of a file."""

_ALL_PROBED_PIXELS: Final = 120_000_000
"""Pixels of the frames that are decoded to find out properties of all streams together: FFmpeg keeps
them all until the last stream is known."""
_MIN_PROBED_PIXELS: Final = 4_000_000
_CODED_RATIO: Final = 1.1
"""Frames are coded in whole blocks, and cropped afterwards."""

_REASONS: Final = {
    errno.ENOMEM: "it needs more memory than a video may take here",
    errno.EACCES: "reading it is not allowed",
    errno.EPERM: "reading it is not allowed",
    errno.EIO: "the disk cannot be read",
}
_UNSUPPORTED: Final = (
    av.error.PatchWelcomeError,
    av.error.NotImplementedError,
    av.error.DecoderNotFoundError,
    av.error.DemuxerNotFoundError,
    av.error.FilterNotFoundError,
    av.error.BSFNotFoundError,
)


@cache
def limit_allocations() -> None:
    """Limit each allocation of FFmpeg in this process to :data:`MAX_BLOCK_BYTES`.

    PyAV does not offer ``av_max_alloc`` (libavutil/mem.h), so it is called in the library that PyAV
    has loaded.
    """
    library = ctypes.CDLL(av._core.__file__)  # finds the symbols of the libraries it depends on
    library.av_max_alloc(ctypes.c_size_t(MAX_BLOCK_BYTES))


def open_input(path: Path, demuxer: str, max_pixels: int) -> Any:
    """Open a media file for reading by one demuxer, which is named and never probed.

    Args:
        path: path of the file; no other file or server is read, whatever it refers to.
        demuxer: FFmpeg's name of the demuxer.
        max_pixels: maximum width times height of a frame that is decoded to find out properties of
            a stream.

    Returns:
        An opened container (PyAV).

    Raises:
        av.FFmpegError: the file cannot be opened; :func:`describe_error` has words for it.
    """
    limit_allocations()
    # Which streams there are is known from the headers, without decoding anything.
    headers = _open(path, demuxer, max_pixels=1, analyzeduration=0)
    videos = len(headers.streams.video)
    headers.close()
    probed_pixels = min(round(_CODED_RATIO * max_pixels), _ALL_PROBED_PIXELS // max(1, videos))
    return _open(path, demuxer, max_pixels=max(_MIN_PROBED_PIXELS, probed_pixels))


def _open(path: Path, demuxer: str, **options: int) -> Any:
    numbers = {"max_streams": MAX_STREAMS, **options}
    return av.open(
        str(path),
        format=demuxer,
        options={"protocol_whitelist": "file"} | {name: str(n) for name, n in numbers.items()},
        metadata_errors="replace",  # metadata in a wrong encoding does not matter
    )


def describe_error(error: BaseException) -> str:
    """Return an error of FFmpeg or PyAV in our words, as the end of a sentence.

    FFmpeg's own texts ("Not yet implemented in FFmpeg, patches welcome") are for its developers.

    >>> describe_error(MemoryError())
    'it needs more memory than a video may take here'
    >>> describe_error(av.error.InvalidDataError(1094995529, "Invalid data found"))
    'it is damaged or cut off'
    """
    if isinstance(error, _UNSUPPORTED):
        return "it is coded in a way that cannot be read here"
    if isinstance(error, MemoryError):
        return _REASONS[errno.ENOMEM]
    code = getattr(error, "errno", None)
    return _REASONS.get(code if isinstance(code, int) else 0, "it is damaged or cut off")
