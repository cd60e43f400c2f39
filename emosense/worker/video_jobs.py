"""Video jobs of the app: one after the other, in a process of their own, without blocking a page."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from emosense.errors import EmoSenseError
from emosense.results import FrameResult, VideoInfo, VideoResult
from emosense.video.options import VideoOptions
from emosense.worker.client import InferenceWorker
from emosense.worker.state import JobState


@dataclass
class VideoJob:
    """One analysis of one video.

    Attributes:
        name: of the uploaded file.
        video: where it lies.
        annotated: where the annotated video goes, or None.
        info: of the video.
        model: registry name.
        options: of the analysis.
        state: see above.
        frames: found so far.
        frames_read: decoded so far.
        began: monotonic seconds when it began to run.
        took: seconds that it ran, once it has ended.
        result: once it has ended; also after a fault, if any frame was analysed.
        error: why it failed, in words.
        notes: what else went wrong.
        moments: :class:`~emosense.video.moments.KeyMoment`, once it has ended.
    """

    name: str
    video: Path
    annotated: Path | None
    info: VideoInfo
    model: str
    options: VideoOptions
    state: JobState = JobState.WAITING
    frames: list[FrameResult] = field(default_factory=list)
    frames_read: int = 0
    began: float = 0.0
    took: float = 0.0
    result: VideoResult | None = None
    error: str | None = None
    notes: list[str] = field(default_factory=list)
    moments: tuple[Any, ...] = ()
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in (JobState.DONE, JobState.FAILED)

    @property
    def share(self) -> float | None:
        """Part of the video that is done, in 0..1; None if its length is unknown."""
        if self.info.duration and self.frames:
            # By time: how many frames a video of variable rate has, its header may not know.
            return min(1.0, self.frames[-1].time / self.info.duration)
        if not self.info.frames:
            return None
        return min(1.0, self.frames_read / self.info.frames)

    @property
    def frames_per_second(self) -> float:
        """Decoded frames a second of the running job."""
        elapsed = time.monotonic() - self.began
        return self.frames_read / elapsed if elapsed > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """Estimate for the rest; None while nothing is known."""
        if not self.share:
            return None
        return (time.monotonic() - self.began) * (1 - self.share) / self.share


class VideoJobs:
    """Runs jobs in the order in which they came. Thread-safe.

    Args:
        worker: the process to run them in; started with the first job.
    """

    def __init__(self, worker: InferenceWorker | None = None) -> None:
        self._worker = worker or InferenceWorker()
        self._waiting: deque[VideoJob] = deque()
        self._warmed: set[str] = set()
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None

    def warm(self, model: str) -> None:
        """Start the process and load a model, once, so that the first job begins at once."""
        with self._change:
            if model in self._warmed:
                return
            self._warmed.add(model)

        def load() -> None:
            try:
                self._worker.ask("warm", model=model)
            except EmoSenseError:
                return  # comes again, and is shown, with the first job

        threading.Thread(target=load, daemon=True, name="emosense-warm-video").start()

    def submit(self, job: VideoJob) -> None:
        """Queue a job."""
        with self._change:
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, daemon=True, name="emosense-video-jobs"
                )
                self._thread.start()
            self._change.notify()

    def cancel(self, job: VideoJob) -> None:
        """End a job soon; what is done stays in its result."""
        with self._change:
            job.cancelled.set()
            if job in self._waiting:
                self._waiting.remove(job)
                job.error, job.state = "It was cancelled before it began.", JobState.FAILED

    def ahead(self, job: VideoJob) -> int:
        """Return how many jobs run or wait before this one."""
        with self._change:
            waiting = list(self._waiting)
        return waiting.index(job) + 1 if job in waiting else 0

    def _run(self) -> None:
        while True:
            with self._change:
                while not self._waiting:
                    self._change.wait()
                job = self._waiting.popleft()
                job.state, job.began = JobState.RUNNING, time.monotonic()
            self._work(job)
            del job  # its session may end while this thread waits for the next one

    def _work(self, job: VideoJob) -> None:
        def take(part: dict[str, Any]) -> None:
            job.frames.extend(part["frames"])
            job.frames_read = part["frames_read"]

        state = JobState.DONE
        try:
            answer = self._worker.stream(
                "video",
                take,
                job.cancelled.is_set,
                path=str(job.video),
                model=job.model,
                options=job.options,
                annotated=None if job.annotated is None else str(job.annotated),
            )
            job.notes, job.moments = answer["notes"], answer["moments"]
            job.result = replace(answer["result"], frames=tuple(job.frames), source=job.name)
        except Exception as error:  # a thread that dies would stop all later jobs
            job.error, state = str(error), JobState.FAILED
            if job.annotated is not None and job.annotated.is_file():
                job.annotated.unlink()  # without its end no player opens it
                job.notes.append("There is no video with boxes: it was not finished.")
            if job.frames:
                job.result = VideoResult(
                    job.name,
                    job.info,
                    tuple(job.frames),
                    job.frames_read,
                    job.model,
                    "",
                    str(error),
                )
        job.took = time.monotonic() - job.began
        job.state = state  # last: who sees it ended sees all of it
