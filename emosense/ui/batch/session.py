"""The batches of a browser session."""

from __future__ import annotations

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


def session_batches() -> SessionBatches:
    """Return this browser session's batches."""
    return session_resource(SessionBatches)
