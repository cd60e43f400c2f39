"""The queue of background jobs."""

from __future__ import annotations

import logging
import threading
import time

from emosense.errors import EmoSenseError, ServerBusy
from emosense.jobs.job import Job, JobState
from emosense.worker.lanes import InferencePool
from emosense.worker.messages import Preload

_log = logging.getLogger(__name__)


class JobQueue:
    """Runs jobs, each in a thread of its own. Thread-safe.

    Whose request is next is the pool's to decide: jobs of many users alternate photo by photo, and
    long videos give way between updates.

    What is encoded of videos does not count with the analyses, which begin it by themselves.

    Args:
        pool: inference processes; also an attribute.
        max_session: maximum number of unfinished jobs of one kind of one browser session.
        max_user: maximum number of unfinished jobs of one kind of one user.

    >>> from emosense.worker.lanes import InferencePool, LaneChoice
    >>> queue = JobQueue(InferencePool({}, lambda request: LaneChoice("")))
    >>> queue.unfinished
    []
    """

    def __init__(self, pool: InferencePool, max_session: int = 10, max_user: int = 40) -> None:
        self.pool = pool
        self._max_session = max_session
        self._max_user = max_user
        self._preloaded: set[str] = set()
        self._lock = threading.Lock()
        self._jobs: list[Job] = []

    @property
    def unfinished(self) -> list[Job]:
        """Jobs that wait or run."""
        with self._lock:
            return list(self._jobs)

    def preload(self, model: str) -> None:
        """Start a process and load a model, once, so that the first job begins at once."""
        with self._lock:
            if model in self._preloaded:
                return
            self._preloaded.add(model)

        def load() -> None:
            try:
                self.pool.client().warm_up(Preload(model=model))
            except EmoSenseError:
                return  # the first job raises it again and shows it

        threading.Thread(target=load, daemon=True, name="emosense-preload").start()

    def submit(self, job: Job) -> None:
        """Start a job as soon as it is its turn.

        Raises:
            ServerBusy: too many jobs of its kind, of the session or the user, have not finished.
        """
        with self._lock:
            of_user = [
                other
                for other in self._jobs
                if other.kind == job.kind and other.account.user == job.account.user
            ]
            of_session = [other for other in of_user if other.account == job.account]
            for count, limit, owner in (
                (len(of_session), self._max_session, job.account.noun),
                (len(of_user), self._max_user, "user"),
            ):
                if count >= limit:
                    raise ServerBusy(
                        f"Expected at most {limit} unfinished {job.kind} of one {owner}. Received: "
                        "one more. Please wait until one is done, or cancel one."
                    )
            self._jobs.append(job)
        threading.Thread(target=self._run, args=[job], daemon=True, name="emosense-job").start()

    def cancel(self, job: Job) -> None:
        """End a job soon, with a partial result."""
        job.cancelled.set()

    def close(self) -> None:
        """Cancel all jobs and end the processes; a running job fails."""
        for job in self.unfinished:
            self.cancel(job)
        self.pool.shut_down()

    def _run(self, job: Job) -> None:
        state = JobState.DONE
        try:
            job.run(self.pool.client(job.account, job.cancelled.is_set, job.on_wait))
        except Exception as error:  # the thread must always store the job's end
            if not isinstance(error, EmoSenseError):
                _log.exception("a job failed")
            job.error, job.failure, state = str(error), error, JobState.FAILED
        finally:
            try:
                job.on_end()
            except Exception:  # nor may a fault here keep the job from ending
                _log.exception("what follows a job's end failed")
            with self._lock:
                self._jobs.remove(job)
        job.wait = None
        job.duration = time.monotonic() - job.started if job.started else 0.0
        job.state = state  # last: other threads then read a complete job
