"""Safe decoding of videos: a file -> upright RGB frames with their times.

The container is recognised by content, never by name, and opened by a demuxer that is named:
FFmpeg's own guessing would also follow playlists to other files and servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt

from emosense.errors import DamagedMedia, EmoSenseError, MediaError, MediaTooLarge, UnsupportedMedia
from emosense.filesystem.filenames import abbreviate
from emosense.media.file_kind import HEAD_BYTES, describe_kind, file_kind
from emosense.media.formats import VIDEO_FORMATS
from emosense.media.frame_canvas import FrameCanvas
from emosense.media.images import RgbImage
from emosense.media.orientation import Orientation
from emosense.media.stream_selection import select_stream, video_streams
from emosense.results import VideoInfo
from emosense.settings import VideoLimits

_CONTAINERS: Final = (
    (re.compile(rb"....(?:ftyp|moov|mdat|wide|free|skip|pnot)", re.DOTALL), "mov"),
    (re.compile(rb"\x1a\x45\xdf\xa3"), "matroska"),
    (re.compile(rb"RIFF....AVI ", re.DOTALL), "avi"),
    # Every packet of a transport stream begins so; cameras put four bytes before each.
    (re.compile(rb"(?:\x47.{187}){2}\x47|.{4}(?:\x47.{191}){2}\x47", re.DOTALL), "mpegts"),
)
_BROKEN_PACKETS: Final = 100
_SAME_SHAPE: Final = 0.03
"""By how much of its side a frame may differ in the canvas and still have the same shape: sizes are
rounded to pixels, and by some coders to 16 of them."""
_CLOCK_TIME: Final = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


class DecodedFrame:
    """A frame of a video; pixels are converted when they are asked for.

    Attributes:
        index: place in the video, from 0.
        time: seconds from the first frame on, by the container's own time stamps.
        reshaped: whether the picture has other proportions or another orientation than the one
            before, as when a phone is turned while it records. One that is only larger is not:
            everything in it keeps its place.

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
        """Return a small grey picture, (18, 32) uint8, for comparing frames."""
        small = self._frame.reformat(width=32, height=18, format="gray", interpolation="AREA")
        return np.asarray(small.to_ndarray(), np.uint8)

    def rgb(self) -> RgbImage:
        """Return the upright picture: (h, w, 3) uint8 RGB, at most ``long_side`` long.

        All frames of a video have the first one's size. Where the stream changes its own, a frame
        keeps its proportions and lies in the middle, as players show it, with black beside it. HDR
        is tone-mapped; see :mod:`emosense.media.tone_mapping`.
        """
        return self._canvas.picture(self._frame, self._orientation)


class VideoReader:
    """Reads one video from its start to its end or to the first fault.

    Use it as a context manager. After the frames were read, ``problem`` says in words why they
    ended early, or is None.

    Args:
        path: the file.
        limits: what it may cost.
        name: what messages call it; the file's name if None.

    Raises:
        MediaError: there is no such file, or it cannot be read.
        UnsupportedMedia: no video container that is read here, no picture, unknown codec.
        MediaTooLarge: above a limit.
        DamagedMedia: cannot be opened, or not one frame can be decoded.

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
        self._stream: Any = None
        self._raw: Any = None
        self._first: Any = None
        limits = limits or VideoLimits()
        _check_size(self.path, self.name, limits)
        self._form = _container_of(self.path, self.name)
        self._container = self._open_container()
        try:
            self._open(limits)
        except EmoSenseError:
            self.close()
            raise
        except Exception as error:  # FFmpeg's errors, and whatever its bindings stumble on
            self.close()
            raise DamagedMedia(
                f"{self.name}: the video is damaged and cannot be decoded."
            ) from error

    def _open_container(self) -> Any:
        try:
            return av.open(
                str(self.path),
                format=self._form,
                options={"protocol_whitelist": "file"},
                metadata_errors="replace",  # a title in a wrong encoding harms nobody
            )
        except Exception as error:  # as above
            raise DamagedMedia(
                f"{self.name}: the video is damaged or cut off and cannot be opened."
            ) from error

    def _open(self, limits: VideoLimits) -> None:
        self._stream = self._main_track()
        context = self._stream.codec_context
        if context is None:
            raise UnsupportedMedia(
                f"{self.name}: its picture track is coded in a way that cannot be read here."
            )
        self._check_pixels(context, limits.max_pixels)
        self._stream.thread_type = "AUTO"
        self._raw = self._decoded()
        first = next(self._raw, None)
        if first is None:
            raise DamagedMedia(
                f"{self.name}: expected a video. Received: a file of which not one frame can "
                f"be decoded{'' if self.problem is None else f' ({self.problem})'}."
            )
        self._first = first
        # The first frame must not pass the limit either: headers can lie.
        self._check_pixels(first, limits.max_pixels)
        self._max_pixels = limits.max_pixels
        self._canvas = FrameCanvas(first, self._stream, limits.long_side)
        self.start = first.time or 0.0
        self.info = self._describe()

    def _main_track(self) -> Any:
        """Return the track to show, of an untouched file."""
        tracks = video_streams(self._container)
        if not tracks:
            raise UnsupportedMedia(
                f"{self.name}: expected a video. Received: a file without a picture track."
            )
        index = select_stream(self._container, tracks).index
        if len(tracks) > 1:
            self._container.close()  # packets were read to tell the tracks apart
            self._container = self._open_container()
            context = self._container.streams[index].codec_context
            size = "" if context is None else f" of {context.width} x {context.height}"
            self.notes.append(
                f"The file has {len(tracks)} picture tracks: the one{size} is analysed."
            )
        return self._container.streams[index]

    def _check_pixels(self, picture: Any, limit: int) -> None:
        if picture.width * picture.height > limit:
            raise MediaTooLarge(
                f"{self.name}: expected frames of at most {limit / 1e6:.0f} megapixels. "
                f"Received: {picture.width} x {picture.height}."
            )

    def close(self) -> None:
        """Close the file and end the decoder's threads."""
        # They live as long as anything refers to the decoder: a suspended generator, a frame.
        if self._raw is not None:
            self._raw.close()
        self._raw = self._stream = self._first = None
        self._container.close()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def frames(self) -> Iterator[DecodedFrame]:
        """Yield all frames in order; can be used once. A fault ends them, see ``problem``."""
        last = -1.0
        longest = 0.0
        index = -1
        rate = self.info.frames_per_second or 25.0
        orientation = self._canvas.orientation
        fitted = self._canvas.fitted(self._first, orientation)
        for index, frame in enumerate(self._all()):
            try:
                self._check_pixels(frame, self._max_pixels)
            except MediaTooLarge as error:
                self.problem = str(error).removeprefix(f"{self.name}: ")
                return
            time = index / rate if frame.time is None else frame.time - self.start
            # Equal or falling time stamps occur in the wild; players show such frames in order.
            time = max(time, last + 1e-3) if index else 0.0
            longest = max(longest, time - last) if index else 0.0
            last = time
            before = orientation, fitted
            orientation = _orientation_after(orientation, frame)
            fitted = self._canvas.fitted(frame, orientation)
            reshaped = orientation != before[0] or not _same_shape(fitted, before[1])
            yield DecodedFrame(index, time, frame, self._canvas, orientation, reshaped=reshaped)
        if self.problem is None and self._is_short(index + 1, last, longest):
            self.problem = (
                f"the file ends after {index + 1:,} frames; its header promises about "
                f"{self.info.frames:,}"
            )

    def _is_short(self, frames: int, last: float, longest: float) -> bool:
        """Return whether the frames end well before the header says.

        Their number alone does not tell it: the header of a trimmed MP4 counts what is not shown,
        and Matroska's number is guessed from an even rate. Nor does the last frame's time: it may
        stand for long, as earlier ones did (``longest``, in seconds). In AVI only the number is the
        header's; its duration is the file's own. The duration of a file with sound says nothing.
        """
        few = self.info.frames is not None and frames < 0.9 * self.info.frames - 5
        if self._container.format.name == "avi" or self.info.duration is None:
            return few
        if not self._own_duration and self.info.audio:
            return False
        return few and last + 2 * longest < 0.9 * self.info.duration - 0.2

    def _all(self) -> Iterator[Any]:
        yield self._first
        yield from self._raw

    def _decoded(self) -> Iterator[Any]:
        broken = 0
        try:
            for packet in self._container.demux(self._stream):
                try:
                    yield from packet.decode()
                except av.error.InvalidDataError:
                    broken += 1
                    if broken > _BROKEN_PACKETS:
                        self.problem = f"more than {_BROKEN_PACKETS} parts of it are damaged"
                        return
        except Exception:  # as above; what was decoded until here is kept
            self.problem = "it is damaged and cannot be read any further"
            return
        if broken:
            self.problem = f"{broken} {'part' if broken == 1 else 'parts'} of it are damaged"

    def _describe(self) -> VideoInfo:
        stream, container = self._stream, self._container
        width, height = self._canvas.shown
        duration = _track_duration(stream)
        self._own_duration = duration is not None
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


def _orientation_after(last: Orientation, frame: Any) -> Orientation:
    """Return how a frame is shown that follows one shown as ``last``.

    A container's matrix comes with every frame. One that is coded among the pictures comes once
    and holds until the next one, or until the pictures begin anew (ITU-T H.264, annex D, display orientation).
    """
    own = Orientation.of_frame(frame)
    if own is None:
        return Orientation() if frame.key_frame else last
    return own


def _same_shape(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return all(abs(a - b) <= 1 + _SAME_SHAPE * b for a, b in zip(one, other, strict=True))


def _track_duration(stream: Any) -> float | None:
    """Return a track's own seconds, if they are known: the file's are those of its longest track."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    # Matroska has them in a tag, if its writer was careful: 00:00:04.040000000
    match = _CLOCK_TIME.fullmatch(stream.metadata.get("DURATION", ""))
    if match is None:
        return None
    hours, minutes, seconds = map(float, match.groups())
    return 3600 * hours + 60 * minutes + seconds


def _check_size(path: Path, name: str, limits: VideoLimits) -> None:
    try:
        with path.open("rb"):  # a folder, or a file that may not be read
            size = path.stat().st_size
    except FileNotFoundError:
        raise MediaError(f"There is no file {name}.") from None
    except OSError as error:
        raise MediaError(f"{name} cannot be read: {error.strerror or error}.") from error
    if size == 0:
        raise DamagedMedia(f"{name}: expected a video. Received: an empty file.")
    if size > limits.max_bytes:
        raise MediaTooLarge(
            f"{name}: expected at most {limits.max_bytes / 2**20:.0f} MB. "
            f"Received: {size / 2**20:.0f} MB."
        )


def _container_of(path: Path, name: str) -> str:
    with path.open("rb") as file:
        start = file.read(HEAD_BYTES)
    kind = file_kind(start)
    for pattern, demuxer in _CONTAINERS:
        if kind == "video" and pattern.match(start):  # HEIC and AVIF photos begin like an MP4
            return demuxer
    words = {"photo": "a photo", "video": "a video of another kind"}.get(kind)
    raise UnsupportedMedia(
        f"{name}: expected a video ({VIDEO_FORMATS}). Received: {words or describe_kind(start)}."
    )
