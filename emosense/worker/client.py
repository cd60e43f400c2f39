"""The app's side of the inference process: start, ask, replace when it dies."""

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
from typing import Any

from emosense import settings
from emosense.errors import WorkerDied, WorkerTimeout
from emosense.results import PhotoResult
from emosense.worker.process import Cancel, Part, Reply, Request
from emosense.worker.turns import Turns

_TICK = 0.2


class InferenceWorker:
    """One inference process, shared by all sessions of the app.

    Thread-safe: requests are answered one after the other, in the order in which they came. A
    process that dies or hangs is replaced at once; the request that it was working on raises.

    Args:
        module: what the process runs with ``python -m``; its argument is the number of an
            open file, its end of a :func:`multiprocessing.Pipe`.
        timeout: seconds to wait for an answer; the setting EMOSENSE_WORKER_TIMEOUT if None.
        cores: processor cores that the process may use, where the system can do that; all if
            None.
    """

    def __init__(
        self,
        module: str = "emosense.worker",
        timeout: float | None = None,
        cores: Sequence[int] | None = None,
    ) -> None:
        self._module = module
        self._cores = [] if cores is None else [",".join(map(str, cores))]
        self._timeout = timeout or settings.WORKER_TIMEOUT.number()
        self._turns = Turns()
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        atexit.register(self.close)

    @property
    def pid(self) -> int | None:
        """Process id of the running process, or None."""
        return self._process.pid if self._process else None

    def ask(self, method: str, **arguments: Any) -> Any:
        """Send a request and return its value.

        Raises:
            WorkerDied: the process ended; a new one was started.
            WorkerTimeout: it did not answer in time; a new one was started.
            EmoSenseError: what the request itself raised.
        """
        with self._turns:
            connection = self._running()
            try:
                connection.send(Request(method, arguments))
                if not connection.poll(self._timeout):
                    self._restart()
                    raise WorkerTimeout(
                        f"The analysis was given up after {self._timeout:.0f} seconds. "
                        "Try again, or with a smaller file."
                    )
                reply: Reply = connection.recv()
            except (EOFError, OSError) as error:
                self._restart()
                raise WorkerDied(
                    "The analysis process stopped unexpectedly. It was started again: please "
                    "try once more. If it happens with this file each time, the file may be "
                    "the cause."
                ) from error
        return _value(reply)

    def stream(
        self,
        method: str,
        on_part: Callable[[Any], None],
        cancelled: Callable[[], bool],
        **arguments: Any,
    ) -> Any:
        """Send a long request, hand over its parts as they come, and return its value.

        Args:
            method: as for :meth:`ask`.
            on_part: called with each part.
            cancelled: asked a few times a second; True ends the request soon, with what it
                has.
            arguments: of the method.

        Raises:
            WorkerDied: as :meth:`ask`; the parts until then were handed over.
            WorkerTimeout: likewise, if no part came for the time limit.
            EmoSenseError: what the request itself raised.
        """
        with self._turns:
            connection = self._running()
            told, heard = False, time.monotonic()
            try:
                connection.send(Request(method, arguments))
                while True:
                    if connection.poll(_TICK):
                        message: Part | Reply = connection.recv()
                        heard = time.monotonic()
                        if isinstance(message, Reply):
                            break
                        on_part(message.value)
                    elif time.monotonic() - heard > self._timeout:
                        self._restart()
                        raise WorkerTimeout(
                            f"The analysis was given up: nothing came for {self._timeout:.0f} "
                            "seconds."
                        )
                    if not told and cancelled():
                        connection.send(Cancel())
                        told = True
            except (EOFError, OSError) as error:
                self._restart()
                raise WorkerDied("The analysis process stopped unexpectedly.") from error
        return _value(message)

    def photo(
        self,
        data: bytes,
        name: str,
        model: str,
        options: Any,
        preview_side: int = 1280,
        crop_side: int = 240,
    ) -> tuple[PhotoResult, bytes, list[bytes]]:
        """Analyse one encoded photo; pictures come back with their longer side in pixels.

        Returns:
            (result, annotated preview as JPEG, one JPEG per face).
        """
        answer = self.ask(
            "photo",
            data=data,
            name=name,
            model=model,
            options=options,
            preview_side=preview_side,
            crop_side=crop_side,
        )
        return answer["result"], answer["preview"], answer["crops"]

    def start(self) -> None:
        """Start the process if it does not run; returns at once."""
        with self._turns:
            self._running()

    def kill(self) -> None:
        """End the process in the middle of its work, which then raises; from any thread."""
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
        if self._process is not None:
            self._process.kill()
        self.close()
        self._connection, other = Pipe()
        # Not multiprocessing.Process: it would import the app's main script in the child. The
        # child ends by itself when the pipe closes, so it never outlives the app's server.
        root = str(Path(__file__).resolve().parents[2])
        paths = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
        self._process = subprocess.Popen(
            [sys.executable, "-m", self._module, str(other.fileno()), *self._cores],
            pass_fds=[other.fileno()],
            stdin=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": paths},
        )
        other.close()


def _value(reply: Reply) -> Any:
    if reply.error is None:
        return reply.value
    try:
        raise reply.error
    finally:
        # Else the error would hold this frame and the frame the error, and with them all that
        # was asked, until the garbage collector comes by.
        del reply
