"""Writes H.264 videos that every browser plays, with the sound of the original."""

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

_CLOCK: Final = 90_000
_BT709: Final = 1
_LIMITED: Final = 1
_PLAYABLE_AUDIO: Final = ("aac", "mp3")
_BAD_SOUND: Final = (av.error.ArgumentError, av.error.InvalidDataError)
_REASONS: Final = {
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
    """An MP4 file that grows frame by frame. Use it as a context manager.

    A file that cannot be finished is removed: no player opens one without its end.

    Args:
        path: the file to write.
        width: width of the frames; odd sizes lose their last column or row, since H.264 needs even ones.
        height: height of the frames.
        frames_per_second: on average; frames carry times of their own.
        audio: a video whose audio goes along, or None.
        start: time in ``sound`` that is 0 in the new file, in seconds.

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
        self._last = -1
        self._failed = False
        self._sound: _AudioTrack | None = None
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
            # Told, or players guess by the size: BT.709 from 720 lines on, else BT.601.
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            context.color_range = _LIMITED
            self._stream.codec_context.time_base = Fraction(1, _CLOCK)
            if audio is not None:
                self._sound = _AudioTrack.of(audio, self._container, start)
        except (av.FFmpegError, OSError) as error:
            raise _write_error(path, error) from error

    def write(self, image: RgbImage, time: float) -> None:
        """Append an (h, w, 3) uint8 RGB frame that is shown from ``time`` (seconds) on.

        Raises:
            MediaError: it cannot be written.
        """
        frame = av.VideoFrame.from_ndarray(
            np.ascontiguousarray(image[: self._height, : self._width]), format="rgb24"
        ).reformat(format="yuv420p", dst_colorspace="ITU709")
        self._last = frame.pts = max(self._last + 1, round(time * _CLOCK))
        frame.time_base = Fraction(1, _CLOCK)
        with self._writing():
            if self._sound is not None:
                self._sound.advance(time)
            self._container.mux(self._stream.encode(frame))

    def write_rest(self) -> None:
        """Append what is left of the sound, after the last picture of a whole video.

        Without it the sound ends with the pictures.

        Raises:
            MediaError: it cannot be written.
        """
        with self._writing():
            if self._sound is not None:
                self._sound.advance(math.inf)

    @contextmanager
    def _writing(self) -> Iterator[None]:
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
            if self.path.is_file():  # no device, which "files" can be as well
                self.path.unlink()
            raise

    def _finish(self) -> None:
        try:
            # After a failed write FFmpeg must not be asked to write more.
            if self._last >= 0 and not self._failed:
                self._container.mux(self._stream.encode(None))
                if self._sound is not None:
                    self._sound.advance(self._last / _CLOCK + 0.5)
        except (av.FFmpegError, OSError) as fault:
            raise _write_error(self.path, fault) from fault
        finally:
            if self._sound is not None:
                self._sound.close()
            _close(self._container)


class _AudioTrack:
    """Hands over the audio of another file in step with the pictures."""

    def __init__(self, source: Any, target: Any, start: float) -> None:
        self._source, self._target = source, target
        audio = source.streams.audio[0]
        self._start = start
        self._copied = audio.codec_context.name in _PLAYABLE_AUDIO
        if self._copied:
            self._stream = target.add_stream_from_template(audio)
        else:
            rate = audio.codec_context.sample_rate
            known = av.Codec("aac", "w").audio_rates or ()
            self._stream = target.add_stream("aac", rate=rate if rate in known else 48_000)
            self._stream.layout = "stereo"
        self._parts = self._copies(audio) if self._copied else self._encoded(audio)
        self._next = next(self._parts, None)

    @classmethod
    def of(cls, path: Path, target: Any, start: float) -> _AudioTrack | None:
        """Open the audio of ``path``; None if it has none that can be read."""
        source = None
        try:
            source = av.open(
                str(path), options={"protocol_whitelist": "file"}, metadata_errors="replace"
            )
            if source.streams.audio and source.streams.audio[0].codec_context is not None:
                return cls(source, target, start)
        except Exception:  # FFmpeg's errors, and whatever its bindings stumble on
            pass  # the pictures are worth having without sound
        if source is not None:
            source.close()
        return None

    def advance(self, time: float) -> None:
        """Write all that is heard up to ``time`` (seconds)."""
        while self._next is not None and self._next[0] <= time:
            try:
                self._target.mux(self._next[1])
            except _BAD_SOUND:  # not a full disk: that concerns the pictures too
                self._next = None
                return
            self._next = next(self._parts, None)

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _copies(self, audio: Any) -> Iterator[tuple[float, Any]]:
        last = -1
        for packet in self._readable(self._source.demux(audio)):
            if packet.dts is None or packet.pts is None:
                continue
            offset = round(self._start / packet.time_base)
            packet.pts -= offset
            packet.dts -= offset
            if packet.dts > last:  # MP4 takes no stamp twice
                last = packet.dts
                packet.stream = self._stream
                yield float(packet.pts * packet.time_base), packet

    def _encoded(self, audio: Any) -> Iterator[tuple[float, Any]]:
        rate = self._stream.codec_context.sample_rate
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
        for frame in self._readable(self._source.decode(audio)):
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
    def _readable(packets: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from packets
        except Exception:  # as above
            return  # damaged from here on: the rest stays silent


def _close(container: Any) -> None:
    try:
        container.close()
    except (av.FFmpegError, OSError) as error:
        raise _write_error(Path(str(container.name)), error) from error


def _write_error(path: Path, error: BaseException) -> MediaError:
    reason = _REASONS.get(getattr(error, "errno", None) or 0, "")
    return MediaError(f"{path.name}: the video cannot be written{reason}.")
