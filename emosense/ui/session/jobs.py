"""The background jobs of a browser session, which keep running while other pages are visited."""

from __future__ import annotations

from typing import Generic, TypeVar

from emosense.jobs.job import Job
from emosense.jobs.queue import JobQueue
from emosense.ui.session.cleanup import SessionResource
from emosense.ui.session.user import session_account

JobT = TypeVar("JobT", bound=Job)


class SessionJobs(SessionResource, Generic[JobT]):
    """The jobs that one browser session started; cancelled when the session ends.

    Attributes:
        jobs: jobs by number, from 1, in the order in which they were submitted.

    >>> from emosense.services import services
    >>> SessionJobs(services().videos).jobs
    {}
    """

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self.jobs: dict[int, JobT] = {}
        self._count = 0

    def submit(self, job: JobT) -> int:
        """Queue a job for this session and return its number.

        Raises:
            ServerBusy: too many jobs of the session or the user have not finished.
        """
        job.account = session_account()
        self._queue.submit(job)
        self._count += 1
        self.jobs[self._count] = job
        return self._count

    def cancel(self, job: JobT) -> None:
        """Cancel a job; its partial results are kept."""
        self._queue.cancel(job)

    def remove(self, number: int) -> JobT:
        """Cancel a job, remove it with its results and return it."""
        job = self.jobs.pop(number)
        self._queue.cancel(job)
        return job

    def close(self) -> None:
        """Cancel all jobs."""
        for job in self.jobs.values():
            self._queue.cancel(job)
