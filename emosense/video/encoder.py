"""Encoding of frames with their faces: the last stage of the pipeline, and of a transcoder."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from types import MappingProxyType

from emosense.errors import EmoSenseError
from emosense.media.audio_track import AudioSource
from emosense.media.video_writer import VideoWriter
from emosense.render.annotate import draw_people
from emosense.results import TrackedFace
from emosense.settings import VideoLimits
from emosense.video.cost import max_annotated_bytes
from emosense.video.queues import BoundedQueue, Frame, PipelineStopped, StageTimer

_log = logging.getLogger(__name__)


class VideoEncoder:
    """Encodes frames with their faces to an MP4 file, which begins with the first, and their audio.

    Errors and a file that reaches its largest size become notes: the analysis goes on without.

    Args:
        path: path of the new video.
        source: the video that the frames are of.
        frames_per_second: average frame rate.
        limits: limits of the new video's size.
        stop: event that stops the pipeline.
        timer: working time of the stages, to which ``encode`` is added.
        notes: messages beside the result, to which those about the new video are appended.
        noun: what the new video is called in them.
        names: names of people by their numbers, drawn in their places.

    >>> from emosense.media.sample_clip import write_sample_clip
    >>> write_sample_clip(clip := Path("clip.mp4"))
    >>> notes, stop = [], threading.Event()
    >>> encoder = VideoEncoder(
    ...     Path("none/a.mp4"), AudioSource(clip, "mov"), 25, VideoLimits(), stop, StageTimer(), notes
    ... )
    >>> frames = BoundedQueue(4, stop)
    >>> frames.close()
    >>> encoder.run(frames)
    >>> notes
    []
    """

    def __init__(
        self,
        path: Path,
        source: AudioSource,
        frames_per_second: float,
        limits: VideoLimits,
        stop: threading.Event,
        timer: StageTimer,
        notes: list[str],
        noun: str = "video with boxes",
        names: Mapping[int, str] = MappingProxyType({}),
    ) -> None:
        self._noun, self._names = noun, names
        self._path, self._source, self._rate = path, source, frames_per_second
        self._limits, self._stop, self._timer, self._notes = limits, stop, timer, notes

    def run(
        self, queue: BoundedQueue[Frame], is_complete: Callable[[], bool] = lambda: True
    ) -> None:
        """Encode the frames of a queue until it ends; never raises.

        Args:
            queue: frames with their faces, in order.
            is_complete: asked after the last frame: whether the audio that outlasts it is written,
                since the source has no more frames.
        """
        frames = iter(queue)
        try:
            writer: VideoWriter | None = None
            first = 0.0
            faces: tuple[TrackedFace, ...] = ()
            try:
                for frame in frames:
                    start = perf_counter()
                    if writer is None:
                        writer, first = self._open(frame), frame.time
                    if frame.sampled:
                        faces = frame.faces  # drawn until the next sampled frame
                    writer.write(draw_people(frame.image, faces, self._names), frame.time - first)
                    self._timer.add("encode", perf_counter() - start)
                    if writer.limit is not None:
                        self._notes.append(
                            f"{self._path.name}: the {self._noun} ends at {frame.time:.1f} s: "
                            f"{writer.limit}."
                        )
                        break
                if writer is not None and not writer.is_full and is_complete():
                    writer.write_rest()
            except PipelineStopped:
                pass
            finally:
                if writer is not None:
                    self._notes.extend(writer.notes)
                    writer.__exit__(None, None, None)
        except Exception as error:
            text = f"{self._path.name}: the {self._noun} could not be made any further."
            _log.debug("the %s failed", self._noun, exc_info=error)
            self._notes.append(str(error) if isinstance(error, EmoSenseError) else text)
        # The analysis goes on without the new video. The queue is emptied through the same
        # iterator: a new one would wait for ever once the queue has ended.
        with contextlib.suppress(PipelineStopped):
            for _ in frames:
                pass

    def _open(self, frame: Frame) -> VideoWriter:
        height, width = frame.image.shape[:2]
        try:
            max_bytes = max_annotated_bytes(self._source.path, self._path, self._limits)
        except OSError:
            max_bytes = None  # the writer reports a folder that is missing
        source = replace(self._source, start=self._source.start + frame.time)
        return VideoWriter(
            self._path, width, height, self._rate, source, max_bytes, self._stop.is_set
        )
