"""The client of the inference process: it starts, asks and replaces the process."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, TypeVar

from emosense import settings
from emosense.errors import WorkerDied, WorkerError
from emosense.worker import process_usage
from emosense.worker.protocol import Continue, Request, Response, StreamRequest, StreamUpdate
from emosense.worker.watchdog import NO_LIMITS, ResourceLimits, Watchdog

_DIED: Final = "The analysis process stopped unexpectedly."
_DIED_WITH_REQUEST: Final = (
    f"{_DIED} It was started again: please try once more. If it happens with this file each time, "
    "the file may be the cause."
)

_MAX_LOST_WARM_UPS: Final = 3

ResultT = TypeVar("ResultT")
UpdateT = TypeVar("UpdateT")


class InferenceWorker:
    """One inference process.

    Thread-safe: requests are answered one after the other; :mod:`emosense.worker.lanes` decides
    whose is next. A process that dies, hangs or takes too much is replaced at once; the request
    that it was working on raises.

    Args:
        module: module that the process runs with ``python -m``; its first argument is the file
            descriptor of its end of a :func:`multiprocessing.Pipe`.
        timeout: seconds to wait for an answer; None uses the setting EMOSENSE_WORKER_TIMEOUT.
        cores: numbers of the processor cores that the process may use, where the system
            supports that; None allows all.
        memory_bytes: maximum resident memory of the process, which it is told; None sets no limit.
            Requests may have lower limits.
        niceness: how much the process gives way to others, 0..19 (nice(2)).
        cpu_only: whether the process leaves the GPU to others.

    >>> from emosense.samples import sample_photo
    >>> from emosense.worker.messages import AnalyzePhoto
    >>> worker = InferenceWorker()
    >>> answer = worker.request(AnalyzePhoto(data=sample_photo(), name="a.png", model="cnn8"))
    >>> answer.result.faces[0].emotion
    'happy'
    >>> worker.close()
    """

    def __init__(
        self,
        module: str = "emosense.inference",
        timeout: float | None = None,
        cores: Sequence[int] | None = None,
        *,
        memory_bytes: int | None = None,
        niceness: int = 0,
        cpu_only: bool = False,
    ) -> None:
        self._module = module
        self._options = [] if cores is None else [f"--cores={','.join(map(str, cores))}"]
        if memory_bytes is not None:
            self._options.append(f"--memory={memory_bytes}")
        if niceness:
            self._options.append(f"--nice={niceness}")
        if cpu_only:
            self._options.append("--cpu")
        self._silence_seconds = timeout or settings.WORKER_TIMEOUT.number()
        self._warm_ups: list[Request[Any]] = []
        self._lost_warm_ups: list[Request[Any]] = []
        self._baseline = 0
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._is_shut_down = False
        atexit.register(self.close)

    @property
    def pid(self) -> int | None:
        """Process id of the running process, or None."""
        return self._process.pid if self._process else None

    @property
    def resident_bytes(self) -> int:
        """Resident memory of the process in bytes; 0 if there is none or it is unknown."""
        pid = self.pid
        return 0 if pid is None else process_usage.resident_bytes(pid) or 0

    @property
    def has_lost_warm_ups(self) -> bool:
        """Whether the process was replaced by one that has not loaded what it had."""
        return bool(self._lost_warm_ups)

    def warm_up(self, request: Request[Any]) -> None:
        """Send a request without limits that makes the process load what it keeps, e.g. a model.

        It is sent once to each process. The limit of memory then lies above what it loaded.

        Raises:
            EmoSenseError: see :meth:`request`.
        """
        self.start()
        if request in self._warm_ups:
            return
        before = self.resident_bytes
        self.request(request)
        self._baseline += max(0, self.resident_bytes - before)
        self._warm_ups.append(request)

    def repeat_warm_ups(self) -> None:
        """Load what a process had loaded that was replaced.

        Raises:
            EmoSenseError: see :meth:`request`.
        """
        lost, self._lost_warm_ups = self._lost_warm_ups, []
        for request in lost:
            self.warm_up(request)

    def request(
        self,
        request: Request[ResultT],
        on_cpu_seconds: Callable[[float], None] | None = None,
        limits: ResourceLimits = NO_LIMITS,
    ) -> ResultT:
        """Send a request and return its answer.

        Args:
            request: the request.
            on_cpu_seconds: called with the processor time that the request took, in seconds, or with
                the whole time if its process ended.
            limits: what the request may take.

        Raises:
            WorkerDied: the process ended; a new one was started.
            WorkerTimeout: the process did not answer in time; a new one was started.
            WorkerLimitExceeded: it took too much; a new process was started.
            EmoSenseError: the handler of the request raised it.
        """
        with self._exchange(_DIED_WITH_REQUEST, on_cpu_seconds, limits) as (connection, _):
            connection.send(request)
            response: Response = connection.recv()
        if on_cpu_seconds is not None:
            on_cpu_seconds(response.cpu_seconds)
        value: ResultT = _value(response)
        return value

    def stream(
        self,
        request: StreamRequest[UpdateT, ResultT],
        on_update: Callable[[UpdateT], None],
        is_cancelled: Callable[[], bool],
        on_cpu_seconds: Callable[[float], None] | None = None,
        limits: ResourceLimits = NO_LIMITS,
    ) -> ResultT:
        """Send a long request, pass on its updates as they arrive, and return its answer.

        Args:
            request: the request.
            on_update: called with each update; the process rests until it returns.
            is_cancelled: called after each update; once it returns True, the request ends soon,
                with a partial result.
            on_cpu_seconds: called with the processor time of each update and of the answer before
                they are passed on, in seconds, or with the time since the last if the process ended.
            limits: what the request may take.

        Raises:
            WorkerDied: the process ended; updates until then were passed on.
            WorkerTimeout: no update arrived within the timeout; a new process was started.
            WorkerLimitExceeded: it took too much; a new process was started.
            EmoSenseError: the handler of the request raised it.
        """
        with self._exchange(_DIED, on_cpu_seconds, limits) as (connection, watchdog):
            connection.send(request)
            while True:
                message: StreamUpdate | Response = connection.recv()
                watchdog.pause()
                if isinstance(message, Response):
                    break
                if on_cpu_seconds is not None:
                    on_cpu_seconds(message.cpu_seconds)
                on_update(message.value)
                cancelled = is_cancelled()
                watchdog.restart()
                connection.send(Continue(cancelled=cancelled))
        if on_cpu_seconds is not None:
            on_cpu_seconds(message.cpu_seconds)
        value: ResultT = _value(message)
        return value

    @contextmanager
    def _exchange(
        self, died: str, on_cpu_seconds: Callable[[float], None] | None, limits: ResourceLimits
    ) -> Iterator[tuple[Connection, Watchdog]]:
        """Give the connection for one exchange, and replace the process if the exchange fails."""
        with self._lock:
            connection = self._running()
            assert self._process is not None
            if limits.memory_bytes is not None:
                memory_bytes = process_usage.memory_limit(limits.memory_bytes, self._baseline)
                limits = replace(limits, memory_bytes=memory_bytes)
            is_usable = False
            watchdog = Watchdog(self._process, self._silence_seconds, limits)
            try:
                with watchdog:
                    yield connection, watchdog
                # The answer may have come at the moment at which the process was killed.
                is_usable = watchdog.verdict is None
            except (EOFError, OSError) as error:
                if on_cpu_seconds is not None:
                    on_cpu_seconds(watchdog.seconds)
                raise (watchdog.verdict or WorkerDied(died)) from error
            finally:
                # After an error, also one of a callback, an answer may still be on its way.
                if not is_usable and not self._is_shut_down:
                    self._replace()

    def start(self) -> None:
        """Start the process if it does not run; returns at once."""
        with self._lock:
            self._running()

    def replace_if_swollen(self, max_bytes: int) -> None:
        """Replace a process at rest that holds more memory than it had with its models loaded.

        Args:
            max_bytes: how much more, in bytes; an allocator may keep what one file needed.
        """
        baseline = max(self._baseline, process_usage.BASELINE_BYTES)
        if self.resident_bytes > baseline + max_bytes and self._lock.acquire(blocking=False):
            try:
                self._replace()
            finally:
                self._lock.release()

    def shut_down(self) -> None:
        """End the process for good, from any thread; requests raise :class:`WorkerDied`."""
        self._is_shut_down = True
        self.kill()
        with self._lock:
            self.close()

    def kill(self) -> None:
        """Kill the process, from any thread; a running request raises :class:`WorkerDied`."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process."""
        if self._connection is not None:
            self._connection.close()
        if self._process is not None:
            try:
                self._process.wait(2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = self._connection = None
        self._warm_ups, self._baseline = [], 0

    def _running(self) -> Connection:
        if self._process is None or self._process.poll() is not None or self._connection is None:
            self._restart()
        assert self._connection is not None
        return self._connection

    def _replace(self) -> None:
        """Start another process now; if that fails, the next request tries again."""
        with suppress(WorkerError):
            self._restart()

    def _restart(self) -> None:
        if self._is_shut_down:
            raise WorkerDied("The server is shutting down.")
        if self._process is not None:
            self._process.kill()
        self._lost_warm_ups = self._warm_ups[-_MAX_LOST_WARM_UPS:] or self._lost_warm_ups
        self.close()
        # Not multiprocessing.Process: it would import the app's main script in the child. The
        # child ends by itself when the pipe closes, so it never outlives the app's server.
        root = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        try:
            self._connection, child_end = Pipe()
            with child_end:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", self._module, str(child_end.fileno()), *self._options],
                    pass_fds=[child_end.fileno()],
                    stdin=subprocess.DEVNULL,
                    env={**os.environ, "PYTHONPATH": paths},
                )
        except OSError as error:  # e.g. too many processes or files, or no memory for one more
            raise WorkerError(
                f"The analysis process cannot be started: {error.strerror}. Try again in a while."
            ) from error


def _value(response: Response) -> Any:
    if response.error is None:
        return response.value
    try:
        raise response.error
    finally:
        # Otherwise the error and this frame reference each other and keep the whole request in
        # memory until the garbage collector runs.
        del response
