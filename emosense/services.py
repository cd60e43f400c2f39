"""The services that all sessions of the app share: inference processes, job queues and the spool.

They belong to the server: its lifespan starts and ends them (see :mod:`emosense.ui.application`). They
live in no cache of Streamlit, which every visitor may clear. Where no lifespan runs, as in Streamlit's
AppTest, each part starts when it is first needed and ends with the process.
"""

from __future__ import annotations

import atexit
import shutil
import threading
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from emosense import settings
from emosense.asgi.budget import Budget
from emosense.jobs.lane_choice import (
    CAMERA,
    CAMERA_BYTES,
    DEAR,
    ENCODING,
    LONG,
    ORDINARY,
    SHORT,
    VIDEO_BYTES,
    camera_lane,
    photo_bytes,
    photo_lane,
    video_lane,
)
from emosense.jobs.queue import JobQueue
from emosense.jobs.spool import Spool
from emosense.runtime.gpu_driver import may_have_gpu
from emosense.worker.client import InferenceWorker
from emosense.worker.lanes import InferencePool, Lane
from emosense.worker.scheduler import SLICE_SECONDS, FairScheduler
from emosense.worker.usage import Usage

LONG_VIDEOS: Final = 2
"""Long videos that are open at the same time, each of another user; they take turns."""
_SMALL_SPOOL_BYTES: Final = 64 * 2**20
"""A few short clips."""
_SMALL_RESULTS_BYTES: Final = 16 * 2**20
_MAX_DISK_SHARE: Final = 0.9
SWELLING_BYTES: Final = 150 * 2**20
"""Memory that a process may keep after a request; one that keeps more is replaced."""
_IDLE_SECONDS: Final = 60.0
_GPU_IDLE_SECONDS: Final = 5.0
_NICENESS: Final = 10


class Services:
    """The queues of photos and videos, and the spool. Thread-safe.

    Args:
        spool_root: parent folder of the spool; None uses the system's folder for temporary files.

    Attributes:
        usage: processor time of users and sessions.
        memory: the memory for results, of which all users have a fair share.
        held_elsewhere: returns the bytes that sessions hold of it beside their holdings, by session.

    >>> services = Services(Path("."))
    >>> folder = services.spool.new_folder()
    >>> services.close()
    >>> folder.exists()
    False
    """

    def __init__(self, spool_root: Path | None = None) -> None:
        self._spool_root = spool_root
        self._lock = threading.RLock()
        self.usage = Usage()
        self.held_elsewhere: Callable[[], Mapping[str, int]] = dict
        self.memory: Final = Budget(
            "results and downloads in memory",
            lambda: settings.MAX_SERVER_DOWNLOAD_MB.whole() * 2**20,
            lambda: settings.MAX_SESSION_DOWNLOAD_MB.whole() * 2**20,
            small=_SMALL_RESULTS_BYTES,
            elsewhere=lambda: self.held_elsewhere(),
        )

    @property
    def photos(self) -> JobQueue:
        """The queue of photo jobs, which take turns photo by photo.

        One process answers for ordinary photos and preloads the default model while the first page
        is shown; another one, which runs only when it is needed, for photos that are dear by their
        header.
        """
        with self._lock:
            return self._photos

    @property
    def videos(self) -> JobQueue:
        """The queue of video jobs: one process for short videos, two for long ones, one that encodes.

        One of them computes at a time, and gives way to users who have used less.
        """
        with self._lock:
            return self._videos

    @property
    def cameras(self) -> InferencePool:
        """The process of live cameras: a photo or a video that takes seconds does not stop it."""
        with self._lock:
            return self._cameras

    @property
    def spool(self) -> Spool:
        """The server's folder for temporary files."""
        with self._lock:
            return self._spool

    @property
    def spool_budget(self) -> Budget:
        """The disk space of the spool, of which all users have a fair share."""
        with self._lock:
            return self._spool_budget

    @cached_property
    def _photos(self) -> JobQueue:
        # The GPU has one owner, which lives until it is idle: a process of videos. A photo of a page
        # takes some ten milliseconds on the CPU, less than its decoding.
        ordinary = InferenceWorker(memory_bytes=photo_bytes(), cpu_only=True)
        # It decodes the first frames of videos too.
        dear = InferenceWorker(
            memory_bytes=max(photo_bytes(), VIDEO_BYTES), niceness=_NICENESS, cpu_only=True
        )
        lanes = {
            ORDINARY: Lane([ordinary], self._scheduler(), max_swelling=SWELLING_BYTES),
            DEAR: Lane([dear], self._scheduler(), _IDLE_SECONDS, SWELLING_BYTES),
        }
        queue = _queue(InferencePool(lanes, photo_lane))
        queue.preload(settings.MODEL.text())
        return queue

    @cached_property
    def _videos(self) -> JobQueue:
        def workers(count: int) -> list[InferenceWorker]:
            return [
                InferenceWorker(memory_bytes=VIDEO_BYTES, niceness=_NICENESS // 2)
                for _ in range(count)
            ]

        short = self._scheduler(shares_processor=True)
        long = self._scheduler(slots=LONG_VIDEOS, max_running_user=1, shares_processor=True)
        # A process that has the GPU keeps it from the other lane until it ends.
        idle_seconds = _GPU_IDLE_SECONDS if may_have_gpu() else _IDLE_SECONDS
        encoder = InferenceWorker(memory_bytes=VIDEO_BYTES, niceness=_NICENESS, cpu_only=True)
        encoding = self._scheduler(shares_processor=True)
        lanes = {
            ENCODING: Lane([encoder], encoding, _IDLE_SECONDS, SWELLING_BYTES),
            SHORT: Lane(workers(1), short, idle_seconds, SWELLING_BYTES),
            LONG: Lane(workers(LONG_VIDEOS), long, idle_seconds, SWELLING_BYTES),
        }
        sharing = self._scheduler(slice_seconds=SLICE_SECONDS)
        return _queue(InferencePool(lanes, video_lane, sharing))

    @cached_property
    def _cameras(self) -> InferencePool:
        worker = InferenceWorker(memory_bytes=CAMERA_BYTES, cpu_only=True)
        lane = Lane([worker], self._scheduler(), _IDLE_SECONDS, SWELLING_BYTES)
        return InferencePool({CAMERA: lane}, camera_lane)

    def _scheduler(self, **options: Any) -> FairScheduler:
        return FairScheduler(
            self.usage,
            max_session=settings.MAX_SESSION_REQUESTS.whole(),
            max_user=settings.MAX_USER_REQUESTS.whole(),
            **options,
        )

    @cached_property
    def _spool(self) -> Spool:
        return Spool(self._spool_root)

    @cached_property
    def _spool_budget(self) -> Budget:
        # What the disk offers is asked once: later the spool itself takes of it.
        disk = int(_MAX_DISK_SHARE * shutil.disk_usage(self._spool.folder).free)
        return Budget(
            "videos on the disk",
            lambda: min(disk, settings.MAX_SERVER_SPOOL_MB.whole() * 2**20),
            lambda: settings.MAX_SESSION_SPOOL_MB.whole() * 2**20,
            small=_SMALL_SPOOL_BYTES,
        )

    def close(self) -> None:
        """End the processes and remove the spool; what is used later starts anew."""
        with self._lock:
            for name in ("_photos", "_videos"):
                if (queue := self.__dict__.pop(name, None)) is not None:
                    queue.close()
            if (cameras := self.__dict__.pop("_cameras", None)) is not None:
                cameras.shut_down()
            if (spool := self.__dict__.pop("_spool", None)) is not None:
                spool.close()
                self.__dict__.pop("_spool_budget", None)


def _queue(pool: InferencePool) -> JobQueue:
    return JobQueue(pool, settings.MAX_SESSION_JOBS.whole(), settings.MAX_USER_JOBS.whole())


_services = Services()
atexit.register(_services.close)


def services() -> Services:
    """Return the services of this server."""
    return _services
