"""The audio of a video for its annotated copy: copied, or transcoded to AAC."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av

from emosense.media.continuous_clock import ContinuousClock
from emosense.media.ffmpeg import open_input

_COPIED_CODECS: Final = ("aac", "mp3")
_MUX_ERRORS: Final = (av.error.ArgumentError, av.error.InvalidDataError)
_SAMPLE_RATES: Final = range(4_000, 768_001)
"""Plausible sample rates in Hz; a second of audio of one sample a second is resampled to 48,000."""
_MAX_CHANNELS: Final = 64
_MAX_PACKET_BYTES: Final = 8 * 2**20
_MAX_FRAME_SECONDS: Final = 30.0
_MIN_PROBED_PIXELS: Final = 1


@dataclass(frozen=True)
class AudioSource:
    """A file whose audio is added to a video.

    Attributes:
        path: path of the file.
        demuxer: FFmpeg's name of its demuxer, as
            :attr:`emosense.media.video_reader.VideoReader.demuxer` has it: the file is not probed
            again.
        start: time in the file at which the new video starts, in seconds.

    >>> AudioSource(Path("clip.mp4"), "mov").start
    0.0
    """

    path: Path
    demuxer: str
    start: float = 0.0


class AudioTrack:
    """Copies or transcodes the audio of another file, interleaved with the frames.

    Args:
        source: opened container (PyAV) with an audio stream.
        target: container that is written (PyAV).
        mux: writes packets to ``target``.
        start: time in ``source`` at which ``target`` starts, in seconds.
        stop: returns True once no more audio is to be read.

    >>> AudioTrack.of(AudioSource(Path("none.mp4"), "mov"), None, print, bool, []) is None
    True
    """

    def __init__(
        self,
        source: Any,
        target: Any,
        mux: Callable[[Iterable[Any]], None],
        start: float,
        stop: Callable[[], bool],
    ) -> None:
        self._source, self._mux, self._start, self._stop = source, mux, start, stop
        self._clock = ContinuousClock(source.format.name)
        stream = source.streams.audio[0]
        if stream.codec_context.name in _COPIED_CODECS:
            self._stream = target.add_stream_from_template(stream)
            packets = self._copy(stream)
        else:
            rate = stream.codec_context.sample_rate
            supported = av.Codec("aac", "w").audio_rates or ()
            self._stream = target.add_stream("aac", rate=rate if rate in supported else 48_000)
            self._stream.layout = "stereo"
            packets = self._transcode(stream)
        self._packets = _until_error(packets)
        self._next = next(self._packets, None)

    @classmethod
    def of(
        cls,
        audio: AudioSource,
        target: Any,
        mux: Callable[[Iterable[Any]], None],
        stop: Callable[[], bool],
        notes: list[str],
    ) -> AudioTrack | None:
        """Open the audio of a file; return None if the file has no readable audio.

        A message is appended to ``notes`` if its parameters are implausible.
        """
        source = None
        try:
            source = open_input(audio.path, audio.demuxer, _MIN_PROBED_PIXELS)
            context = source.streams.audio[0].codec_context if source.streams.audio else None
            if context is not None and _is_plausible(context):
                return cls(source, target, mux, audio.start, stop)
            if context is not None:
                notes.append(
                    "The video with boxes has no sound: expected up to "
                    f"{_MAX_CHANNELS} channels of {_SAMPLE_RATES.start:,} to "
                    f"{_SAMPLE_RATES.stop - 1:,} Hz. Received: {context.channels} of "
                    f"{context.sample_rate:,} Hz."
                )
        except Exception:  # any error of FFmpeg or PyAV
            pass  # the video is written without audio
        if source is not None:
            source.close()
        return None

    def advance(self, time: float) -> None:
        """Write all audio packets up to a time in seconds."""
        while self._next is not None and self._next[0] <= time and not self._stop():
            if self._next[1] is not None:
                try:
                    self._mux([self._next[1]])
                except _MUX_ERRORS:  # other errors, such as a full disk, concern the video as well
                    self._next = None
                    return
            self._next = next(self._packets, None)

    def close(self) -> None:
        """Close the source file."""
        self._source.close()

    def _copy(self, stream: Any) -> Iterator[tuple[float, Any]]:
        last_dts = -1
        for packet in self._demux(stream):
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
        for frame in self._decode(stream):
            time = float(frame.time or 0.0) - self._start
            if time < 0:
                yield time, None  # so that a long lead-in can be stopped
                continue
            for audio_frame in resampler.resample(frame):
                audio_frame.pts = round(time * rate)
                audio_frame.time_base = Fraction(1, rate)
                for packet in self._stream.encode(audio_frame):
                    yield time, packet
        for packet in self._stream.encode(None):
            yield float("-inf"), packet

    def _decode(self, stream: Any) -> Iterator[Any]:
        """Yield the frames until the first error or implausible frame; the rest is silent."""

        def frames() -> Iterator[Any]:
            for packet in self._demux(stream):
                yield from packet.decode()

        for frame in _until_error(frames()):
            is_short = frame.samples <= _MAX_FRAME_SECONDS * (frame.sample_rate or 0)
            if frame.sample_rate not in _SAMPLE_RATES or not is_short:
                return
            yield frame

    def _demux(self, stream: Any) -> Iterator[Any]:
        for packet in _until_error(self._source.demux(stream)):
            if packet.size > _MAX_PACKET_BYTES:
                return
            self._continue(packet)
            yield packet

    def _continue(self, packet: Any) -> None:
        """Shift a packet as the frames are shifted where the clock starts again."""
        if packet.dts is None or packet.pts is None:
            return
        unit = packet.time_base
        time, step = float(packet.dts * unit), float((packet.duration or 0) * unit)
        shift = round((self._clock.continuous(time, step) - time) / unit)
        if shift:
            packet.pts += shift
            packet.dts += shift


def _is_plausible(context: Any) -> bool:
    return context.sample_rate in _SAMPLE_RATES and 1 <= context.channels <= _MAX_CHANNELS


def _until_error(items: Iterator[Any]) -> Iterator[Any]:
    try:
        yield from items
    except Exception:  # any error of FFmpeg or PyAV
        return  # the audio is damaged from here on: the rest is silent
