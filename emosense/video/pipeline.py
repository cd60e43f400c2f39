"""The video pipeline: decoding, face detection, tracking and classification, encoding.

Four threads with bounded queues between them: decode -> detect -> track and classify (the
caller's own) -> annotate and encode. The frames in memory are bounded, whatever the length of the
video and however few of its frames are analysed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Final

from emosense.errors import EmoSenseError, MediaError
from emosense.faces.tracking import FaceTracker, appearance_descriptor
from emosense.filesystem.filenames import utf8_safe
from emosense.media.audio_track import AudioSource
from emosense.media.scene_cuts import SceneCutDetector
from emosense.media.video_reader import VideoReader
from emosense.results import (
    FrameResult,
    KeyMoment,
    TrackedFace,
    VideoInfo,
    VideoResult,
)
from emosense.runtime.onnx_session import pipelined
from emosense.settings import VideoLimits
from emosense.video.batching import MAX_DELAYED_BYTES, frame_index, is_full
from emosense.video.encoder import VideoEncoder
from emosense.video.face_search import FaceSearch
from emosense.video.frame_analyzer import FrameAnalyzer
from emosense.video.interpolation import interpolate_detections
from emosense.video.key_moments import MAX_PEOPLE, KeyMomentCollector
from emosense.video.options import VideoOptions
from emosense.video.queues import BoundedQueue, Frame, PipelineStopped, StageTimer
from emosense.video.working_time import WorkingTime

MAX_QUEUE_BYTES: Final = 48 * 10**6
"""Most bytes of images that wait between two stages: four of 1920 x 1920 fit."""

MAX_FACES: Final = 250_000
"""Most faces of a result, of about 2 KB each: seven people over an hour at ten frames a second."""

MAX_INTERPOLATION_SECONDS: Final = 0.5
"""Seconds between detection frames above which a face moves too far for interpolation."""

_log = logging.getLogger(__name__)


class VideoAnalysis:
    """The analysis of a video, which runs while its frames are read.

    Iterate over it for :class:`~emosense.results.FrameResult` in order; then, or instead, call
    :meth:`finish`, which analyses the rest. To end early, call :meth:`cancel`, or leave the
    ``with`` block that it is used in; frames analysed until then stay in the result. An analysis
    that is neither read to its end nor ended keeps its threads running and its file open.

    Args:
        analyzer: detects and classifies faces; must not be used elsewhere meanwhile.
        path: path of the video.
        options: sampling and detection options; None uses the defaults, ten frames a second.
        annotated: path to write the annotated video (MP4) to; None writes none.
        limits: limits of the video's size and of its analysis; None uses the defaults.

    >>> from emosense.analyzer import Analyzer
    >>> from emosense.media.sample_clip import write_sample_clip
    >>> write_sample_clip(clip := Path("clip.mp4"))
    >>> with VideoAnalysis(Analyzer(), clip, VideoOptions(per_second=2)) as analysis:
    ...     times = [frame.time for frame in analysis]
    >>> times[:3]
    [0.0, 0.52, 1.0]

    Raises:
        MediaError: the video cannot be opened, or is the file that ``annotated`` names.

    Attributes:
        info: properties of the video, as its container states them.
        frames_read: number of frames decoded so far.
        notes: messages beside the result: the ``choices``, and errors that did not end the
            analysis, e.g. of the annotated video.
        choices: messages about decisions that are no error, such as which of the file's video
            streams is analysed.
        timer: working time of each stage.
    """

    def __init__(
        self,
        analyzer: FrameAnalyzer,
        path: str | Path,
        options: VideoOptions | None = None,
        annotated: str | Path | None = None,
        limits: VideoLimits | None = None,
    ) -> None:
        self._analyzer = analyzer
        self._options = options or VideoOptions()
        self._annotated = None if annotated is None else Path(annotated)
        if self._annotated is not None and _is_same(self._annotated, Path(path)):
            raise MediaError(
                f"{self._annotated}: expected another file for the video with boxes. "
                "Received: the video itself, which it would replace."
            )
        self._limits = limits or VideoLimits()
        self._reader = VideoReader(path, self._limits)
        self.info: VideoInfo = self._reader.info
        self.frames_read = 0
        self.choices: tuple[str, ...] = tuple(self._reader.notes)
        self.notes: list[str] = [*self.choices]
        self.timer = StageTimer()
        self._stop = threading.Event()
        self._cancelled = False
        self._ended = False
        self._failure: str | None = None
        self._ended_by: str | None = None
        self._time = WorkingTime(self._limits.max_seconds)
        self._reader.interrupted = lambda: self._stop.is_set() or self._is_over()
        self._faces = 0
        self._frames: list[FrameResult] = []
        self._running: Iterator[FrameResult] | None = None
        self._search = FaceSearch(
            analyzer,
            self._options.detector(gpu=analyzer.on_gpu),
            regions=not self._options.whole_frames,
        )
        self._tracker = FaceTracker()
        self._moments = KeyMomentCollector()

    def finish(self) -> VideoResult:
        """Analyse the rest of the video, which may take minutes, and return the whole result."""
        for _ in self:
            pass
        problem = self._failure or self._ended_by or self._reader.problem
        if self._cancelled:
            problem = "it was cancelled"
        return VideoResult(
            source=utf8_safe(self._reader.path.name),
            info=self._reader.info,
            frames=tuple(self._frames),
            frames_read=self.frames_read,
            model=self._analyzer.model,
            detector=self._analyzer.detector,
            problem=problem,
            model_version=self._analyzer.model_version,
            calibration_version=self._analyzer.calibration_version,
        )

    @property
    def key_moments(self) -> tuple[KeyMoment, ...]:
        """The key moments so far: per person and emotion the frame of the highest probability."""
        return self._moments.key_moments

    def cancel(self) -> None:
        """End the analysis soon, from any thread; without effect once it has ended."""
        if not self._ended:
            self._cancelled = True
            self._stop.set()

    def close(self) -> None:
        """End the analysis and its threads; call it in the thread that iterates over it."""
        self.cancel()
        for _ in self:
            pass

    def __enter__(self) -> VideoAnalysis:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[FrameResult]:
        if self._running is None:
            self._running = self._run()
        return self._running

    def _run(self) -> Iterator[FrameResult]:
        decoded = self._queue_of_frames()
        detected: BoundedQueue[list[Frame]] = BoundedQueue(1, self._stop)
        annotated = self._queue_of_frames()
        threads = [
            threading.Thread(target=self._decode, args=(decoded,), daemon=True),
            threading.Thread(target=self._detect, args=(decoded, detected), daemon=True),
        ]
        encoder: threading.Thread | None = None
        if self._annotated is not None:
            encoder = threading.Thread(
                target=self._encoder(self._annotated).run,
                args=(annotated, lambda: self._ended_by is None and self._options.end is None),
                daemon=True,
            )
            threads.append(encoder)
        self._time.start()
        try:
            for thread in threads:
                thread.start()
            for frame in self._track_and_classify(detected):
                if encoder is not None:
                    annotated.put(frame)
                if frame.sampled:
                    result = self._in_video_pixels(frame)
                    self._moments.update(frame.image, frame.faces, result)
                    self._frames.append(result)
                    self._faces += len(result.faces)
                    with self._time.paused():
                        yield result
            if encoder is not None:
                annotated.close()
                encoder.join()
            if not self._moments.is_complete:
                self.notes.append(f"Key moments are of the first {MAX_PEOPLE:,} people only.")
        except (PipelineStopped, GeneratorExit):
            self._cancelled = True
        except EmoSenseError as error:
            self._failure = str(error)
        except KeyboardInterrupt:
            self._cancelled = True  # the result is incomplete
            raise
        except Exception:
            self._failure = "the analysis failed in its course"
            raise
        finally:
            self._stop.set()
            for thread in threads:
                if thread.ident is not None:  # it began: there may have been no memory for more
                    thread.join()  # the encoder still closes its file properly
            self._reader.close()
            self._ended = True

    def _queue_of_frames(self) -> BoundedQueue[Frame]:
        return BoundedQueue(4, self._stop, MAX_QUEUE_BYTES, lambda frame: frame.nbytes)

    def _is_over(self) -> bool:
        """Return whether a limit ends the analysis with the frames that were decoded so far."""
        if self._time.is_used_up:
            minutes = f"{self._limits.max_seconds / 60:g} minutes"
            self._ended_by = f"it ended after {minutes}, the longest that an analysis may take here"
        elif self._faces >= MAX_FACES:
            self._ended_by = (
                f"it ended after {self._faces:,} faces, the most that a result may hold"
            )
        return self._ended_by is not None

    def _decode(self, output: BoundedQueue[Frame]) -> None:
        step = 0.0 if self._options.per_second is None else 1 / self._options.per_second
        start_time, end_time = self._options.start, self._options.end
        next_time, scene_cuts, scene_cut, reshaped = start_time, SceneCutDetector(), False, False
        error: BaseException | None = None
        try:
            for decoded in self.timer.timed("decode", self._reader.frames(start_time, end_time)):
                self.frames_read += 1
                start = perf_counter()
                # A turn of the phone changes the whole picture, but is no scene cut.
                thumbnail = decoded.tiny()
                is_cut = scene_cuts.is_cut(thumbnail) and not decoded.reshaped
                scene_cut = is_cut or scene_cut
                reshaped = decoded.reshaped or reshaped
                self.timer.add("decode", perf_counter() - start)
                sampled = decoded.time >= next_time - 1e-3
                if sampled:
                    next_time = max(next_time + step, decoded.time) if step else decoded.time
                if sampled or self._annotated is not None:
                    start = perf_counter()
                    image = decoded.rgb()
                    self.timer.add("decode", perf_counter() - start)
                    frame = Frame(decoded.index, decoded.time, image, sampled, thumbnail=thumbnail)
                    if sampled:  # with the cuts and turns since the previous sampled frame
                        frame.scene_cut, frame.reshaped = scene_cut, reshaped
                        scene_cut = reshaped = False
                    output.put(frame)
                if self._is_over():
                    break
            found = self._reader.notes[len(self.choices) :]
            self.choices += tuple(found)
            self.notes += found
        except PipelineStopped:
            return
        except MediaError as exception:
            error = exception
        except Exception as exception:  # unexpected: the reader itself reports faults of the file
            error = EmoSenseError("its frames could not be decoded any further")
            _log.debug("decoding failed", exc_info=exception)
        self._close(output, error)

    def _detect(self, frames: BoundedQueue[Frame], output: BoundedQueue[list[Frame]]) -> None:
        error: BaseException | None = None
        batch, sampled, last_time = list[Frame](), 0, 0.0
        delayed_bytes = 0  # of the images since the last detection frame, all in memory
        last: Frame | None = None  # the last sampled frame is always a detection frame

        def pass_on() -> None:
            # A frame to interpolate is held back: if it is the last, it is a detection frame.
            nonlocal batch
            size = len(batch) if last is None or last.detected else frame_index(last, batch)
            if size:
                self._detect_batch(batch[:size])
                output.put(batch[:size])
                batch = batch[size:]

        try:
            for frame in frames:
                if is_full(batch, frame):
                    pass_on()
                batch.append(frame)
                if frame.sampled:
                    is_due = sampled % self._options.detect_every == 0
                    # The next one is expected as long after this one as this one is after the last.
                    expected = 2 * frame.time - (last_time if last is None else last.time)
                    is_far = expected - last_time > MAX_INTERPOLATION_SECONDS + 1e-3
                    frame.detected = is_due or is_far
                    last_time = frame.time if frame.detected else last_time
                    sampled, last = sampled + 1, frame
                if last is not None:
                    delayed_bytes += frame.nbytes
                    if delayed_bytes > MAX_DELAYED_BYTES and not last.detected:
                        last.detected, last_time = True, last.time
                    delayed_bytes = 0 if last.detected else delayed_bytes
                if is_full(batch):
                    pass_on()
            if last is not None:
                last.detected = True
            self._detect_batch(batch)
            output.put(batch)
        except PipelineStopped:
            return
        except EmoSenseError as exception:
            error = exception
        except Exception as exception:
            error = EmoSenseError("the face detection failed in its course")
            _log.debug("the face detection failed", exc_info=exception)
        self._close(output, error)

    def _detect_batch(self, batch: list[Frame]) -> None:
        start = perf_counter()
        for frame in batch:
            # Nothing is interpolated across a scene cut or a turn: detection begins anew after it.
            frame.detected = frame.detected or frame.scene_cut or frame.reshaped
        with pipelined():
            self._search.search([frame for frame in batch if frame.detected])
        self.timer.add("detect", perf_counter() - start)

    def _track_and_classify(self, batches: BoundedQueue[list[Frame]]) -> Iterator[Frame]:
        """Yield all frames in order with their faces; delays those that wait for interpolation."""
        delayed: list[Frame] = []
        last_persons: list[int] = []
        last: Frame | None = None
        for batch in batches:
            ready: list[tuple[Frame, list[int]]] = []
            start = perf_counter()
            for frame in batch:
                if not frame.detected:
                    if delayed or frame.sampled:
                        delayed.append(frame)
                    else:
                        ready.append((frame, []))
                    continue
                if frame.scene_cut:
                    self._tracker.reset()
                appearances = [appearance_descriptor(frame.image, d) for d in frame.detections]
                persons = self._tracker.update(
                    frame.time, frame.detections, appearances, reshaped=frame.reshaped
                )
                for earlier in delayed:
                    interpolated: list[int] = []
                    same_scene = not frame.scene_cut and not frame.reshaped
                    if earlier.sampled and last is not None and same_scene:
                        earlier.detections, interpolated = interpolate_detections(
                            earlier.time, last, last_persons, frame, persons
                        )
                    ready.append((earlier, interpolated))
                ready.append((frame, persons))
                delayed, last, last_persons = [], frame, persons
            self._classify(ready)
            self.timer.add("classify", perf_counter() - start)
            yield from (frame for frame, _ in ready)
        yield from delayed

    def _classify(self, frames: list[tuple[Frame, list[int]]]) -> None:
        with pipelined():  # this thread is the caller's, and no stage while it is elsewhere
            classified = self._analyzer.classify_detections(
                [(frame.image, frame.detections) for frame, _ in frames]
            )
        for (frame, persons), of_frame in zip(frames, classified, strict=True):
            faces = [TrackedFace(*numbered) for numbered in zip(persons, of_frame, strict=True)]
            frame.faces = tuple(sorted(faces, key=lambda face: face.person))

    def _in_video_pixels(self, frame: Frame) -> FrameResult:
        factor = self.info.width / frame.image.shape[1]
        faces = tuple(face.scaled(factor) for face in frame.faces)
        return FrameResult(frame.index, frame.time, faces, frame.scene_cut)

    def _encoder(self, path: Path) -> VideoEncoder:
        return VideoEncoder(
            path,
            AudioSource(self._reader.path, self._reader.demuxer, self._reader.start),
            self.info.frames_per_second or 25.0,
            self._limits,
            self._stop,
            self.timer,
            self.notes,
        )

    @staticmethod
    def _close(
        queue: BoundedQueue[Frame] | BoundedQueue[list[Frame]], error: BaseException | None
    ) -> None:
        try:
            queue.close(error)
        except PipelineStopped:
            return


def _is_same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:  # one of them does not exist yet
        return False
