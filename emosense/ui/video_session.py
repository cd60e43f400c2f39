"""The videos of a browser session: uploads on disk, jobs, and their end with the session."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import streamlit as st

from emosense.results import VideoInfo
from emosense.samples import SAMPLE_CLIP_NAME
from emosense.ui.leaving import SessionResource, of_session
from emosense.video.options import VideoOptions
from emosense.worker.client import InferenceWorker
from emosense.worker.spool import Spool
from emosense.worker.video_jobs import VideoJob, VideoJobs

_CHUNK = 2**20


@dataclass(frozen=True)
class Upload:
    """A video that lies on disk, opened once.

    Attributes:
        name: as the user knows it.
        path: the file, alone in its folder with what is made from it.
        info: what its container says.
        preview: its first frame as JPEG.
    """

    name: str
    path: Path
    info: VideoInfo
    preview: bytes


class SessionVideos(SessionResource):
    """What one browser session uploaded and started; removed from disk when it ends."""

    def __init__(self) -> None:
        self._jobs, self._spool = shared_jobs(), shared_spool()
        self.uploads: dict[str, Upload] = {}
        self.jobs: list[VideoJob] = []
        self._count = 0

    def add(self, key: str, name: str, content: BinaryIO, worker: InferenceWorker) -> Upload:
        """Write an upload to disk and open it.

        Raises:
            EmoSenseError: it is no video that can be read; nothing of it stays on disk.
        """

        def write(path: Path) -> None:
            content.seek(0)
            with path.open("wb") as file:
                while chunk := content.read(_CHUNK):
                    file.write(chunk)

        return self._opened(key, name, write, worker)

    def add_sample(self, key: str, worker: InferenceWorker) -> Upload:
        """Make the sample video and open it.

        Raises:
            EmoSenseError: it cannot be made.
        """
        return self._opened(
            key, SAMPLE_CLIP_NAME, lambda path: worker.ask("sample_clip", path=str(path)), worker
        )

    def _opened(
        self, key: str, name: str, write: Callable[[Path], object], worker: InferenceWorker
    ) -> Upload:
        if key not in self.uploads:
            folder = self._spool.new_folder()
            try:
                path = folder / "video"
                write(path)
                seen = worker.ask("inspect", path=str(path), name=name, preview_side=960)
            except BaseException:
                self._spool.remove(folder)
                raise
            self.uploads[key] = Upload(name, path, seen["info"], seen["preview"])
        return self.uploads[key]

    def keep(self, key: str | None) -> None:
        """Remove uploads without a job from disk, except the one that is shown."""
        used = {job.video for job in self.jobs}
        for other, upload in list(self.uploads.items()):
            if other != key and upload.path not in used:
                del self.uploads[other]
                self._spool.remove(upload.path.parent)

    def start(
        self, upload: Upload, model: str, options: VideoOptions, *, annotated: bool
    ) -> VideoJob:
        """Queue an analysis."""
        self._count += 1
        target = upload.path.parent / f"annotated-{self._count}.mp4" if annotated else None
        job = VideoJob(upload.name, upload.path, target, upload.info, model, options)
        self.jobs.append(job)
        self._jobs.submit(job)
        return job

    def cancel(self, job: VideoJob) -> None:
        """End a job soon, with what it has."""
        self._jobs.cancel(job)

    def ahead(self, job: VideoJob) -> int:
        """Return how many jobs of all sessions are before this one."""
        return self._jobs.ahead(job)

    def remove(self, job: VideoJob) -> None:
        """Forget a job and what it wrote."""
        self._jobs.cancel(job)
        self.jobs.remove(job)
        if job.annotated is not None:
            job.annotated.unlink(missing_ok=True)
        if all(job.video != other.video for other in self.jobs):
            self.uploads = {k: u for k, u in self.uploads.items() if u.path != job.video}
            self._spool.remove(job.video.parent)

    def close(self) -> None:
        """Cancel everything and remove it from disk."""
        for job in self.jobs:
            self._jobs.cancel(job)
        for folder in {u.path.parent for u in self.uploads.values()}:
            self._spool.remove(folder)
        for job in self.jobs:
            self._spool.remove(job.video.parent)


@st.cache_resource(show_spinner=False)
def shared_jobs() -> VideoJobs:
    """Return the app's queue of video jobs."""
    return VideoJobs()


@st.cache_resource(show_spinner=False)
def shared_spool() -> Spool:
    """Return the app's folder on disk; made anew, and cleaned, when the server starts."""
    spool = Spool()
    atexit.register(spool.close)
    return spool


def session_videos() -> SessionVideos:
    """Return this browser session's videos."""
    return of_session(SessionVideos)
