"""What a single file costs an inference process: processor time and peak memory."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil

from emosense import settings
from emosense.errors import EmoSenseError, WorkerDied, WorkerError, WorkerTimeout
from emosense.results import Box, Face
from emosense.worker.client import InferenceWorker
from emosense.worker.messages import (
    AnalyzePhoto,
    AnalyzeVideo,
    AnnotatePhoto,
    EncodeVideo,
    ExplainFace,
    InspectVideo,
    Preload,
)
from emosense.worker.protocol import Request, StreamRequest
from emosense.worker.watchdog import NO_LIMITS, ResourceLimits

T = TypeVar("T")

PHOTO_SECONDS = 10.0
"""Processor time that a request about a photo may take."""
PHOTO_MB = 1200
"""Memory that a process may take with a photo, in MB (10^6 bytes)."""
VIDEO_MB = 1500
"""The same with a video."""

_WHY_EVERY = 50
"""Of the cheap photos of a series, every so many-th is asked "Why?"."""

ANSWERED, CUT_SHORT = "answered", "ended by us"
STRAY, DIED, TIMED_OUT = "stray exception", "died", "timed out"
FAILURES = frozenset({STRAY, DIED, TIMED_OUT})


@dataclass(frozen=True)
class Cost:
    """Of one request: processor time in seconds, peak memory in MB (10^6 bytes)."""

    seconds: float = 0.0
    megabytes: float = 0.0


@dataclass(frozen=True)
class FileCost:
    """What became of a file, and what each request about it cost.

    Attributes:
        name: of the file.
        kind: its format.
        number: which of its series.
        size: in bytes.
        outcome: "answered", the class of the error that refused it, or one of FAILURES.
        message: of that error.
        costs: by request.
        max_seconds: what a request may take.
        max_megabytes: memory that it may take.
    """

    name: str
    kind: str
    number: int
    size: int
    outcome: str
    message: str
    costs: dict[str, Cost] = field(default_factory=dict)
    max_seconds: float = PHOTO_SECONDS
    max_megabytes: float = PHOTO_MB

    @property
    def seconds(self) -> float:
        return max((cost.seconds for cost in self.costs.values()), default=0.0)

    @property
    def megabytes(self) -> float:
        return max((cost.megabytes for cost in self.costs.values()), default=0.0)

    @property
    def share(self) -> float:
        """The cost as a share of what is allowed; above 1 is too much."""
        return max(self.seconds / self.max_seconds, self.megabytes / self.max_megabytes)

    @property
    def is_failure(self) -> bool:
        return self.share > 1 or self.outcome in FAILURES


class MeasuredWorker:
    """An inference process whose requests are measured, as the app would make them.

    Args:
        timeout: seconds of wall time after which a request is given up.
        video_seconds: processor time after which the analysis of a video is ended.
        most_seconds: processor time after which a process that does not end is killed.
        memory_bytes: limit of the process's memory; None sets none, and shows what a file would take.
        limits_of: what the app lets a request take; by default nothing is limited.
        max_swelling: memory in bytes that the process may keep after a file, as a lane's processes;
            None sets no limit.
    """

    def __init__(
        self,
        timeout: float = 600,
        video_seconds: float = 5,
        most_seconds: float = 40,
        memory_bytes: int | None = None,
        limits_of: Callable[[object], ResourceLimits] = lambda _: NO_LIMITS,
        max_swelling: int | None = None,
    ) -> None:
        self._worker = InferenceWorker(timeout=timeout, memory_bytes=memory_bytes)
        self._limits_of = limits_of
        self._max_swelling = max_swelling
        self._video_seconds = video_seconds
        self._most_seconds = most_seconds
        self._ready_pid: int | None = None
        self._meter: CostMeter | None = None

    def __enter__(self) -> MeasuredWorker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._worker.close()

    @property
    def pid(self) -> int:
        """The running process, warmed up."""
        if self._ready_pid is None or self._ready_pid != self._worker.pid:
            self._worker.request(Preload(model=settings.MODEL.text()))
            self._ready_pid = self._worker.pid
        assert self._ready_pid is not None
        return self._ready_pid

    def photo(self, name: str, kind: str, data: bytes, number: int = 0) -> FileCost:
        """Measure the answer, the annotated PNG and "Why?" of a photo.

        "Why?" decodes the photo once more and then always takes a second: of photos that are cheap to
        decode only some are asked.
        """
        costs: dict[str, Cost] = {}
        model = settings.MODEL.text()

        def ask() -> None:
            analysis = self._measured(
                costs,
                "answer",
                lambda: self._request(AnalyzePhoto(data=data, name=name, model=model)),
            )
            result = analysis.result
            self._measured(
                costs,
                "annotated",
                lambda: self._request(AnnotatePhoto(data=data, result=result)),
            )
            if not (number % _WHY_EVERY == 0 or _is_dear(costs["annotated"])):
                return
            face = result.faces[0] if result.faces else _middle(result.width, result.height)
            self._measured(
                costs,
                "why",
                lambda: self._request(ExplainFace(data=data, face=face, model=model, side=480)),
            )

        outcome, message = self._outcome(ask, costs)
        return FileCost(name, kind, number, len(data), outcome, message, costs)

    def video(self, name: str, kind: str, path: Path, number: int = 0) -> FileCost:
        """Measure the first frame, the analysis and the encoding of a video."""
        costs: dict[str, Cost] = {}
        annotated = path.with_suffix(".annotated.mp4")
        cut_short = False

        def is_over() -> bool:
            nonlocal cut_short
            cut_short = cut_short or self._seconds > self._video_seconds
            return cut_short

        def ask() -> None:
            self._measured(
                costs,
                "preview",
                lambda: self._request(InspectVideo(path=str(path), name=name, preview_side=960)),
            )
            analyze = AnalyzeVideo(path=str(path), model=settings.MODEL.text())
            encode = EncodeVideo(path=str(path), target=str(annotated), long_side=1920)
            self._measured(costs, "analysis", lambda: self._stream(analyze, is_over))
            self._measured(costs, "encoding", lambda: self._stream(encode, is_over))

        size = path.stat().st_size
        outcome, message = self._outcome(ask, costs)
        annotated.unlink(missing_ok=True)
        if cut_short and outcome == ANSWERED:
            outcome = CUT_SHORT
        return FileCost(name, kind, number, size, outcome, message, costs, float("inf"), VIDEO_MB)

    def _stream(self, request: StreamRequest[Any, T], is_over: Callable[[], bool]) -> T:
        limits = self._limits_of(request)
        return self._worker.stream(request, lambda _: None, is_over, limits=limits)

    def _request(self, request: Request[T]) -> T:
        return self._worker.request(request, limits=self._limits_of(request))

    def _outcome(self, ask: Callable[[], None], costs: dict[str, Cost]) -> tuple[str, str]:
        outcome, message = _outcome(ask)
        if self._max_swelling is not None:
            self._worker.replace_if_swollen(self._max_swelling)
        if outcome == DIED and any(c.seconds > self._most_seconds for c in costs.values()):
            return TIMED_OUT, f"killed after {self._most_seconds:.0f} s of processor time"
        return outcome, message

    @property
    def _seconds(self) -> float:
        """Processor time of the running request so far."""
        return 0.0 if self._meter is None else self._meter.cost.seconds

    def _measured(self, costs: dict[str, Cost], title: str, ask: Callable[[], T]) -> T:
        with CostMeter(self.pid, self._most_seconds) as meter:
            self._meter = meter
            try:
                return ask()
            finally:
                costs[title] = meter.stop()


class CostMeter:
    """Measures what a process takes from now on: time of all its threads, and peak memory.

    The kernel's own high-water mark is reset and read where it may be; beside it a thread looks
    twenty times a second, so that something is known of a process that dies, and kills one that has
    taken ``most_seconds`` of processor time.
    """

    def __init__(self, pid: int, most_seconds: float, pause: float = 0.05) -> None:
        self._process = psutil.Process(pid)
        self._folder = Path(f"/proc/{pid}")
        self._pause = pause
        self._stopped = threading.Event()
        self._most_seconds = most_seconds
        self.cost = Cost()
        self._begun = self._time()
        self._field = "VmHWM"
        try:
            (self._folder / "clear_refs").write_text("5")
        except OSError:
            self._field = "VmRSS"
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> CostMeter:
        self._look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> Cost:
        self._stopped.set()
        self._thread.join()
        self._look()
        return self.cost

    def _watch(self) -> None:
        while not self._stopped.wait(self._pause):
            self._look()
            if self.cost.seconds > self._most_seconds:
                with contextlib.suppress(psutil.Error):
                    self._process.kill()
                return

    def _look(self) -> None:
        try:
            memory = _status(self._folder / "status", self._field)
            seconds = self._time() - self._begun
        except (psutil.Error, OSError, LookupError):
            return  # it has ended: the last look counts
        self.cost = Cost(seconds, max(self.cost.megabytes, memory / 1e6))

    def _time(self) -> float:
        times = self._process.cpu_times()
        return float(times.user + times.system)


def _status(path: Path, name: str) -> int:
    """Return a number of bytes of /proc/PID/status."""
    for line in path.read_text().splitlines():
        if line.startswith(name + ":"):
            return 1024 * int(line.split()[1])
    raise LookupError(name)


def _outcome(ask: Callable[[], None]) -> tuple[str, str]:
    try:
        ask()
    except WorkerTimeout as error:
        return TIMED_OUT, str(error)
    except WorkerDied as error:
        return DIED, str(error)
    except WorkerError as error:
        return STRAY if "Unexpected fault" in str(error) else type(error).__name__, str(error)
    except EmoSenseError as error:
        return type(error).__name__, str(error)
    except Exception as error:  # nothing else may come out of a worker
        return STRAY, f"{type(error).__name__}: {error}"
    return ANSWERED, ""


def _is_dear(cost: Cost) -> bool:
    return cost.seconds > 0.15 or cost.megabytes > PHOTO_MB / 2


def _middle(width: int, height: int) -> Face:
    """A face in the middle of a photo in which none was found: "Why?" costs the same."""
    side = max(1.0, min(width, height) / 3)
    left, top = width / 2 - side / 2, height / 2 - side / 2
    points = tuple(
        (left + x * side, top + y * side)
        for x, y in ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
    )
    return Face(Box(left, top, side, side), points, 0.9, (0, 0, 0, 1.0, 0, 0, 0))  # type: ignore[arg-type]
