"""The background jobs of a browser session, which keep running while other pages are visited."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from functools import partial
from typing import Generic, TypeVar

from emosense import settings
from emosense.asgi.budget import Holding
from emosense.errors import EmoSenseError, NoRoom
from emosense.jobs.job import Job
from emosense.jobs.queue import JobQueue
from emosense.runtime.malloc import return_free_memory
from emosense.ui.session.cleanup import SessionResource
from emosense.ui.session.downloads import memory
from emosense.ui.session.user import session_account
from emosense.worker.usage import Account

JobT = TypeVar("JobT", bound=Job)


class SessionJobs(SessionResource, Generic[JobT]):
    """The jobs that one browser session started; cancelled when the session ends.

    What they keep counts as what the page holds in memory, until they are removed. None is removed
    but by the visitor: beyond EMOSENSE_MAX_SESSION_RESULTS he is asked to.

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
        self._kept: dict[int, Holding] = {}
        self._uploads: dict[JobT, list[bytes]] = {}
        self._lock = threading.RLock()  # two pages of an owner may press buttons at once

    def account(self) -> Account:
        """Return whose jobs these are."""
        return session_account()

    @property
    def oldest_finished(self) -> int | None:
        """Number of the first job that has finished; None if none has."""
        jobs = list(self.jobs.items())
        return next((number for number, job in jobs if job.is_finished), None)

    def submit(self, job: JobT, uploads: Iterable[bytes] = ()) -> int:
        """Queue a job for this session and return its number.

        Args:
            job: the job.
            uploads: the uploads that it reads, which are kept in memory until it has finished.

        Raises:
            ServerBusy: too many jobs of the session or the user have not finished.
            NoRoom: the session keeps as many jobs as it may.
        """
        job.account = self.account()
        with self._lock:
            limit = settings.MAX_SESSION_RESULTS.whole()
            if len(self.jobs) >= limit:
                raise NoRoom(
                    f"Expected at most {limit} analyses that are kept on this page. Received: one "
                    "more. Nothing was removed: please download what you need of an earlier one, and "
                    "remove it."
                )
            kept = memory.hold(job.account)
            job.keep = kept.add
            on_end = job.on_end
            if held := list(uploads):
                self._uploads[job] = held
                job.on_end = partial(self._drop_uploads, job, on_end)
            try:
                self._queue.submit(job)
            except EmoSenseError:
                self._uploads.pop(job, None)
                job.on_end = on_end
                kept.release()
                raise
            self._count += 1
            self.jobs[self._count], self._kept[self._count] = job, kept
            return self._count

    def held_buffers(self) -> Iterable[bytes]:
        """Return the uploads of the jobs that have not finished."""
        return [upload for uploads in list(self._uploads.values()) for upload in uploads]

    def _drop_uploads(self, job: JobT, on_end: Callable[[], None]) -> None:
        """Hold a job's uploads no more, also if it was removed before its end."""
        self._uploads.pop(job, None)
        return_free_memory()
        on_end()

    def cancel(self, job: JobT) -> None:
        """Cancel a job; its partial results are kept."""
        self._queue.cancel(job)

    def remove(self, number: int) -> JobT:
        """Cancel a job, remove it with its results and return it."""
        job = self.jobs.pop(number)
        self._queue.cancel(job)
        self._kept.pop(number).release()
        return job

    def discard(self, number: int) -> None:
        """Remove a job, if it is still there: a button may be pressed twice, or on two pages."""
        with self._lock:
            if number in self.jobs:
                self.remove(number)

    def close(self) -> None:
        """Cancel all jobs."""
        for job in list(self.jobs.values()):
            self._queue.cancel(job)
        for kept in self._kept.values():
            kept.release()
