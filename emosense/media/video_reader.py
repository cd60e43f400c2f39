"""Safe decoding of video files to upright RGB frames with their times.

The container format is detected by content, never by name, and opened by an explicit demuxer:
FFmpeg's own probing would also follow playlists to other files and servers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import dropwhile
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt

from emosense.errors import DamagedMedia, EmoSenseError, MediaTooLarge, UnsupportedMedia
from emosense.filesystem.filenames import abbreviate
from emosense.media.browser_playback import VideoForm
from emosense.media.continuous_clock import ContinuousClock
from emosense.media.decoder_memory import MAX_PACKET_BYTES, DecoderPlan, MemoryWatch, plan_decoder
from emosense.media.entry_point import find_entry_point
from emosense.media.ffmpeg import describe_error, open_input
from emosense.media.frame_canvas import FrameCanvas
from emosense.media.images import RgbImage
from emosense.media.orientation import Orientation
from emosense.media.resize import shrink
from emosense.media.stream_selection import select_stream, video_streams
from emosense.media.video_file import check_size, detect_demuxer
from emosense.results import VideoInfo
from emosense.settings import VideoLimits

_MAX_DAMAGED_PACKETS: Final = 100
_MAX_PACKETS_BEFORE_FRAMES: Final = 2000
"""Packets up to which the first frame must come: half a minute of a broadcast between key frames."""

_SPLIT_FILTERS: Final = {
    "av1": "av1_frame_split",
    "libdav1d": "av1_frame_split",
    "vp9": "vp9_superframe_split",
}
"""FFmpeg's bit stream filters that split a packet into its frames, by decoder."""

_LUMA_FORMATS: Final = {
    *("yuv420p", "yuv422p", "yuv444p", "yuv440p", "yuv411p", "yuv410p"),
    *("yuvj420p", "yuvj422p", "yuvj444p", "yuvj440p", "nv12", "nv21", "nv16", "gray", "yuva420p"),
}
"""FFmpeg's pixel formats whose first plane is 8-bit luma."""

_SHAPE_TOLERANCE: Final = 0.03
"""Relative difference of sides up to which two frames have the same shape: sizes are rounded to
pixels, and by some encoders to 16 pixels."""
_TIME_TOLERANCE: Final = 1e-3
"""Times in seconds that differ by less are of one frame."""
_DURATION_TAG: Final = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


class DecodedFrame:
    """A decoded frame of a video; its pixels are converted lazily.

    Attributes:
        index: index in the video, from 0.
        time: time in seconds from the first frame on, by the time stamps of the container; where its
            clock starts again, times go on.
        reshaped: whether the frame has another aspect ratio or orientation than the one before, as
            when a phone is rotated while it records. A change of resolution alone does not count,
            since faces keep their locations.

    >>> from emosense.media.sample_clip import write_sample_clip
    >>> write_sample_clip(Path("clip.mp4"))
    >>> with VideoReader("clip.mp4") as reader:
    ...     frame = next(reader.frames())
    ...     frame.index, frame.time, frame.rgb().shape
    (0, 0.0, (480, 640, 3))
    """

    def __init__(
        self,
        index: int,
        time: float,
        frame: Any,
        canvas: FrameCanvas,
        orientation: Orientation,
        *,
        reshaped: bool,
    ) -> None:
        self.index = index
        self.time = time
        self.reshaped = reshaped
        self._frame = frame
        self._canvas = canvas
        self._orientation = orientation

    def tiny(self) -> npt.NDArray[np.uint8]:
        """Return a grey thumbnail, (18, 32) uint8, for detecting scene cuts.

        Raises:
            UnsupportedMedia: FFmpeg cannot convert the frame's pixel format.
        """
        luma = _luma(self._frame)
        if luma is not None:
            return shrink(luma, 32, 18)
        with _converting():
            small = self._frame.reformat(
                width=32, height=18, format="gray", interpolation="AREA", threads=1
            )
            return np.asarray(small.to_ndarray(), np.uint8)

    def rgb(self) -> RgbImage:
        """Convert the frame to an upright RGB image.

        All frames of a video have the size of the first one. After the stream changes its size,
        frames are letterboxed: they keep their aspect ratio and are centred on black. HDR is
        tone-mapped; see :mod:`emosense.media.tone_mapping`.

        Returns:
            (h, w, 3) uint8 RGB; the long side is at most ``long_side`` of the limits.

        Raises:
            UnsupportedMedia: FFmpeg cannot convert the frame's pixel format.
        """
        with _converting():
            return self._canvas.picture(self._frame, self._orientation)


class VideoReader:
    """Decodes a video from its start to its end or to the first error. Use it as a context manager.

    Args:
        path: path of the file.
        limits: limits of file size and resolution; None uses the defaults.
        name: name of the file in messages; None uses that of ``path``.

    Attributes:
        info: properties of the video, as its container states them; of one whose clock starts again,
            its duration and number of frames once all were read.
        demuxer: FFmpeg's name of the demuxer that reads the file.
        form: how the video is stored, which tells whether browsers play it.
        start: time stamp of the first frame, in seconds.
        problem: message why the frames ended early; None if they are complete, or not read yet.
        notes: messages about the file that are no errors.
        interrupted: asked before each packet; True ends the frames. A stream may have any number of
            packets without a frame.

    Raises:
        MediaError: the file does not exist or cannot be read.
        UnsupportedMedia: the container or codec is not supported, or there is no video stream.
        MediaTooLarge: a limit is exceeded.
        DamagedMedia: the file cannot be opened, or not a single frame can be decoded.

    >>> from emosense.media.sample_clip import write_sample_clip
    >>> write_sample_clip(Path("clip.mp4"))
    >>> with VideoReader("clip.mp4") as reader:
    ...     reader.info.codec, sum(1 for _ in reader.frames())
    ('h264', 150)
    """

    def __init__(
        self, path: str | Path, limits: VideoLimits | None = None, name: str | None = None
    ) -> None:
        self.path = Path(path)
        self.name = abbreviate(name or self.path.name, 200)
        self.problem: str | None = None
        self.notes: list[str] = []
        self.interrupted: Callable[[], bool] = lambda: False
        self._stream: Any = None
        self._splitter: Any = None
        self._decoder: Any = None
        self._first_frame: Any = None
        self._limits = limits or VideoLimits()
        check_size(self.path, self.name, self._limits)
        self.demuxer = detect_demuxer(self.path, self.name)
        self._memory = MemoryWatch()
        self._container = self._open_container()
        try:
            self._open()
        except EmoSenseError:
            self.close()
            raise
        except Exception as error:  # any error of FFmpeg or PyAV
            self.close()
            raise DamagedMedia(
                f"{self.name}: the video cannot be decoded: {describe_error(error)}."
            ) from error

    def _open_container(self) -> Any:
        try:
            return open_input(self.path, self.demuxer, self._limits.max_pixels)
        except Exception as error:  # any error of FFmpeg or PyAV
            raise DamagedMedia(
                f"{self.name}: the video cannot be opened: {describe_error(error)}."
            ) from error

    def _open(self) -> None:
        self._stream = self._select_main_stream()
        context = self._prepare_decoder()
        self._decoder = self._decode()
        first = next(self._decoder, None)
        if first is None:
            raise DamagedMedia(
                f"{self.name}: expected a video. Received: a file of which not one frame can "
                f"be decoded{'' if self.problem is None else f' ({self.problem})'}."
            )
        self._first_frame = first
        # The first frame is checked as well, since headers can be wrong.
        self._check_pixels(first)
        self._canvas = FrameCanvas(first, self._stream, self._limits.long_side)
        self.start = first.time or 0.0
        self.info = self._describe()
        self.form = VideoForm.of(self.path, first, context.name, self._tracks)

    def _prepare_decoder(self) -> Any:
        context = self._stream.codec_context
        if context is None:
            raise UnsupportedMedia(
                f"{self.name}: its picture track is coded in a way that cannot be read here."
            )
        self._check_pixels(context)
        self._stream.thread_type = "AUTO"
        plan = self._plan(
            context.coded_width or context.width,
            context.coded_height or context.height,
            context.pix_fmt,
        )
        context.thread_count = plan.threads
        context.options = {"max_pixels": str(plan.max_pixels)}
        return context

    def _select_main_stream(self) -> Any:
        """Select the main video stream; reopen the container if packets were read."""
        streams = video_streams(self._container)
        if not streams:
            raise UnsupportedMedia(
                f"{self.name}: expected a video. Received: a file without a picture track."
            )
        self._tracks = len(streams)
        index = select_stream(self._container, streams).index
        if len(streams) > 1:
            self._container.close()  # the selection has read packets
            self._container = self._open_container()
            context = self._container.streams[index].codec_context
            size = "" if context is None else f" of {context.width} x {context.height}"
            self.notes.append(
                f"The file has {len(streams)} picture tracks: the one{size} is analysed."
            )
        return self._container.streams[index]

    def _check_pixels(self, frame: Any) -> None:
        """Check the size of a frame, or of the frames that a header declares."""
        max_pixels = self._limits.max_pixels
        if frame.width * frame.height > max_pixels:
            raise MediaTooLarge(
                f"{self.name}: expected frames of at most {max_pixels / 1e6:.0f} megapixels. "
                f"Received: {frame.width} x {frame.height}."
            )

    def _plan(self, width: int, height: int, pixel_format: str | None) -> DecoderPlan:
        """Plan the decoder of the stream, which raises if its frames would take too much memory."""
        codec = self._stream.codec_context.name
        try:
            return plan_decoder(codec, width, height, pixel_format)
        except MediaTooLarge as error:
            raise MediaTooLarge(f"{self.name}: {error}") from None

    def close(self) -> None:
        """Close the file and end the decoder's threads."""
        # The threads live as long as anything refers to the decoder: a suspended generator, a frame.
        if self._decoder is not None:
            self._decoder.close()
        self._decoder = self._stream = self._first_frame = self._splitter = None
        self._container.close()
        self.interrupted = lambda: False  # the one before may refer to this reader: a cycle

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def frames(self, start: float = 0.0, end: float | None = None) -> Iterator[DecodedFrame]:
        """Yield frames in order, once; an error ends them and sets :attr:`problem`.

        Args:
            start: time in seconds of the first one. Decoding begins at the key frame before; indices
                and times stay those of the whole video.
            end: time in seconds of the last one; None is the video's end.
        """
        last_time = -1.0
        max_gap = 0.0
        decoded, first = (self._all_frames(), 0) if start <= 0 else self._frames_from(start)
        index, pixel_format = first - 1, None
        rate = self.info.frames_per_second or 25.0
        clock = ContinuousClock(self.demuxer)
        orientation = self._canvas.orientation
        size = self._canvas.fitted_size(self._first_frame, orientation)
        for index, frame in enumerate(decoded, start=first):
            try:
                self._check_pixels(frame)
                if frame.format.name != pixel_format:
                    pixel_format = frame.format.name
                    self._plan(frame.width, frame.height, pixel_format)
            except MediaTooLarge as error:
                self.problem = str(error).removeprefix(f"{self.name}: ")
                return
            time = index / rate
            if frame.time is not None:
                was_continuous = not clock.discontinuities
                time = clock.continuous(frame.time - self.start, step=1 / rate)
                if was_continuous and clock.discontinuities:
                    self.notes.append(
                        f"Its clock starts again or leaps after {last_time:.1f} s, as in recordings "
                        "that were joined: times go on from there."
                    )
            # Some files have equal or falling time stamps; players show their frames in order.
            time = max(time, last_time + 1e-3) if index else 0.0
            max_gap = max(max_gap, time - last_time) if index else 0.0
            last_time = time
            last_orientation, last_size = orientation, size
            orientation = _next_orientation(orientation, frame)
            size = self._canvas.fitted_size(frame, orientation)
            reshaped = orientation != last_orientation or not _same_shape(size, last_size)
            if end is not None and time > end + _TIME_TOLERANCE:
                return
            if time < start - _TIME_TOLERANCE:
                continue
            yield DecodedFrame(index, time, frame, self._canvas, orientation, reshaped=reshaped)
        if self.problem is None and last_time < start - _TIME_TOLERANCE:
            self.problem = (
                f"it ends at {max(0.0, last_time):.1f} s, before the stretch of it begins"
            )
        elif (
            clock.discontinuities
        ):  # the header counts by the clocks' times: what it states is wrong
            if start <= 0 and self.problem is None and not self.interrupted():
                self.info = replace(self.info, duration=last_time + 1 / rate, frames=index + 1)
        elif self.problem is None and self._is_truncated(index + 1, last_time, max_gap):
            self.problem = (
                f"the file ends after {index + 1:,} frames; its header promises about "
                f"{self.info.frames:,}"
            )

    def _is_truncated(self, frames: int, last_time: float, max_gap: float) -> bool:
        """Return whether the frames end well before the end that the header states.

        The number of frames alone is not reliable: the header of a trimmed MP4 counts frames that
        are not shown, and that of Matroska is estimated from the average rate. Nor is the time of
        the last frame: it may be shown as long as earlier ones were (``max_gap``, in seconds). In
        AVI only the number is the header's; the duration is that of the actual content. The
        duration of a file with audio may be that of the audio.

        Args:
            frames: number of decoded frames.
            last_time: time of the last frame, in seconds.
            max_gap: longest time between two frames, in seconds.
        """
        too_few = self.info.frames is not None and frames < 0.9 * self.info.frames - 5
        if self._container.format.name == "avi" or self.info.duration is None:
            return too_few
        if not self._has_stream_duration and self.info.audio:
            return False
        return too_few and last_time + 2 * max_gap < 0.9 * self.info.duration - 0.2

    def _all_frames(self) -> Iterator[Any]:
        yield self._first_frame
        yield from self._decoder

    def _frames_from(self, start: float) -> tuple[Iterator[Any], int]:
        """Return the frames from the key frame before a time on, and the index of the first one."""
        stream_index = self._stream.index
        self._reopen(stream_index)
        entry = find_entry_point(
            self._container, self._stream, self.start + start, self.interrupted
        )
        self._reopen(stream_index)
        self._decoder = self._decode(entry.packets)

        def frames() -> Iterator[Any]:
            # Frames that are shown before the key frame may refer to some that were not decoded.
            # Those after it all count: their clock may start again.
            yield from dropwhile(
                lambda frame: frame.time is not None and frame.time < entry.time - _TIME_TOLERANCE,
                self._decoder,
            )

        return frames(), entry.frames

    def _reopen(self, stream_index: int) -> None:
        self._decoder.close()
        self._splitter = None
        self._container.close()
        self._container = self._open_container()
        self._stream = self._container.streams[stream_index]
        self._canvas.follow(self._stream)
        self._prepare_decoder()

    def _decode(self, skipped: int = 0) -> Iterator[Any]:
        """Decode packets, without so many of the first ones."""
        damaged_packets = 0
        try:
            for number, packet in enumerate(self._container.demux(self._stream)):
                if self.interrupted():
                    return
                if number < skipped:
                    continue
                if self._first_frame is None and number >= _MAX_PACKETS_BEFORE_FRAMES:
                    self.problem = f"its first {number:,} parts hold no picture"
                    return
                if packet.size > MAX_PACKET_BYTES:
                    self.problem = (
                        f"a frame takes {packet.size / 2**20:.0f} MB in the file, where at most "
                        f"{MAX_PACKET_BYTES / 2**20:.0f} MB were expected"
                    )
                    return
                try:
                    for frame in self._frames_of(packet):
                        yield frame
                        if self._memory.exceeded():
                            self.problem = "it needs more memory than a video may take here"
                            return
                except av.error.InvalidDataError:
                    damaged_packets += 1
                    if damaged_packets > _MAX_DAMAGED_PACKETS:
                        self.problem = f"more than {_MAX_DAMAGED_PACKETS} parts of it are damaged"
                        return
        except av.error.ArgumentError:  # what FFmpeg says of frames above max_pixels
            self.problem = (
                "it cannot be read any further: it is damaged, or its frames become larger than "
                "the memory of a video allows"
            )
            return
        except Exception as error:  # any error of FFmpeg or PyAV; earlier frames remain valid
            self.problem = f"it cannot be read any further: {describe_error(error)}"
            return
        if damaged_packets:
            parts = "part" if damaged_packets == 1 else "parts"
            self.problem = f"{damaged_packets} {parts} of it are damaged"

    def _frames_of(self, packet: Any) -> Iterator[Any]:
        """Decode a packet; of several frames in a packet only one is in memory at a time.

        A packet of a few kilobytes may hold any number of frames (AV1), and PyAV returns all of them.
        """
        context = self._stream.codec_context
        name = _SPLIT_FILTERS.get(context.name)
        if name is None or not packet.size:
            yield from packet.decode()
            return
        if self._splitter is None:
            self._splitter = av.BitStreamFilterContext(name, self._stream)
        for part in self._splitter.filter(packet):
            yield from context.decode(part)

    def _describe(self) -> VideoInfo:
        stream, container = self._stream, self._container
        width, height = self._canvas.display_size
        duration = _stream_duration(stream)
        self._has_stream_duration = duration is not None
        if duration is None and container.duration:
            duration = container.duration / av.time_base
        rate = float(stream.average_rate or stream.guessed_rate or 0) or None
        frames = stream.frames or (round(duration * rate) if duration and rate else None)
        return VideoInfo(
            width=width,
            height=height,
            duration=duration,
            frames=frames,
            frames_per_second=rate,
            codec=stream.codec_context.name,
            rotation=self._canvas.orientation.rotation,
            audio=bool(container.streams.audio),
            mirrored=self._canvas.orientation.mirrored,
        )


@contextmanager
def _converting() -> Iterator[None]:
    try:
        yield
    except EmoSenseError:
        raise
    except Exception as error:  # any error of FFmpeg or PyAV
        raise UnsupportedMedia(
            f"its frames cannot be converted to a picture: {describe_error(error)}"
        ) from error


def _luma(frame: Any) -> npt.NDArray[np.uint8] | None:
    """Return the luma plane of a frame as it is decoded, (h, w) uint8; None if it has no such plane."""
    if frame.format.name not in _LUMA_FORMATS:
        return None
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def _next_orientation(last: Orientation, frame: Any) -> Orientation:
    """Return the orientation of a frame, given that of the frame before.

    A display matrix of the container comes with every frame. Display orientation information in
    the video stream comes once and persists until the next one or the next key frame (ITU-T H.264,
    annex D).
    """
    orientation = Orientation.of_frame(frame)
    if orientation is None:
        return Orientation() if frame.key_frame else last
    return orientation


def _same_shape(size: tuple[int, int], other: tuple[int, int]) -> bool:
    return all(abs(a - b) <= 1 + _SHAPE_TOLERANCE * b for a, b in zip(size, other, strict=True))


def _stream_duration(stream: Any) -> float | None:
    """Return the duration of a stream in seconds, or None if only that of the file is known."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    # Matroska may state it in a tag, such as 00:00:04.040000000.
    match = _DURATION_TAG.fullmatch(stream.metadata.get("DURATION", ""))
    if match is None:
        return None
    hours, minutes, seconds = map(float, match.groups())
    return 3600 * hours + 60 * minutes + seconds
