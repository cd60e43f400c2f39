"""The videos of a browser session: uploads and results on disk, and jobs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from emosense.asgi.budget import Holding
from emosense.errors import EmoSenseError, NoRoom
from emosense.filesystem.disk import check_free_space
from emosense.jobs.video_jobs import VideoJob
from emosense.results import FrameResult, VideoInfo
from emosense.samples import SAMPLE_CLIP_NAME
from emosense.services import services
from emosense.settings import video_limits
from emosense.ui.player.clips import PLAYABLE_CODECS, Clip, clips, media_type
from emosense.ui.session.cleanup import session_resource
from emosense.ui.session.downloads import memory
from emosense.ui.session.jobs import SessionJobs
from emosense.ui.session.user import session_account
from emosense.video.cost import SMALLEST_ANNOTATED_LIMIT, max_annotated_bytes
from emosense.video.options import VideoOptions
from emosense.worker.lanes import PoolClient
from emosense.worker.messages import InspectVideo, WriteSampleClip

_CHUNK_BYTES = 2**20
_PREVIEW_SIDE = 960
_SAMPLE_BYTES = 4 * 2**20
_WRITTEN_SHARE = 0.9
"""The rest of what is reserved is for frames that the encoder holds yet, and for the index."""


@dataclass(frozen=True)
class Upload:
    """An uploaded video on disk.

    Attributes:
        name: name of the uploaded file.
        path: path of the file, in a folder that holds only this video and its results.
        info: properties from the container.
        preview: the first frame as JPEG.

    >>> info = VideoInfo(640, 360, 8.0, 200, 25.0, "h264", 0, False)
    >>> Upload("a.mp4", Path("video"), info, b"...").name
    'a.mp4'
    """

    name: str
    path: Path
    info: VideoInfo
    preview: bytes


class SessionVideos(SessionJobs[VideoJob]):
    """The videos that one browser session uploaded and the jobs that it started.

    All files are removed from disk when the session ends.

    Attributes:
        uploads: opened videos by upload key.
        addresses: addresses of the clips that browsers play, by job.

    >>> issubclass(SessionVideos, SessionJobs)
    True
    """

    def __init__(self) -> None:
        super().__init__(services().videos)
        self._spool, self._budget = services().spool, services().spool_budget
        self.uploads: dict[str, Upload] = {}
        self._space: dict[Path, list[Holding]] = {}
        self._annotated_space: dict[VideoJob, Holding] = {}
        self.addresses: dict[VideoJob, str] = {}

    def preload(self, model: str) -> None:
        """Load a model while the visitor selects options, so that the analysis starts at once."""
        self._queue.preload(model)

    def add(self, key: str, name: str, content: BinaryIO, client: PoolClient) -> Upload:
        """Write an upload to disk and open it.

        Args:
            key: key of the upload; the same key returns the same video.
            name: file name, for messages and downloads.
            content: binary stream of the file.
            client: client of the inference processes, one of which opens the video.

        Raises:
            EmoSenseError: the file is not a readable video, or there is no room for it; it is
                removed from disk.
        """

        def write(path: Path, space: Holding) -> None:
            size = content.seek(0, os.SEEK_END)
            space.resize(size)
            check_free_space(path.parent, name, size)
            content.seek(0)
            with path.open("wb") as file:
                shutil.copyfileobj(content, file, _CHUNK_BYTES)

        return self._open(key, name, write, client)

    def add_sample(self, key: str, client: PoolClient) -> Upload:
        """Write the sample video to disk and open it.

        Raises:
            EmoSenseError: the file cannot be written, or there is no room for it.
        """

        def write(path: Path, space: Holding) -> None:
            space.resize(_SAMPLE_BYTES)
            client.request(WriteSampleClip(path=str(path)))
            space.resize(path.stat().st_size)

        return self._open(key, SAMPLE_CLIP_NAME, write, client)

    def _open(
        self, key: str, name: str, write: Callable[[Path, Holding], None], client: PoolClient
    ) -> Upload:
        if key not in self.uploads:
            folder = self._spool.new_folder()
            space, kept = self._budget.hold(client.account), memory.hold(client.account)
            self._space[folder] = [space, kept]
            try:
                path = folder / "video"
                write(path, space)
                request = InspectVideo(path=str(path), name=name, preview_side=_PREVIEW_SIDE)
                response = client.request(request)
                kept.resize(len(response.preview))
            except BaseException:
                self._remove_folder(folder)
                raise
            self.uploads[key] = Upload(name, path, response.info, response.preview)
        return self.uploads[key]

    def _remove_folder(self, folder: Path) -> None:
        self._spool.remove(folder)
        for holding in self._space.pop(folder, ()):
            holding.release()

    def discard_unused(self, current: str | None) -> None:
        """Remove uploads without a job from disk, except the current one."""
        job_paths = {job.path for job in self.jobs.values()}
        for key, upload in list(self.uploads.items()):
            if key != current and upload.path not in job_paths:
                del self.uploads[key]
                self._remove_folder(upload.path.parent)

    def start(self, upload: Upload, model: str, options: VideoOptions, *, annotated: bool) -> None:
        """Queue an analysis; ``annotated`` also writes a video with boxes.

        Raises:
            ServerBusy: there are too many jobs; or, as NoRoom, there is no room for its results.
        """
        job = VideoJob(
            name=upload.name, path=upload.path, info=upload.info, model=model, options=options
        )
        if annotated:
            self._reserve_annotated(job, upload.path.parent / f"annotated-{self._count + 1}.mp4")
        try:
            self.submit(job)
        except EmoSenseError:
            self._forget_annotated(job)
            raise
        kind = media_type(job.path) if job.info.codec in PLAYABLE_CODECS else None
        if kind is not None:
            self.addresses[job] = clips.add(_clip(job, kind))

    def _reserve_annotated(self, job: VideoJob, path: Path) -> None:
        """Reserve room for a video with boxes, until it is written and its size is known.

        At most half of the session's room, so that several jobs may wait.
        """
        account = session_account()
        largest = max_annotated_bytes(job.path, path, video_limits())
        size = min(largest, self._budget.room(account) // 2)
        if size < min(largest, SMALLEST_ANNOTATED_LIMIT):
            raise NoRoom(
                f"Expected room for {min(largest, SMALLEST_ANNOTATED_LIMIT) / 2**20:.0f} MB on the "
                f"disk. Received: {size / 2**20:.0f} MB. Remove results of this page that you need "
                'no longer, or switch "Video with boxes" off.'
            )
        self._annotated_space[job] = self._budget.hold(account, size)
        job.annotated, job.max_annotated = path, int(_WRITTEN_SHARE * size)
        job.on_end = partial(self._settle_annotated, job)

    def _settle_annotated(self, job: VideoJob) -> None:
        """Hold as much room as a job's video with boxes has taken, once the job has ended."""
        assert job.annotated is not None
        space = self._annotated_space.get(job)
        if space is None:  # removed while it ran: its process may have begun the file after that
            job.annotated.unlink(missing_ok=True)
            return
        with suppress(NoRoom):  # larger than what was reserved by the end of its index
            space.resize(job.annotated.stat().st_size if job.annotated.is_file() else 0)

    def _forget_annotated(self, job: VideoJob) -> None:
        space = self._annotated_space.pop(job, None)
        if space is not None and job.annotated is not None:
            job.annotated.unlink(missing_ok=True)
            space.release()

    def remove(self, number: int) -> VideoJob:
        """Cancel a job and remove its results and files."""
        job = super().remove(number)
        clips.remove(self.addresses.pop(job, ""))
        self._forget_annotated(job)
        if all(job.path != other.path for other in self.jobs.values()):
            self.uploads = {
                key: upload for key, upload in self.uploads.items() if upload.path != job.path
            }
            self._remove_folder(job.path.parent)
        return job

    def close(self) -> None:
        """Cancel all jobs and remove all files."""
        super().close()
        for address in self.addresses.values():
            clips.remove(address)
        for folder in list(self._space):
            self._remove_folder(folder)
        for job in list(self._annotated_space):
            self._forget_annotated(job)


def _clip(job: VideoJob, kind: str) -> Clip:
    return Clip(
        job.path,
        kind,
        frames=partial(_frames_of, job),
        is_done=lambda: job.is_finished,
        key_moments=lambda: job.key_moments,
        result=lambda: job.result,
        edits=lambda: job.edits,
        edit=partial(setattr, job, "edits"),
        account=job.account,
    )


def _frames_of(job: VideoJob) -> Sequence[FrameResult]:
    return job.frames if job.result is None else job.result.frames


def session_videos() -> SessionVideos:
    """Return this browser session's videos."""
    return session_resource(SessionVideos)
