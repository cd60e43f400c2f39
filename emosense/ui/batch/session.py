"""The batches of a browser session."""

from __future__ import annotations

from collections.abc import Iterable

from emosense.jobs.photo_jobs import PhotoJob
from emosense.services import services
from emosense.ui.session.cleanup import session_resource
from emosense.ui.session.jobs import SessionJobs


class SessionBatches(SessionJobs[PhotoJob]):
    """The photo jobs that one browser session started.

    >>> issubclass(SessionBatches, SessionJobs)
    True
    """

    def __init__(self) -> None:
        super().__init__(services().photos)
        self._buffers: dict[int, list[bytes]] = {}

    def start(self, job: PhotoJob, uploads: Iterable[bytes]) -> None:
        """Queue a job over the photos of these uploads."""
        number = self.submit(job)
        self._buffers[number] = list(uploads)

    def held_buffers(self) -> Iterable[bytes]:
        """Return the uploads of the jobs that have not finished."""
        for number in list(self._buffers):
            if number not in self.jobs or self.jobs[number].is_finished:
                del self._buffers[number]
        return [buffer for buffers in self._buffers.values() for buffer in buffers]


def session_batches() -> SessionBatches:
    """Return this browser session's batches."""
    return session_resource(SessionBatches)
