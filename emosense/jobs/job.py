"""What all background jobs of the app have in common."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum

from emosense.worker.client import InferenceWorker


class JobState(Enum):
    """State of a job.

    >>> JobState.DONE.value
    'done'
    """

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(kw_only=True)
class Job(ABC):
    """A piece of work that runs beside the pages.

    Attributes:
        name: what the page calls it.
        owner: id of the browser session that may see and cancel it.
        state: set by the queue; a finished job has all of its results.
        started: monotonic seconds when it began to run.
        duration: seconds that it ran, once it has finished.
        error: why it failed, in words; None if it did not.
        cancelled: set to end the job soon, with what it has.

    >>> class Nothing(Job):
    ...     fraction = None
    ...     def run(self, worker): pass
    >>> Nothing(name="nothing").is_finished
    False
    """

    name: str
    owner: str = ""
    state: JobState = JobState.WAITING
    started: float = 0.0
    duration: float = 0.0
    error: str | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)

    @abstractmethod
    def run(self, worker: InferenceWorker) -> None:
        """Do the work in the calling thread; what it raises becomes :attr:`error`."""

    @property
    @abstractmethod
    def fraction(self) -> float | None:
        """Fraction of the work that is done, in 0..1; None if its amount is unknown."""

    @property
    def is_finished(self) -> bool:
        """Whether nothing more will come."""
        return self.state in (JobState.DONE, JobState.FAILED)

    @property
    def elapsed(self) -> float:
        """Seconds since the job began to run."""
        return time.monotonic() - self.started

    @property
    def seconds_left(self) -> float | None:
        """Estimate for the rest; None while nothing is known."""
        fraction = self.fraction
        return self.elapsed * (1 - fraction) / fraction if fraction else None
