"""The videos of the REST API's users, with their jobs: on disk until they are deleted or expire."""

from __future__ import annotations

import secrets
import shutil
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import BinaryIO, Final

from emosense import settings
from emosense.asgi.budget import Holding
from emosense.asgi.owned import OwnedItems
from emosense.errors import Cancelled, MediaTooLarge, NoRoom
from emosense.filesystem.disk import check_free_space
from emosense.jobs.encoding_jobs import EncodingJob
from emosense.jobs.encodings import Encodings
from emosense.jobs.video_jobs import VideoJob
from emosense.networks.registry import model_versions
from emosense.services import Services, services
from emosense.settings import video_limits
from emosense.video.options import VideoOptions
from emosense.worker.messages import InspectVideo
from emosense.worker.usage import Account

_CHUNK_BYTES: Final = 2**20
_PREVIEW_SIDE: Final = 64  # of a picture that nobody asks for


@dataclass(eq=False)
class StoredVideo:
    """A video on disk with its analysis.

    Attributes:
        job: the analysis; its account's session is the holder of the key.
        versions: of the network's weights and of its calibration.
        holdings: the room that the file and the results take.
        created: when it came.
        id: its address, once it is stored.
        expires: when it will be removed; None until the analysis has ended.
        annotated: the making of the video with boxes; None before it is asked for.

    >>> from emosense.results import VideoInfo
    >>> info = VideoInfo(640, 360, 8.0, 200, 25.0, "h264", 0, False)
    >>> job = VideoJob(name="a.mp4", path=Path("a.mp4"), info=info, model="cnn8")
    >>> StoredVideo(job, ("", ""), []).expires is None
    True
    """

    job: VideoJob
    versions: tuple[str, str]
    holdings: list[Holding]
    id: str = ""
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    expires: datetime | None = None
    annotated: EncodingJob | None = None
    timer: threading.Timer | None = field(default=None, repr=False)

    @property
    def owner(self) -> str:
        """The holder of the key."""
        return self.job.account.session


class VideoStore:
    """The videos of all holders of keys. Thread-safe.

    Args:
        shared: the server's inference processes, disk and memory.

    Attributes:
        videos: the videos by their ids.

    >>> VideoStore(services()).videos.of_owner("ann")
    []
    """

    def __init__(self, shared: Services) -> None:
        self._shared = shared
        self._lock = threading.RLock()
        self.videos: Final[OwnedItems[StoredVideo]] = OwnedItems()

    def add(
        self,
        account: Account,
        name: str,
        content: BinaryIO,
        size: int,
        model: str,
        options: VideoOptions,
        is_cancelled: Callable[[], bool],
    ) -> StoredVideo:
        """Write a video to disk, open it and queue its analysis.

        Args:
            account: the holder of the key.
            name: file name.
            content: the file.
            size: its size in bytes.
            model: registry name of the network.
            options: options of the analysis.
            is_cancelled: returns whether nobody waits for the answer any more.

        Raises:
            ServerBusy: there are too many jobs; or, as NoRoom, there is no room for it.
            EmoSenseError: it is no readable video, or, as Cancelled, nobody waits; it is removed from
                the disk.
        """
        self._check(account, name, size)
        folder = self._shared.spool.new_folder()
        holdings: list[Holding] = []
        try:
            holdings.append(self._shared.spool_budget.hold(account, size))
            check_free_space(folder, name, size)
            path = folder / "video"
            with path.open("wb") as file:
                shutil.copyfileobj(content, file, _CHUNK_BYTES)
            client = self._shared.photos.pool.client(account, is_cancelled)
            request = InspectVideo(path=str(path), name=name, preview_side=_PREVIEW_SIDE)
            info = client.request(request).info
            holdings.append(self._shared.memory.hold(account))
            job = VideoJob(
                name=name, path=path, info=info, model=model, options=options, account=account
            )
            job.keep = holdings[-1].add
            video = StoredVideo(job, model_versions(model), holdings)
            job.on_end = partial(self._expire_later, video)
            with self._lock:
                self._check_count(account)  # again: others came meanwhile
                self._shared.videos.submit(job)  # its end waits for the lock
                video.id = self.videos.add(video)
            if is_cancelled():
                self.remove(video)
                raise Cancelled("Nobody waits for the answer, which tells the job's path.")
        except BaseException:
            self._remove_files(folder, holdings)
            raise
        return video

    def _check(self, account: Account, name: str, size: int) -> None:
        limit = video_limits().max_bytes
        if size > limit:
            raise MediaTooLarge(
                f"{name}: expected at most {limit / 2**20:g} MB. Received: {size / 2**20:.1f} MB."
            )
        self._check_count(account)

    def _check_count(self, account: Account) -> None:
        most = settings.MAX_SESSION_RESULTS.whole()
        if len(self.videos.of_owner(account.session)) >= most:
            raise NoRoom(
                f"Expected at most {most} videos that are kept for one {account.noun}. Received: one "
                "more. Nothing was removed: please delete a job that you need no longer."
            )

    def annotated(self, video: StoredVideo) -> EncodingJob | None:
        """Return the making of the video with boxes, which begins with the first call.

        A failed one is returned once; the next call begins another.

        Returns:
            The job; None if the video was removed meanwhile.

        Raises:
            ServerBusy: there are too many jobs; or, as NoRoom, there is no room for it.
        """
        with self._lock:
            if self.videos.find(video.id, video.owner) is None:
                return None
            if video.annotated is not None:
                encoding = video.annotated
                if encoding.is_finished and encoding.failure is not None:
                    self._encodings.remove(encoding)
                    video.annotated = None
                return encoding
            job = video.job
            encoding = EncodingJob(
                name=job.name,
                path=job.path,
                info=job.info,
                target=job.path.with_name(f"annotated-{secrets.token_hex(4)}.mp4"),
                result=job.result,
                options=job.options,
            )
            self._encodings.start(encoding, job.account)
            video.annotated = encoding
            return encoding

    @cached_property
    def _encodings(self) -> Encodings:
        return Encodings(self._shared.videos, self._shared.spool_budget)

    def remove(self, video: StoredVideo) -> None:
        """Cancel a video's jobs and remove it with its results, if it is still there."""
        with self._lock:
            if self.videos.remove(video.id) is None:
                return
            if video.timer is not None:
                video.timer.cancel()
            self._shared.videos.cancel(video.job)
            if video.annotated is not None:
                self._encodings.remove(video.annotated)
        self._remove_files(video.job.path.parent, video.holdings)

    def close(self) -> None:
        """Remove all videos."""
        with self._lock:
            for video in self.videos.all():
                self.remove(video)
            self.__dict__.pop("_encodings", None)

    def _expire_later(self, video: StoredVideo) -> None:
        seconds = 60 * settings.MAX_API_RESULT_MINUTES.number()
        with self._lock:
            if self.videos.find(video.id, video.owner) is None:
                return
            video.expires = datetime.now(UTC) + timedelta(seconds=seconds)
            video.timer = threading.Timer(seconds, self.remove, [video])
            video.timer.daemon = True
            video.timer.start()

    def _remove_files(self, folder: Path, holdings: list[Holding]) -> None:
        self._shared.spool.remove(folder)
        for holding in holdings:
            holding.release()


video_store: Final = VideoStore(services())
"""The videos of this server."""
