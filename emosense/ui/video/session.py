"""The videos of a browser session: uploads and results on disk, and jobs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from emosense.filesystem.disk import check_free_space
from emosense.jobs.video_jobs import VideoJob
from emosense.results import VideoInfo
from emosense.samples import SAMPLE_CLIP_NAME
from emosense.services import services
from emosense.ui.session.cleanup import session_resource
from emosense.ui.session.jobs import SessionJobs
from emosense.video.options import VideoOptions
from emosense.worker.lanes import PoolClient
from emosense.worker.messages import InspectVideo, WriteSampleClip

_CHUNK_BYTES = 2**20
_PREVIEW_SIDE = 960


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

    >>> issubclass(SessionVideos, SessionJobs)
    True
    """

    def __init__(self) -> None:
        super().__init__(services().videos)
        self._spool = services().spool
        self.uploads: dict[str, Upload] = {}

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
            EmoSenseError: the file is not a readable video; it is removed from disk.
        """

        def write(path: Path) -> None:
            size = content.seek(0, os.SEEK_END)
            check_free_space(path.parent, name, size)
            content.seek(0)
            with path.open("wb") as file:
                shutil.copyfileobj(content, file, _CHUNK_BYTES)

        return self._open(key, name, write, client)

    def add_sample(self, key: str, client: PoolClient) -> Upload:
        """Write the sample video to disk and open it.

        Raises:
            EmoSenseError: the file cannot be written.
        """

        def write(path: Path) -> None:
            client.request(WriteSampleClip(path=str(path)))

        return self._open(key, SAMPLE_CLIP_NAME, write, client)

    def _open(
        self, key: str, name: str, write: Callable[[Path], None], client: PoolClient
    ) -> Upload:
        if key not in self.uploads:
            folder = self._spool.new_folder()
            try:
                path = folder / "video"
                write(path)
                request = InspectVideo(path=str(path), name=name, preview_side=_PREVIEW_SIDE)
                response = client.request(request)
            except BaseException:
                self._spool.remove(folder)
                raise
            self.uploads[key] = Upload(name, path, response.info, response.preview)
        return self.uploads[key]

    def discard_unused(self, current: str | None) -> None:
        """Remove uploads without a job from disk, except the current one."""
        job_paths = {job.path for job in self.jobs.values()}
        for key, upload in list(self.uploads.items()):
            if key != current and upload.path not in job_paths:
                del self.uploads[key]
                self._spool.remove(upload.path.parent)

    def start(self, upload: Upload, model: str, options: VideoOptions, *, annotated: bool) -> None:
        """Queue an analysis; ``annotated`` also writes a video with boxes."""
        annotated_path = upload.path.parent / f"annotated-{self._count + 1}.mp4"
        self.submit(
            VideoJob(
                name=upload.name,
                path=upload.path,
                info=upload.info,
                model=model,
                annotated=annotated_path if annotated else None,
                options=options,
            )
        )

    def remove(self, number: int) -> VideoJob:
        """Cancel a job and remove its results and files."""
        job = super().remove(number)
        if job.annotated is not None:
            job.annotated.unlink(missing_ok=True)
        if all(job.path != other.path for other in self.jobs.values()):
            self.uploads = {
                key: upload for key, upload in self.uploads.items() if upload.path != job.path
            }
            self._spool.remove(job.path.parent)
        return job

    def close(self) -> None:
        """Cancel all jobs and remove all files."""
        super().close()
        folders = {upload.path.parent for upload in self.uploads.values()}
        for folder in folders | {job.path.parent for job in self.jobs.values()}:
            self._spool.remove(folder)


def session_videos() -> SessionVideos:
    """Return this browser session's videos."""
    return session_resource(SessionVideos)
