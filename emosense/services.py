"""The services that all sessions of the app share: inference processes, job queues and the spool.

They belong to the server: its lifespan starts and ends them (see :mod:`emosense.ui.application`). They
live in no cache of Streamlit, which every visitor may clear. Where no lifespan runs, as in Streamlit's
AppTest, each part starts when it is first needed and ends with the process.
"""

from __future__ import annotations

import atexit
import threading
from functools import cached_property
from pathlib import Path

from emosense import settings
from emosense.jobs.queue import JobQueue
from emosense.jobs.spool import Spool
from emosense.worker.client import InferenceWorker


class Services:
    """One photo queue, one video queue and one spool. Thread-safe.

    Args:
        spool_root: parent folder of the spool; None uses the system's folder for temporary files.

    >>> services = Services(Path("."))
    >>> folder = services.spool.new_folder()
    >>> services.close()
    >>> folder.exists()
    False
    """

    def __init__(self, spool_root: Path | None = None) -> None:
        self._spool_root = spool_root
        self._lock = threading.RLock()

    @property
    def photos(self) -> JobQueue:
        """The queue of photo jobs, which run concurrently and take turns photo by photo.

        Its inference process preloads the default model while the first page is shown.
        """
        with self._lock:
            return self._photos

    @property
    def videos(self) -> JobQueue:
        """The queue of video jobs, which run one at a time in an inference process of their own."""
        with self._lock:
            return self._videos

    @property
    def spool(self) -> Spool:
        """The server's folder for temporary files."""
        with self._lock:
            return self._spool

    @cached_property
    def _photos(self) -> JobQueue:
        queue = JobQueue(InferenceWorker(), parallel=None)
        queue.preload(settings.MODEL.text())
        return queue

    @cached_property
    def _videos(self) -> JobQueue:
        return JobQueue(InferenceWorker())

    @cached_property
    def _spool(self) -> Spool:
        return Spool(self._spool_root)

    def close(self) -> None:
        """End the processes and remove the spool; what is used later starts anew."""
        with self._lock:
            for name in ("_photos", "_videos"):
                if (queue := self.__dict__.pop(name, None)) is not None:
                    queue.close()
            if (spool := self.__dict__.pop("_spool", None)) is not None:
                spool.close()


_services = Services()
atexit.register(_services.close)


def services() -> Services:
    """Return the services of this server."""
    return _services
