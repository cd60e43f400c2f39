"""A video's way through decoding, face search, classification, tracking and drawing.

Four threads with bounded lanes between them: decode -> search -> classify and track (the
caller's own) -> draw and encode. The pictures in memory are bounded, whatever the length of the
video and however few of its frames are analysed.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

import numpy as np

from emosense.annotate import draw_people
from emosense.emotions import INPUT_SIZE
from emosense.errors import EmoSenseError, MediaError
from emosense.faces.crop import crop_face
from emosense.faces.tracking import FaceTracker, appearance
from emosense.media.cuts import CutFinder
from emosense.media.names import writable
from emosense.media.video import VideoLimits, VideoReader
from emosense.media.video_writer import VideoWriter
from emosense.results import FrameResult, TrackedFace, VideoInfo, VideoResult
from emosense.video.between import placed_between, scaled
from emosense.video.moments import KeyMoment, MomentKeeper
from emosense.video.options import VideoOptions
from emosense.video.stages import Clock, Frame, Lane, Stopped

if TYPE_CHECKING:
    from emosense.analyzer import Analyzer

BATCH: Final = 8
"""Analysed frames that go through detector and network together, at most."""

LONGEST_BATCH: Final = 2.0
"""Seconds of video after which fewer go through, so that sparse frames are not long in coming."""

LONGEST_PLACED: Final = 0.5
"""Seconds between searched frames: in more time a face moves too far to be placed between."""

_log = logging.getLogger(__name__)


class VideoAnalysis:
    """An analysis that runs while its frames are read.

    Iterate over it for :class:`~emosense.results.FrameResult` in order; then, or instead, ask
    for ``result``, which runs what is left. To end early, :meth:`cancel`, or leave the ``with``
    block that it is used in; what was computed stays in ``result``. An analysis that is neither
    read to its end nor ended keeps its threads and its file.

    Args:
        analyzer: finds and classifies faces; must not be used elsewhere meanwhile.
        path: the video.
        options: how it is analysed.
        annotated: where to write the video with boxes (MP4), or None.
        limits: what the video may cost.

    Raises:
        MediaError: the video cannot be opened, or is the file that ``annotated`` names.

    Attributes:
        info: what the container says.
        frames_read: decoded frames so far.
        notes: what is to be told beside the results: what ``choices`` says, and what went wrong
            without ending the analysis, e.g. with the annotated video.
        choices: what was decided about the file and is no fault, such as which of its picture
            tracks is analysed.
        clock: seconds that each stage was at work.
    """

    def __init__(
        self,
        analyzer: Analyzer,
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
        self._reader = VideoReader(path, limits)
        self.info: VideoInfo = self._reader.info
        self.frames_read = 0
        self.choices: tuple[str, ...] = tuple(self._reader.notes)
        self.notes: list[str] = [*self.choices]
        self.clock = Clock()
        self._stop = threading.Event()
        self._cancelled = False
        self._ended = False
        self._fault: str | None = None
        self._frames: list[FrameResult] = []
        self._running: Iterator[FrameResult] | None = None
        self._tracker = FaceTracker()
        self._moments = MomentKeeper()

    @property
    def result(self) -> VideoResult:
        """Everything that was found; runs what has not run yet."""
        for _ in self:
            pass
        problem = "it was cancelled" if self._cancelled else self._fault or self._reader.problem
        return VideoResult(
            source=writable(self._reader.path.name),
            info=self.info,
            frames=tuple(self._frames),
            frames_read=self.frames_read,
            model=self._analyzer.model,
            engine=self._analyzer.engine,
            problem=problem,
        )

    @property
    def moments(self) -> tuple[KeyMoment, ...]:
        """Each person's strongest moment per emotion so far."""
        return self._moments.moments

    def cancel(self) -> None:
        """End the analysis soon; from any thread. Afterwards it changes nothing."""
        if not self._ended:
            self._cancelled = True
            self._stop.set()

    def close(self) -> None:
        """End the analysis now, with its threads; the thread that iterates over it calls this."""
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
        decoded: Lane[Frame] = Lane(4, self._stop)
        searched: Lane[list[Frame]] = Lane(1, self._stop)
        drawn: Lane[Frame] = Lane(4, self._stop)
        workers = [
            threading.Thread(target=self._decode, args=(decoded,), daemon=True),
            threading.Thread(target=self._search, args=(decoded, searched), daemon=True),
        ]
        writer: threading.Thread | None = None
        if self._annotated is not None:
            writer = threading.Thread(target=self._write, args=(drawn,), daemon=True)
            workers.append(writer)
        for worker in workers:
            worker.start()
        try:
            for frame in self._classified(searched):
                if writer is not None:
                    drawn.put(frame)
                if frame.wanted:
                    found = self._in_video_pixels(frame)
                    self._moments.see(frame.image, frame.faces, found)
                    self._frames.append(found)
                    yield found
            if writer is not None:
                drawn.close()
                writer.join()
        except (Stopped, GeneratorExit):
            self._cancelled = True
        except EmoSenseError as error:
            self._fault = str(error)
        except KeyboardInterrupt:
            self._cancelled = True  # what was done until now is no whole analysis
            raise
        except Exception:
            self._fault = "the analysis failed in its course"
            raise
        finally:
            self._stop.set()
            for worker in workers:
                worker.join()  # told to stop, the writer still closes its file properly
            self._reader.close()
            self._ended = True

    def _decode(self, out: Lane[Frame]) -> None:
        step = 0.0 if self._options.per_second is None else 1 / self._options.per_second
        due, cuts, cut, reshaped = 0.0, CutFinder(), False, False
        fault: BaseException | None = None
        try:
            for decoded in self.clock.timed("decode", self._reader.frames()):
                self.frames_read += 1
                start = perf_counter()
                # Turning the phone moves everything, and cuts nothing.
                cut = (cuts.is_cut(decoded.tiny()) and not decoded.reshaped) or cut
                reshaped = decoded.reshaped or reshaped
                self.clock.add("decode", perf_counter() - start)
                wanted = decoded.time >= due - 1e-3
                if wanted:
                    due = max(due + step, decoded.time) if step else decoded.time
                if wanted or self._annotated is not None:
                    start = perf_counter()
                    image = decoded.rgb()
                    self.clock.add("decode", perf_counter() - start)
                    frame = Frame(decoded.index, decoded.time, image, wanted)
                    if wanted:  # what was between analysed frames counts for the next one
                        frame.cut, frame.reshaped = cut, reshaped
                        cut = reshaped = False
                    out.put(frame)
        except Stopped:
            return
        except Exception as error:  # not the file's: the reader tells what is
            fault = EmoSenseError("its frames could not be decoded any further")
            _log.debug("decoding failed", exc_info=error)
        self._end(out, fault)

    def _search(self, frames: Lane[Frame], out: Lane[list[Frame]]) -> None:
        fault: BaseException | None = None
        batch, wanted, looked = list[Frame](), 0, 0.0
        newest: Frame | None = None  # the last wanted frame is always searched
        try:
            for frame in frames:
                batch.append(frame)
                if frame.wanted:
                    due = wanted % self._options.detect_every == 0
                    frame.searched = due or frame.time - looked > LONGEST_PLACED + 1e-3
                    looked = frame.time if frame.searched else looked
                    wanted, newest = wanted + 1, frame
                if newest is not None and _is_full(batch):
                    # A frame that is not searched stays back, in case that it is the last.
                    place = len(batch) if newest.searched else _place(newest, batch)
                    if place:
                        self._search_batch(batch[:place])
                        out.put(batch[:place])
                        batch = batch[place:]
            if newest is not None:
                newest.searched = True
            self._search_batch(batch)
            out.put(batch)
        except Stopped:
            return
        except EmoSenseError as error:
            fault = error
        except Exception as error:
            fault = EmoSenseError("the search for faces failed in its course")
            _log.debug("the face search failed", exc_info=error)
        self._end(out, fault)

    def _search_batch(self, batch: list[Frame]) -> None:
        start = perf_counter()
        for frame in batch:
            # Nothing can be placed across a cut or a turn: the first frame after it is searched.
            frame.searched = frame.searched or frame.cut or frame.reshaped
        some = [frame for frame in batch if frame.searched]
        gpu = "GPU" in self._analyzer.engine
        found = self._analyzer.find_faces([f.image for f in some], self._options.detector(gpu=gpu))
        for frame, detections in zip(some, found, strict=True):
            frame.detections = detections
        self.clock.add("search", perf_counter() - start)

    def _classified(self, batches: Lane[list[Frame]]) -> Iterator[Frame]:
        """Yield all frames in order, with faces; holds back what waits for the next search."""
        held: list[Frame] = []
        people: list[int] = []
        last: Frame | None = None
        for batch in batches:
            ready: list[tuple[Frame, list[int]]] = []
            start = perf_counter()
            for frame in batch:
                if not frame.searched:
                    if held or frame.wanted:
                        held.append(frame)
                    else:
                        ready.append((frame, []))
                    continue
                if frame.cut:
                    self._tracker.cut()
                looks = [appearance(frame.image, d) for d in frame.detections]
                numbers = self._tracker.update(
                    frame.time, frame.detections, looks, reshaped=frame.reshaped
                )
                for waiting in held:
                    between: list[int] = []
                    here = not frame.cut and not frame.reshaped
                    if waiting.wanted and last is not None and here:
                        waiting.detections, between = placed_between(
                            waiting.time, last, people, frame, numbers
                        )
                    ready.append((waiting, between))
                ready.append((frame, numbers))
                held, last, people = [], frame, numbers
            self._classify(ready)
            self.clock.add("classify", perf_counter() - start)
            yield from (frame for frame, _ in ready)
        yield from held

    def _classify(self, frames: list[tuple[Frame, list[int]]]) -> None:
        crops = [crop_face(frame.image, d) for frame, _ in frames for d in frame.detections]
        stacked = np.stack(crops) if crops else np.empty((0, INPUT_SIZE, INPUT_SIZE), np.uint8)
        rows = iter(self._analyzer.classify(stacked))
        for frame, numbers in frames:
            faces = [
                TrackedFace(number, self._analyzer.face(d, next(rows)))
                for number, d in zip(numbers, frame.detections, strict=True)
            ]
            frame.faces = tuple(sorted(faces, key=lambda face: face.person))

    def _in_video_pixels(self, frame: Frame) -> FrameResult:
        factor = self.info.width / frame.image.shape[1]
        faces = frame.faces if factor == 1 else tuple(scaled(f, factor) for f in frame.faces)
        return FrameResult(frame.index, frame.time, faces)

    def _write(self, frames: Lane[Frame]) -> None:
        assert self._annotated is not None
        lane = iter(frames)
        try:
            writer: VideoWriter | None = None
            shown: tuple[TrackedFace, ...] = ()
            try:
                for frame in lane:
                    start = perf_counter()
                    if writer is None:
                        height, width = frame.image.shape[:2]
                        rate = self.info.frames_per_second or 25.0
                        writer = VideoWriter(
                            self._annotated,
                            width,
                            height,
                            rate,
                            self._reader.path,
                            self._reader.start,
                        )
                    if frame.wanted:
                        shown = frame.faces  # stays until the next analysed frame
                    writer.write(draw_people(frame.image, shown), frame.time)
                    self.clock.add("encode", perf_counter() - start)
                if writer is not None:
                    writer.write_rest()
            except Stopped:
                pass
            finally:
                if writer is not None:
                    writer.__exit__(None, None, None)
        except Exception as error:
            told = f"{self._annotated.name}: the video with boxes could not be drawn any further."
            _log.debug("the video with boxes failed", exc_info=error)
            self.notes.append(str(error) if isinstance(error, EmoSenseError) else told)
            # The analysis goes on without the annotated video. The same iterator: once it has
            # ended, asking the lane again would wait for ever.
            with contextlib.suppress(Stopped):
                for _ in lane:
                    pass

    @staticmethod
    def _end(lane: Lane[Frame] | Lane[list[Frame]], fault: BaseException | None) -> None:
        try:
            lane.close(fault)
        except Stopped:
            return


def _is_full(batch: list[Frame]) -> bool:
    """Tell whether frames go on: enough wanted ones, many others, or a long time."""
    wanted = sum(frame.wanted for frame in batch)
    return (
        wanted >= BATCH
        or len(batch) >= 2 * BATCH
        or batch[-1].time - batch[0].time >= LONGEST_BATCH
    )


def _place(frame: Frame, batch: list[Frame]) -> int:
    """Return where ``frame`` itself stands in ``batch``; 0 if it does not."""
    return next((place for place, other in enumerate(batch) if other is frame), 0)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them does not exist yet
        return False
