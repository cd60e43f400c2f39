"""The queue of background jobs."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque

from emosense.errors import EmoSenseError
from emosense.jobs.job import Job, JobState
from emosense.worker.client import InferenceWorker
from emosense.worker.messages import Preload

_log = logging.getLogger(__name__)


class JobQueue:
    """Runs jobs in the order of their submission. Thread-safe.

    Args:
        worker: client of the inference process, which starts with the first job; also an
            attribute.
        parallel: maximum number of jobs that run at the same time; None runs each job at once in
            a thread of its own, and their requests alternate in the worker.

    >>> JobQueue(InferenceWorker(), parallel=1).position(object())
    0
    """

    def __init__(self, worker: InferenceWorker, parallel: int | None = 1) -> None:
        self.worker = worker
        self._parallel = parallel
        self._waiting: deque[Job] = deque()
        self._preloaded: set[str] = set()
        self._lock = threading.Lock()
        self._threads = 0

    def preload(self, model: str) -> None:
        """Start the process and load a model, once, so that the first job begins at once."""
        with self._lock:
            if model in self._preloaded:
                return
            self._preloaded.add(model)

        def load() -> None:
            try:
                self.worker.request(Preload(model=model))
            except EmoSenseError:
                return  # the first job raises it again and shows it

        threading.Thread(target=load, daemon=True, name="emosense-preload").start()

    def submit(self, job: Job) -> None:
        """Queue a job."""
        with self._lock:
            self._waiting.append(job)
            if self._parallel is None or self._threads < self._parallel:
                self._threads += 1
                threading.Thread(target=self._work, daemon=True, name="emosense-job").start()

    def cancel(self, job: Job) -> None:
        """End a job soon, with a partial result."""
        with self._lock:
            job.cancelled.set()
            if job in self._waiting:
                self._waiting.remove(job)
                job.error, job.state = "It was cancelled before it began.", JobState.FAILED

    def position(self, job: Job) -> int:
        """Return the number of jobs ahead of a waiting job, from 1; 0 once the job runs."""
        with self._lock:
            waiting = list(self._waiting)
        return waiting.index(job) + 1 if job in waiting else 0

    def close(self) -> None:
        """Cancel all jobs that wait and end the process; a running job fails."""
        with self._lock:
            waiting = list(self._waiting)
        for job in waiting:
            self.cancel(job)
        self.worker.shut_down()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    return
                job = self._waiting.popleft()
                job.state, job.started = JobState.RUNNING, time.monotonic()
            self._run(job)

    def _run(self, job: Job) -> None:
        state = JobState.DONE
        try:
            job.run(self.worker)
        except Exception as error:  # a dead thread would stop all later jobs
            if not isinstance(error, EmoSenseError):
                _log.exception("a job failed")
            job.error, state = str(error), JobState.FAILED
        job.duration = time.monotonic() - job.started
        job.state = state  # last: other threads then read a complete job
