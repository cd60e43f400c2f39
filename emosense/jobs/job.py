"""The base class of the app's background jobs."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import ClassVar

from emosense.worker.lanes import PoolClient
from emosense.worker.scheduler import Wait
from emosense.worker.usage import Account


class JobState(Enum):
    """State of a job.

    >>> JobState.DONE.value
    'done'
    """

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(kw_only=True, eq=False)
class Job(ABC):
    """A background job of the app.

    Attributes:
        kind: what messages call such jobs, of which a queue takes so many.
        name: name of the job on the page.
        account: user and browser session that the job belongs to.
        state: state, set by the queue; a finished job has all of its results.
        wait: why and how long the job waits for its turn; None while it has one. A running job
            waits too, between its photos or when its video gives way to another.
        started: monotonic time in seconds at which the job had its first turn.
        duration: duration of the run in seconds, once the job has finished.
        error: error message of a failed job, else None.
        failure: the exception that it failed with.
        cancelled: event that ends the job soon, with a partial result.
        keep: called with the bytes of memory that the job is about to keep more, or less if
            negative; raises NoRoom if there is no room for them.
        on_end: called once the job has ended, in its thread and before it is finished.

    >>> class Nothing(Job):
    ...     fraction = None
    ...     def run(self, client): pass
    >>> Nothing(name="nothing").is_finished
    False
    """

    kind: ClassVar[str] = "analyses"

    name: str
    account: Account = field(default_factory=Account)
    state: JobState = JobState.WAITING
    wait: Wait | None = None
    started: float = 0.0
    duration: float = 0.0
    error: str | None = None
    failure: Exception | None = field(default=None, repr=False)
    cancelled: threading.Event = field(default_factory=threading.Event)
    keep: Callable[[int], None] = field(default=lambda size: None, repr=False)
    on_end: Callable[[], None] = field(default=lambda: None, repr=False)

    @abstractmethod
    def run(self, client: PoolClient) -> None:
        """Run the job in the calling thread; the queue stores a raised error in :attr:`error`."""

    @property
    @abstractmethod
    def fraction(self) -> float | None:
        """Fraction of the job that is done, in 0..1; None if its length is unknown."""

    def on_wait(self, wait: Wait | None) -> None:
        """Note that the job waits for its turn, or has it (None)."""
        if wait is None and self.state is JobState.WAITING:
            self.started, self.state = time.monotonic(), JobState.RUNNING
        self.wait = wait

    @property
    def is_finished(self) -> bool:
        """Whether the job is done or has failed."""
        return self.state in (JobState.DONE, JobState.FAILED)

    @property
    def elapsed(self) -> float:
        """Seconds since the job started."""
        return time.monotonic() - self.started

    @property
    def seconds_left(self) -> float | None:
        """Estimated remaining time in seconds; None while no estimate is possible."""
        fraction = self.fraction
        return self.elapsed * (1 - fraction) / fraction if fraction else None
