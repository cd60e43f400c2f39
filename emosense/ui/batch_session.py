"""The photo jobs of a browser session, which go on while other pages are looked at."""

from __future__ import annotations

from collections.abc import Sequence

from emosense.faces.options import DetectorOptions
from emosense.ui.leaving import SessionResource, of_session
from emosense.ui.worker import shared_worker
from emosense.worker.photo_jobs import PhotoItem, PhotoJob, start_photo_job


class SessionBatches(SessionResource):
    """What one browser session started; forgotten when the session ends."""

    def __init__(self) -> None:
        self.jobs: dict[int, PhotoJob] = {}
        self._count = 0

    def start(
        self, name: str, items: Sequence[PhotoItem], model: str, options: DetectorOptions
    ) -> None:
        """Begin to analyse photos."""
        self._count += 1
        job = self.jobs[self._count] = PhotoJob(name, items, model, options)
        start_photo_job(shared_worker(), job)

    def remove(self, number: int) -> None:
        """End a job and forget what it found."""
        self.jobs.pop(number).cancelled.set()

    def close(self) -> None:
        """End all jobs."""
        for job in self.jobs.values():
            job.cancelled.set()


def session_batches() -> SessionBatches:
    """Return this browser session's photo jobs."""
    return of_session(SessionBatches)
