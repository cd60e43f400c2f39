"""Encoder of H.264 videos in MP4, with the audio of the original; every browser plays them."""

from __future__ import annotations

import errno
import math
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from emosense.errors import MediaError
from emosense.media.images import RgbImage

_TICKS_PER_SECOND: Final = 90_000
_BT709: Final = 1
_LIMITED_RANGE: Final = 1
_COPIED_AUDIO_CODECS: Final = ("aac", "mp3")
_AUDIO_ERRORS: Final = (av.error.ArgumentError, av.error.InvalidDataError)
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
        audio: path of a video whose audio is added; None adds no audio.
        start: time of the new file's start in ``audio``, in seconds.

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
        audio: Path | None = None,
        start: float = 0.0,
    ) -> None:
        self.path = path
        self._width, self._height = width - width % 2, height - height % 2
        self._last_pts = -1
        self._failed = False
        self._audio: _AudioTrack | None = None
        try:
            self._container = av.open(
                str(path), "w", format="mp4", options={"movflags": "faststart"}
            )
            self._stream: Any = self._container.add_stream(
                "libx264",
                rate=Fraction(frames_per_second).limit_denominator(1001),
                options={"preset": "veryfast", "crf": "23"},
            )
            self._stream.width, self._stream.height = self._width, self._height
            self._stream.pix_fmt = "yuv420p"
            context = self._stream.codec_context
            # Without these tags players guess by the size: BT.709 from 720 lines on, else BT.601.
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            context.color_range = _LIMITED_RANGE
            self._stream.codec_context.time_base = Fraction(1, _TICKS_PER_SECOND)
            if audio is not None:
                self._audio = _AudioTrack.of(audio, self._container, start)
        except (av.FFmpegError, OSError) as error:
            raise _write_error(path, error) from error

    def write(self, image: RgbImage, time: float) -> None:
        """Encode a frame.

        Args:
            image: (h, w, 3) uint8 RGB.
            time: presentation time, in seconds from the start on.

        Raises:
            MediaError: the file cannot be written.
        """
        frame = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(image[: self._height, : self._width]), format="rgb24"
        ).reformat(format="yuv420p", dst_colorspace="ITU709")
        self._last_pts = frame.pts = max(self._last_pts + 1, round(time * _TICKS_PER_SECOND))
        frame.time_base = Fraction(1, _TICKS_PER_SECOND)
        with self._reporting_errors():
            if self._audio is not None:
                self._audio.advance(time)
            self._container.mux(self._stream.encode(frame))

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
                self._container.mux(self._stream.encode(None))
                if self._audio is not None:
                    self._audio.advance(self._last_pts / _TICKS_PER_SECOND + 0.5)
        except (av.FFmpegError, OSError) as error:
            raise _write_error(self.path, error) from error
        finally:
            if self._audio is not None:
                self._audio.close()
            _close(self._container)


class _AudioTrack:
    """Copies or transcodes the audio of another file, interleaved with the frames."""

    def __init__(self, source: Any, target: Any, start: float) -> None:
        self._source, self._target = source, target
        stream = source.streams.audio[0]
        self._start = start
        if stream.codec_context.name in _COPIED_AUDIO_CODECS:
            self._stream = target.add_stream_from_template(stream)
            self._packets = self._copy(stream)
        else:
            rate = stream.codec_context.sample_rate
            supported = av.Codec("aac", "w").audio_rates or ()
            self._stream = target.add_stream("aac", rate=rate if rate in supported else 48_000)
            self._stream.layout = "stereo"
            self._packets = self._transcode(stream)
        self._next = next(self._packets, None)

    @classmethod
    def of(cls, path: Path, target: Any, start: float) -> _AudioTrack | None:
        """Open the audio of a file; return None if the file has no readable audio."""
        source = None
        try:
            source = av.open(
                str(path), options={"protocol_whitelist": "file"}, metadata_errors="replace"
            )
            if source.streams.audio and source.streams.audio[0].codec_context is not None:
                return cls(source, target, start)
        except Exception:  # any error of FFmpeg or PyAV
            pass  # the video is written without audio
        if source is not None:
            source.close()
        return None

    def advance(self, time: float) -> None:
        """Write all audio packets up to a time in seconds."""
        while self._next is not None and self._next[0] <= time:
            try:
                self._target.mux(self._next[1])
            except _AUDIO_ERRORS:  # other errors, such as a full disk, concern the video as well
                self._next = None
                return
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Close the source file."""
        self._source.close()

    def _copy(self, stream: Any) -> Iterator[tuple[float, Any]]:
        last_dts = -1
        for packet in self._until_error(self._source.demux(stream)):
            if packet.dts is None or packet.pts is None:
                continue
            offset = round(self._start / packet.time_base)
            packet.pts -= offset
            packet.dts -= offset
            if packet.dts > last_dts:  # MP4 needs rising decoding time stamps
                last_dts = packet.dts
                packet.stream = self._stream
                yield float(packet.pts * packet.time_base), packet

    def _transcode(self, stream: Any) -> Iterator[tuple[float, Any]]:
        rate = self._stream.codec_context.sample_rate
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
        for frame in self._until_error(self._source.decode(stream)):
            time = float(frame.time or 0.0) - self._start
            if time < 0:
                continue
            for audio_frame in resampler.resample(frame):
                audio_frame.pts = round(time * rate)
                audio_frame.time_base = Fraction(1, rate)
                for packet in self._stream.encode(audio_frame):
                    yield time, packet
        for packet in self._stream.encode(None):
            yield float("-inf"), packet

    @staticmethod
    def _until_error(packets: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from packets
        except Exception:  # any error of FFmpeg or PyAV
            return  # the audio is damaged from here on: the rest is silent


def _close(container: Any) -> None:
    try:
        container.close()
    except (av.FFmpegError, OSError) as error:
        raise _write_error(Path(str(container.name)), error) from error


def _write_error(path: Path, error: BaseException) -> MediaError:
    reason = _ERROR_REASONS.get(getattr(error, "errno", None) or 0, "")
    return MediaError(f"{path.name}: the video cannot be written{reason}.")
