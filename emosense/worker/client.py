"""The client of the inference process: it starts, asks and replaces the process."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

from emosense import settings
from emosense.errors import WorkerDied, WorkerTimeout
from emosense.worker.fair_lock import FairLock
from emosense.worker.protocol import Cancel, Request, Response, StreamRequest, StreamUpdate

_POLL_SECONDS = 0.2

ResultT = TypeVar("ResultT")
UpdateT = TypeVar("UpdateT")


class InferenceWorker:
    """One inference process, shared by all sessions of the app.

    Thread-safe: requests are answered one after the other, in the order in which they came. A
    process that dies or hangs is replaced at once; the request that it was working on raises.

    Args:
        module: module that the process runs with ``python -m``; its argument is the file
            descriptor of its end of a :func:`multiprocessing.Pipe`.
        timeout: seconds to wait for an answer; None uses the setting EMOSENSE_WORKER_TIMEOUT.
        cores: numbers of the processor cores that the process may use, where the system
            supports that; None allows all.

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
    ) -> None:
        self._module = module
        self._cores = [] if cores is None else [",".join(map(str, cores))]
        self._timeout = timeout or settings.WORKER_TIMEOUT.number()
        self._lock = FairLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._is_shut_down = False
        atexit.register(self.close)

    @property
    def pid(self) -> int | None:
        """Process id of the running process, or None."""
        return self._process.pid if self._process else None

    def request(self, request: Request[ResultT]) -> ResultT:
        """Send a request and return its answer.

        Raises:
            WorkerDied: the process ended; a new one was started.
            WorkerTimeout: the process did not answer in time; a new one was started.
            EmoSenseError: the handler of the request raised it.
        """
        with self._lock:
            connection = self._running()
            try:
                connection.send(request)
                if not connection.poll(self._timeout):
                    self._restart()
                    raise WorkerTimeout(
                        f"The analysis was given up after {self._timeout:.0f} seconds. "
                        "Try again, or with a smaller file."
                    )
                response: Response = connection.recv()
            except (EOFError, OSError) as error:
                self._restart()
                raise WorkerDied(
                    "The analysis process stopped unexpectedly. It was started again: please "
                    "try once more. If it happens with this file each time, the file may be "
                    "the cause."
                ) from error
        value: ResultT = _value(response)
        return value

    def stream(
        self,
        request: StreamRequest[UpdateT, ResultT],
        on_update: Callable[[UpdateT], None],
        is_cancelled: Callable[[], bool],
    ) -> ResultT:
        """Send a long request, pass on its updates as they arrive, and return its answer.

        Args:
            request: the request.
            on_update: called with each update.
            is_cancelled: called a few times a second; once it returns True, the request ends
                soon, with a partial result.

        Raises:
            WorkerDied: the process ended; updates until then were passed on.
            WorkerTimeout: no update arrived within the timeout; a new process was started.
            EmoSenseError: the handler of the request raised it.
        """
        with self._lock:
            connection = self._running()
            cancel_sent, last_message = False, time.monotonic()
            try:
                connection.send(request)
                while True:
                    if connection.poll(_POLL_SECONDS):
                        message: StreamUpdate | Response = connection.recv()
                        last_message = time.monotonic()
                        if isinstance(message, Response):
                            break
                        on_update(message.value)
                    elif time.monotonic() - last_message > self._timeout:
                        self._restart()
                        raise WorkerTimeout(
                            f"The analysis was given up: nothing came for {self._timeout:.0f} "
                            "seconds."
                        )
                    if not cancel_sent and is_cancelled():
                        connection.send(Cancel())
                        cancel_sent = True
            except (EOFError, OSError) as error:
                self._restart()
                raise WorkerDied("The analysis process stopped unexpectedly.") from error
        value: ResultT = _value(message)
        return value

    def start(self) -> None:
        """Start the process if it does not run; returns at once."""
        with self._lock:
            self._running()

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

    def _running(self) -> Connection:
        if self._process is None or self._process.poll() is not None or self._connection is None:
            self._restart()
        assert self._connection is not None
        return self._connection

    def _restart(self) -> None:
        if self._is_shut_down:
            raise WorkerDied("The server is shutting down.")
        if self._process is not None:
            self._process.kill()
        self.close()
        self._connection, child_end = Pipe()
        # Not multiprocessing.Process: it would import the app's main script in the child. The
        # child ends by itself when the pipe closes, so it never outlives the app's server.
        root = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module, str(child_end.fileno()), *self._cores],
            pass_fds=[child_end.fileno()],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
        )
        child_end.close()


def _value(response: Response) -> Any:
    if response.error is None:
        return response.value
    try:
        raise response.error
    finally:
        # Otherwise the error and this frame reference each other and keep the whole request in
        # memory until the garbage collector runs.
        del response
