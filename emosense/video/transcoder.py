"""A video encoded anew: as a preview that browsers play, or with the boxes of its result."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Final

from emosense.errors import MediaError
from emosense.media.audio_track import AudioSource
from emosense.media.video_reader import DecodedFrame, VideoReader
from emosense.results import TrackedFace, VideoResult
from emosense.settings import VideoLimits
from emosense.video.encoder import VideoEncoder
from emosense.video.queues import BoundedQueue, Frame, PipelineStopped, StageTimer
from emosense.video.working_time import WorkingTime

_MAX_QUEUE_BYTES: Final = 48 * 10**6


class VideoTranscoder:
    """Encodes a video as H.264 in MP4 while it is iterated over, with its sound.

    Frames are upright and keep their times, so that a result of the video is one of the new file as
    well. Two threads: the caller's decodes, another one draws and encodes.

    Args:
        path: path of the video.
        target: path of the new file.
        limits: limits of the video, of the time and of the new file's size; its frames have at most
            ``long_side`` pixels.
        result: result whose boxes are drawn, until the next analysed frame or an excluded stretch,
            with the names of its people; the new file ends with it if it ended early. None draws none.
        start: time in seconds of the first frame, with which the new file begins.
        end: time in seconds of the last frame; None is the video's end.

    Attributes:
        notes: messages about what is missing: sound, or the end.

    Raises:
        MediaError: the video cannot be read.

    >>> from emosense.media.sample_clip import write_sample_clip
    >>> write_sample_clip(clip := Path("clip.mp4"))
    >>> with VideoTranscoder(clip, Path("preview.mp4"), VideoLimits(long_side=320)) as transcoder:
    ...     count = sum(1 for _ in transcoder)
    >>> count, transcoder.notes
    (150, [])
    """

    def __init__(
        self,
        path: str | Path,
        target: str | Path,
        limits: VideoLimits,
        result: VideoResult | None = None,
        start: float = 0.0,
        end: float | None = None,
    ) -> None:
        self._target, self._limits = Path(target), limits
        self._start, self._end = start, end
        self._reader = VideoReader(path, limits)
        self._time = WorkingTime(limits.max_seconds)
        self._stop = threading.Event()
        self._is_complete = False
        self.notes: list[str] = []
        self._reader.interrupted = lambda: self._stop.is_set() or self._time.is_used_up
        frames = () if result is None else result.frames
        self._faces = {frame.index: frame.faces for frame in frames}
        self._excluded = () if result is None else result.excluded
        self._names = {} if result is None else result.names
        is_partial = result is not None and result.problem is not None
        self._last = max(self._faces, default=-1) if is_partial else None
        self._noun = "preview" if result is None else "video with boxes"
        self._running = self._run()

    def cancel(self) -> None:
        """End soon; the file then plays to where it has come."""
        self._stop.set()

    def __enter__(self) -> VideoTranscoder:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()
        self._running.close()
        self._reader.close()

    def __iter__(self) -> Iterator[float]:
        """Encode the frames and yield the time of each, in seconds.

        Raises:
            MediaError: the new file could not be written.
        """
        return self._running

    def _run(self) -> Generator[float, None, None]:
        frames: BoundedQueue[Frame] = BoundedQueue(
            4, self._stop, _MAX_QUEUE_BYTES, lambda frame: frame.nbytes
        )
        encoder = VideoEncoder(
            self._target,
            AudioSource(self._reader.path, self._reader.demuxer, self._reader.start),
            self._reader.info.frames_per_second or 25.0,
            self._limits,
            self._stop,
            StageTimer(),
            self.notes,
            self._noun,
            self._names,
        )
        thread = threading.Thread(
            target=encoder.run, args=(frames, lambda: self._is_complete), daemon=True
        )
        self._time.start()
        thread.start()
        try:
            for decoded in self._reader.frames(self._start, self._end):
                is_after_result = self._last is not None and decoded.index > self._last
                if is_after_result or self.notes:  # a note says that nothing more is written
                    break
                frames.put(self._frame(decoded))
                with self._time.paused():
                    yield decoded.time
            else:
                self._is_complete = self._end is None and not self._reader.interrupted()
            frames.close()
        except PipelineStopped:
            pass
        except BaseException:
            self._stop.set()
            raise
        finally:
            thread.join()  # it closes its file properly
        self._say_what_is_missing()

    def _frame(self, decoded: DecodedFrame) -> Frame:
        image = decoded.rgb()
        faces = self._faces.get(decoded.index)
        is_excluded = any(start <= decoded.time < end for start, end in self._excluded)
        return Frame(
            decoded.index,
            decoded.time,
            image,
            sampled=faces is not None or is_excluded,  # no boxes from before stay there
            faces=self._in_pixels(faces or (), image.shape[1]),
        )

    def _in_pixels(self, faces: tuple[TrackedFace, ...], width: int) -> tuple[TrackedFace, ...]:
        factor = width / self._reader.info.width
        return tuple(face.scaled(factor) for face in faces)

    def _say_what_is_missing(self) -> None:
        if self._time.is_used_up:
            self.notes.append(
                f"The {self._noun} ends early: it took {self._limits.max_seconds / 60:g} minutes, the "
                "longest that it may take here."
            )
        if not self._target.is_file():
            raise MediaError(
                self.notes[-1] if self.notes else f"The {self._noun} could not be made."
            )
