"""Encoder of H.264 videos in MP4, with the audio of the original; every browser plays them."""

from __future__ import annotations

import errno
import math
import os
import shutil
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from emosense.errors import MediaError
from emosense.media.audio_track import AudioSource, AudioTrack
from emosense.media.images import RgbImage

_TICKS_PER_SECOND: Final = 90_000
_BT709: Final = 1
_LIMITED_RANGE: Final = 1
MIN_FREE_BYTES: Final = 100 * 2**20
"""Disk space that an annotated video leaves free."""
_MAX_ENCODER_THREADS: Final = 12
"""x264 starts 1.5 threads a processor, each with frames of its own: on many processors they would take
a gigabyte."""
_BYTES_BETWEEN_CHECKS: Final = 2**20
_MAX_INTERLEAVE_MICROSECONDS: Final = 2_000_000
"""Longest time for which the muxer keeps frames in memory while it waits for audio, or the reverse."""
_MAX_WAITING_BYTES: Final = 64 * 2**20
"""Most bytes that the muxer may keep so: more are frames of noise, or packets without an end."""
_PACKET_BYTES: Final = 500
"""About what the muxer keeps of a packet beside its content."""

_MAX_PIXELS_OF_LOOKAHEAD: Final = 1920 * 1088
_ERROR_REASONS: Final = {
    errno.ENOSPC: ": the disk is full",
    errno.EDQUOT: ": the disk space allowed is used up",
    errno.EFBIG: ": it is larger than a file may be here",
    errno.ENOENT: ": there is no such folder",
    errno.ENOTDIR: ": there is no such folder",
    errno.EISDIR: ": there is a folder of that name",
    errno.EACCES: ": writing there is not allowed",
    errno.EPERM: ": writing there is not allowed",
    errno.EROFS: ": writing there is not allowed",
}


class VideoWriter:
    """Encodes an MP4 file frame by frame. Use it as a context manager.

    A file that cannot be finished is removed: players need the index at its end.

    Args:
        path: path of the new file.
        width: width of the frames, in pixels. H.264 needs even sizes: of an odd width or height the
            last column or row is cropped.
        height: height of the frames, in pixels.
        frames_per_second: average frame rate; each frame has its own time.
        audio: video whose audio is added; None adds no audio.
        max_bytes: size after which :attr:`is_full` is True; None sets no limit. The file becomes
            a little larger: the frames that the encoder still holds and the index follow.
        stop: returns True once the audio need not be read any further.

    Attributes:
        written: bytes of encoded frames and audio so far.
        notes: messages about the audio, if it is left out.

    Raises:
        MediaError: the file cannot be written (folder missing, disk full, ...).

    >>> with VideoWriter(Path("out.mp4"), 64, 48, frames_per_second=25) as writer:
    ...     for index in range(5):
    ...         writer.write(np.zeros((48, 64, 3), np.uint8), index / 25)
    >>> Path("out.mp4").is_file()
    True
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        frames_per_second: float,
        audio: AudioSource | None = None,
        max_bytes: int | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.path = path
        self._width, self._height = width - width % 2, height - height % 2
        self._last_pts = -1
        self._failed = False
        self._max_bytes = max_bytes
        self._audio: AudioTrack | None = None
        self.written = 0
        self.notes: list[str] = []
        self._waiting: deque[tuple[float, int]] = deque()
        self._waiting_bytes = 0
        self._checked, self._free = 0, MIN_FREE_BYTES
        try:
            self._container = av.open(
                str(path),
                "w",
                format="mp4",
                options={
                    "movflags": "faststart",
                    "max_interleave_delta": str(_MAX_INTERLEAVE_MICROSECONDS),
                },
            )
            self._stream: Any = self._container.add_stream(
                "libx264",
                rate=Fraction(frames_per_second).limit_denominator(1001),
                options={"preset": "veryfast", "crf": "23", **_memory_options(width, height)},
            )
            self._stream.width, self._stream.height = self._width, self._height
            self._stream.pix_fmt = "yuv420p"
            context = self._stream.codec_context
            if (os.cpu_count() or 1) > _MAX_ENCODER_THREADS * 2 // 3:
                context.thread_count = _MAX_ENCODER_THREADS
            # Without these tags players guess by the size: BT.709 from 720 lines on, else BT.601.
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            context.color_range = _LIMITED_RANGE
            self._stream.codec_context.time_base = Fraction(1, _TICKS_PER_SECOND)
            if audio is not None:
                self._audio = AudioTrack.of(
                    audio, self._container, self._mux, lambda: self.is_full or stop(), self.notes
                )
        except (av.FFmpegError, OSError) as error:
            raise _write_error(path, error) from error

    @property
    def is_full(self) -> bool:
        """Whether no more frames should be written; see :attr:`limit`."""
        return self.limit is not None

    @property
    def limit(self) -> str | None:
        """The limit that the file has reached, as the end of a sentence; None if it has reached none."""
        if self._waiting_bytes > _MAX_WAITING_BYTES:
            return "too much of it has to be kept in memory until sound and frames of its time come"
        if self._max_bytes is None:
            return None
        if self.written >= self._max_bytes or self._free_bytes() < MIN_FREE_BYTES:
            return (
                f"it has reached {self.written / 2**20:.0f} MB, the most that the size of the video "
                "and the disk allow"
            )
        return None

    def _free_bytes(self) -> int:
        if self.written - self._checked >= _BYTES_BETWEEN_CHECKS:
            self._checked = self.written
            self._free = shutil.disk_usage(self.path.parent).free
        return self._free

    def _mux(self, packets: Any) -> None:
        for packet in packets:
            self.written += packet.size
            self._count_waiting(packet)
            self._container.mux(packet)

    def _count_waiting(self, packet: Any) -> None:
        """Count what the muxer may keep in memory: it sorts the packets of two tracks by time."""
        if self._audio is None or packet.dts is None:
            return
        time = float(packet.dts * packet.time_base)
        self._waiting.append((time, packet.size + _PACKET_BYTES))
        self._waiting_bytes += packet.size + _PACKET_BYTES
        while self._waiting[0][0] < time - _MAX_INTERLEAVE_MICROSECONDS / 1e6:
            self._waiting_bytes -= self._waiting.popleft()[1]

    def write(self, image: RgbImage, time: float) -> None:
        """Encode a frame.

        Args:
            image: (h, w, 3) uint8 RGB.
            time: presentation time, in seconds from the start on.

        Raises:
            MediaError: the file cannot be written.
        """
        with self._reporting_errors():
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(image[: self._height, : self._width]), format="rgb24"
            ).reformat(format="yuv420p", dst_colorspace="ITU709", threads=1)
            self._last_pts = frame.pts = max(self._last_pts + 1, round(time * _TICKS_PER_SECOND))
            frame.time_base = Fraction(1, _TICKS_PER_SECOND)
            if self._audio is not None:
                self._audio.advance(time)
            self._mux(self._stream.encode(frame))

    def write_rest(self) -> None:
        """Write the remaining audio after the last frame of a complete video.

        Without this call the audio ends with the frames.

        Raises:
            MediaError: the file cannot be written.
        """
        with self._reporting_errors():
            if self._audio is not None:
                self._audio.advance(math.inf)

    @contextmanager
    def _reporting_errors(self) -> Iterator[None]:
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            self._failed = True
            raise _write_error(self.path, error) from error

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._finish()
        except MediaError:
            if self.path.is_file():  # never a device such as /dev/null
                self.path.unlink()
            raise

    def _finish(self) -> None:
        try:
            # After a failed write FFmpeg must not write more.
            if self._last_pts >= 0 and not self._failed:
                self._mux(self._stream.encode(None))
                if self._audio is not None:
                    self._audio.advance(self._last_pts / _TICKS_PER_SECOND + 0.5)
        except (av.FFmpegError, OSError) as error:
            raise _write_error(self.path, error) from error
        finally:
            if self._audio is not None:
                self._audio.close()
            _close(self._container)


def _memory_options(width: int, height: int) -> dict[str, str]:
    """Return options of x264 that bound the frames it keeps to look ahead; ten by its preset."""
    return {"rc-lookahead": "4"} if width * height > _MAX_PIXELS_OF_LOOKAHEAD else {}


def _close(container: Any) -> None:
    try:
        container.close()
    except (av.FFmpegError, OSError) as error:
        raise _write_error(Path(str(container.name)), error) from error


def _write_error(path: Path, error: BaseException) -> MediaError:
    reason = _ERROR_REASONS.get(getattr(error, "errno", None) or 0, "")
    return MediaError(f"{path.name}: the video cannot be written{reason}.")
