"""The watchdog: kills an inference process that is silent for too long or takes too much."""

from __future__ import annotations

import subprocess
import threading
import time
from dataclasses import dataclass
from typing import Final

from emosense.errors import WorkerError, WorkerLimitExceeded, WorkerTimeout
from emosense.worker import process_usage

_PAUSE_SECONDS: Final = 0.05
_GB: Final = 2**30


@dataclass(frozen=True)
class ResourceLimits:
    """What one request may take.

    Attributes:
        cpu_seconds: maximum processor time of the process for the request; None sets no limit.
        memory_bytes: maximum resident memory of the process meanwhile; None sets no limit.

    >>> ResourceLimits(cpu_seconds=20).memory_bytes is None
    True
    """

    cpu_seconds: float | None = None
    memory_bytes: int | None = None


NO_LIMITS: Final = ResourceLimits()
"""The limits of requests that nobody else's file decides about."""


class Watchdog:
    """Watches a process during one exchange of messages; for ``with`` blocks.

    A blocked ``send`` or ``recv`` ends with an error once the process is killed.

    Args:
        process: the process.
        silence_seconds: maximum time from a message to the process until its answer: it covers
            sending, computing and receiving.
        limits: what the exchange may take.

    Attributes:
        verdict: why the process was killed; None while it was not.

    >>> with subprocess.Popen(["sleep", "60"]) as process:
    ...     with Watchdog(process, silence_seconds=0) as watchdog:
    ...         code = process.wait()
    >>> type(watchdog.verdict).__name__
    'WorkerTimeout'
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        silence_seconds: float,
        limits: ResourceLimits = NO_LIMITS,
    ) -> None:
        self._process = process
        self._silence_seconds = silence_seconds
        self._limits = limits
        self._start_cpu = process_usage.cpu_seconds(process.pid) or 0.0
        self._deadline: float | None = time.monotonic() + silence_seconds
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="emosense-watchdog")
        self.verdict: WorkerError | None = None

    def __enter__(self) -> Watchdog:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def pause(self) -> None:
        """Stop the clock: it is not the process that lets the other side wait."""
        self._deadline = None

    def restart(self) -> None:
        """Start the clock anew, before a message to the process."""
        self._deadline = time.monotonic() + self._silence_seconds

    @property
    def seconds(self) -> float:
        """Seconds since the last message to the process; 0 while its answer needs none."""
        if self._deadline is None:
            return 0.0
        return time.monotonic() - self._deadline + self._silence_seconds

    def _watch(self) -> None:
        while not self._done.wait(_PAUSE_SECONDS):
            self.verdict = self._judge()
            if self.verdict is not None:
                self._process.kill()
                return

    def _judge(self) -> WorkerError | None:
        limits, pid = self._limits, self._process.pid
        if (deadline := self._deadline) is not None and time.monotonic() > deadline:
            return WorkerTimeout(
                f"The analysis was given up after {self._silence_seconds:.0f} seconds. Try again, "
                "or with a smaller file."
            )
        if limits.memory_bytes is not None:
            memory = process_usage.resident_bytes(pid)
            if memory is not None and memory > limits.memory_bytes:
                return WorkerLimitExceeded(
                    "The analysis was ended: it needs more than the "
                    f"{limits.memory_bytes / _GB:.1f} GB of memory that one file may take."
                )
        if limits.cpu_seconds is not None:
            seconds = process_usage.cpu_seconds(pid)
            if seconds is not None and seconds - self._start_cpu > limits.cpu_seconds:
                return WorkerLimitExceeded(
                    "The analysis was ended: it needs more than the "
                    f"{limits.cpu_seconds:.0f} seconds of processor time that one file may take."
                )
        return None
