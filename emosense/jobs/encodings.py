"""Previews and videos with boxes that are made of uploads, and what they take of the disk."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Final

from emosense.asgi.budget import Budget, Holding
from emosense.errors import EmoSenseError, NoRoom
from emosense.jobs.encoding_jobs import EncodingJob
from emosense.jobs.queue import JobQueue
from emosense.settings import video_limits
from emosense.video.cost import SMALLEST_ANNOTATED_LIMIT, max_annotated_bytes
from emosense.worker.usage import Account

_WRITTEN_SHARE: Final = 0.9
"""The rest of what is reserved is for frames that the encoder holds yet, and for the index."""


class Encodings:
    """Jobs that encode videos, each with room on the disk that is reserved before it begins.

    Args:
        queue: queue of video jobs.
        budget: the disk space for videos.

    >>> from emosense.services import services
    >>> Encodings(services().videos, services().spool_budget).close()
    """

    def __init__(self, queue: JobQueue, budget: Budget) -> None:
        self._queue, self._budget = queue, budget
        self._space: dict[EncodingJob, Holding] = {}

    def start(self, job: EncodingJob, account: Account) -> None:
        """Reserve room for the new file, until its size is known, and queue its job.

        At most half of the account's room is reserved, so that several jobs may wait.

        Raises:
            ServerBusy: there are too many jobs; or, as NoRoom, there is no room for the file.
        """
        largest = max_annotated_bytes(job.path, job.target, video_limits())
        size = min(largest, self._budget.room(account) // 2)
        if size < min(largest, SMALLEST_ANNOTATED_LIMIT):
            raise NoRoom(
                f"Expected room for {min(largest, SMALLEST_ANNOTATED_LIMIT) / 2**20:.0f} MB on the "
                f"disk. Received: {size / 2**20:.0f} MB. Remove results of this {account.noun} that "
                "you need no longer."
            )
        job.account, job.max_bytes = account, int(_WRITTEN_SHARE * size)
        self._space[job] = self._budget.hold(account, size)
        job.on_end = partial(self._settle, job)
        try:
            self._queue.submit(job)
        except EmoSenseError:
            self._release(job)
            raise

    def cancel(self, job: EncodingJob) -> None:
        """Cancel a job, which leaves no file."""
        self._queue.cancel(job)

    def remove(self, job: EncodingJob) -> None:
        """Cancel a job and remove its file."""
        self._queue.cancel(job)
        self._release(job)

    def close(self) -> None:
        """Cancel all jobs and remove their files."""
        for job in list(self._space):
            self.remove(job)

    def _settle(self, job: EncodingJob) -> None:
        """Hold as much room as the file takes, once its job has ended."""
        space = self._space.get(job)
        if space is None:  # removed while it ran: its process may have begun the file after that
            job.target.unlink(missing_ok=True)
            return
        with suppress(NoRoom):  # larger than what was reserved by the end of its index
            space.resize(job.target.stat().st_size if job.target.is_file() else 0)

    def _release(self, job: EncodingJob) -> None:
        space = self._space.pop(job, None)
        if space is not None:
            job.target.unlink(missing_ok=True)
            space.release()
