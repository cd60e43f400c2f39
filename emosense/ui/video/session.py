"""The videos of an owner, a browser with all of its pages: uploads and results on disk, and jobs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from emosense.asgi.budget import Holding
from emosense.errors import ServerBusy
from emosense.filesystem.disk import check_free_space
from emosense.jobs.encoding_jobs import EncodingJob
from emosense.jobs.encodings import Encodings
from emosense.jobs.job import JobState
from emosense.jobs.video_jobs import VideoJob
from emosense.results import FrameResult, VideoInfo, VideoResult
from emosense.samples import SAMPLE_CLIP_NAME
from emosense.services import services
from emosense.ui import streamlit_internals
from emosense.ui.player.clips import Clip, clips
from emosense.ui.session.cleanup import OwnerResource
from emosense.ui.session.downloads import memory
from emosense.ui.session.jobs import SessionJobs
from emosense.ui.session.owner import owner_account, owner_resource
from emosense.video.edits import Edits
from emosense.video.options import VideoOptions
from emosense.worker.lanes import PoolClient
from emosense.worker.messages import InspectVideo, WriteSampleClip
from emosense.worker.usage import Account

_CHUNK_BYTES = 2**20
_PICTURE_SIDE = 960
_PREVIEW_SIDE = 1280
_SAMPLE_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Upload:
    """An uploaded video on disk.

    Attributes:
        name: name of the uploaded file.
        path: path of the file, in a folder that holds only this video and its results.
        info: properties from the container.
        preview: the first frame as JPEG.
        media_type: media type under which browsers play the file; None if they need a preview.

    >>> info = VideoInfo(640, 360, 8.0, 200, 25.0, "h264", 0, False)
    >>> Upload("a.mp4", Path("video"), info, b"...").name
    'a.mp4'
    """

    name: str
    path: Path
    info: VideoInfo
    preview: bytes
    media_type: str | None = None


class OwnerVideos(SessionJobs[VideoJob], OwnerResource):
    """The videos that one owner uploaded and the jobs that he started, on whichever of his pages.

    All files are removed from disk when his last page has gone.

    Attributes:
        uploads: opened videos by browser session and upload key.
        addresses: addresses of the clips that players fetch, by job.
        previews: previews for browsers that do not play the file itself, by its path.
        annotated: videos with boxes, by the job whose result they show.

    >>> issubclass(OwnerVideos, SessionJobs)
    True
    """

    def __init__(self) -> None:
        super().__init__(services().videos)
        self._spool, self._budget = services().spool, services().spool_budget
        self.uploads: dict[tuple[str, str], Upload] = {}
        self._space: dict[Path, list[Holding]] = {}
        self._encodings = Encodings(self._queue, self._budget)
        self._files = 0
        self.previews: dict[Path, EncodingJob] = {}
        self.annotated: dict[VideoJob, EncodingJob] = {}
        self._annotated_edits: dict[VideoJob, Edits] = {}
        self.addresses: dict[VideoJob, str] = {}

    def account(self) -> Account:
        """Return whose videos these are."""
        return owner_account()

    @property
    def running(self) -> int:
        """Number of analyses that wait or run."""
        return sum(not job.is_finished for job in list(self.jobs.values()))

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
        place = (streamlit_internals.session_id(), key)
        if place not in self.uploads:
            folder = self._spool.new_folder()
            space, kept = self._budget.hold(client.account), memory.hold(client.account)
            self._space[folder] = [space, kept]
            try:
                path = folder / "video"
                write(path, space)
                request = InspectVideo(path=str(path), name=name, preview_side=_PICTURE_SIDE)
                response = client.request(request)
                kept.resize(len(response.preview))
            except BaseException:
                self._remove_folder(folder)
                raise
            self.uploads[place] = Upload(
                name, path, response.info, response.preview, response.media_type
            )
        return self.uploads[place]

    def _remove_folder(self, folder: Path) -> None:
        self._spool.remove(folder)
        for holding in self._space.pop(folder, ()):
            holding.release()

    def discard_unused(self, current: Collection[str] = ()) -> None:
        """Remove this page's uploads without a job from disk, except the current ones."""
        self._discard_unused(streamlit_internals.session_id(), current)

    def page_ended(self, session: str) -> None:
        """Remove the uploads without a job of a page that has ended."""
        self._discard_unused(session, ())

    def forget_uploads(self, session: str, files: Collection[str]) -> None:
        """Remove those uploads from disk that have no job: their page shows another one, or no more."""
        with self._lock:
            own = {key for place, key in self.uploads if place == session}
            self._discard_unused(session, own.difference(files))

    def _discard_unused(self, session: str, current: Collection[str]) -> None:
        with self._lock:
            job_paths = {job.path for job in self.jobs.values()}
            for place, upload in list(self.uploads.items()):
                is_used = place[1] in current or upload.path in job_paths
                if place[0] == session and not is_used:
                    del self.uploads[place]
                    self._remove_folder(upload.path.parent)

    def is_running(self, upload: Upload, model: str, options: VideoOptions) -> bool:
        """Return whether such an analysis of an upload waits or runs."""
        return any(
            not job.is_finished and not job.cancelled.is_set()
            for job in self._jobs_of(upload, model, options)
        )

    def is_analysed(self, upload: Upload, model: str, options: VideoOptions) -> bool:
        """Return whether there is the whole result of such an analysis of an upload."""
        return any(
            job.state is JobState.DONE and not job.cancelled.is_set()
            for job in self._jobs_of(upload, model, options)
        )

    def _jobs_of(self, upload: Upload, model: str, options: VideoOptions) -> list[VideoJob]:
        return [
            job
            for job in list(self.jobs.values())
            if (job.path, job.model, job.options) == (upload.path, model, options)
        ]

    def start(self, upload: Upload, model: str, options: VideoOptions) -> None:
        """Queue an analysis, and a preview for the browser where it does not play the file.

        Raises:
            ServerBusy: there are too many jobs, or, as NoRoom, there is no room for its results.
        """
        job = VideoJob(
            name=upload.name, path=upload.path, info=upload.info, model=model, options=options
        )
        self.submit(job)
        path, media_type = upload.path, upload.media_type
        if media_type is None:
            path, media_type = _preview_path(job), "video/mp4"
            with suppress(ServerBusy):  # the page offers to make it later
                self.make_preview(job)
        self.addresses[job] = clips.add(_clip(job, path, media_type))

    def player_address(self, job: VideoJob) -> str | None:
        """Return the address of the clip that browsers play; None while there is no preview of it."""
        preview, upload = self.previews.get(job.path), self._upload_of(job)
        is_playable = upload is not None and upload.media_type is not None
        is_ready = is_playable or (preview is not None and preview.is_ready)
        return self.addresses.get(job) if is_ready else None

    def make_preview(self, job: VideoJob) -> None:
        """Queue a preview of a job's video, unless it is being made: several jobs share it.

        Raises:
            ServerBusy: there are too many jobs; or, as NoRoom, there is no room for it.
        """
        earlier = self.previews.get(job.path)
        if earlier is not None:
            if not earlier.is_finished or earlier.is_ready:
                return
            self._encodings.remove(earlier)
        preview = EncodingJob(
            name=job.name,
            path=job.path,
            info=job.info,
            target=_preview_path(job),
            long_side=_PREVIEW_SIDE,
        )
        self._encodings.start(preview, self.account())
        self.previews[job.path] = preview

    def make_annotated(self, job: VideoJob, result: VideoResult) -> None:
        """Queue the video with the boxes of a result, in the place of an earlier one of the job.

        Raises:
            ServerBusy: there are too many jobs; or, as NoRoom, there is no room for it.
        """
        self.discard_annotated(job)
        self._files += 1
        annotated = EncodingJob(
            name=job.name,
            path=job.path,
            info=job.info,
            target=job.path.parent / f"annotated-{self._files}.mp4",
            result=result,
            options=job.options,
        )
        self._encodings.start(annotated, self.account())
        self.annotated[job], self._annotated_edits[job] = annotated, job.edits

    def is_outdated(self, job: VideoJob) -> bool:
        """Return whether a job's result was edited after its video with boxes was begun."""
        return self._annotated_edits.get(job, job.edits) != job.edits

    def discard_annotated(self, job: VideoJob) -> None:
        """Remove a job's video with boxes, or end its making."""
        annotated = self.annotated.pop(job, None)
        self._annotated_edits.pop(job, None)
        if annotated is not None:
            self._encodings.remove(annotated)

    def cancel_encoding(self, job: EncodingJob) -> None:
        """Cancel the making of a preview or of a video with boxes."""
        self._encodings.cancel(job)

    def _upload_of(self, job: VideoJob) -> Upload | None:
        uploads = list(self.uploads.values())
        return next((upload for upload in uploads if upload.path == job.path), None)

    def remove(self, number: int) -> VideoJob:
        """Cancel a job and remove its results and files."""
        job = super().remove(number)
        clips.remove(self.addresses.pop(job, ""))
        self.discard_annotated(job)
        if all(job.path != other.path for other in self.jobs.values()):
            self.uploads = {
                key: upload for key, upload in self.uploads.items() if upload.path != job.path
            }
            preview = self.previews.pop(job.path, None)
            if preview is not None:
                self._encodings.remove(preview)
            self._remove_folder(job.path.parent)
        return job

    def close(self) -> None:
        """Cancel all jobs and remove all files."""
        super().close()
        for address in self.addresses.values():
            clips.remove(address)
        self._encodings.close()
        for folder in list(self._space):
            self._remove_folder(folder)


def _preview_path(job: VideoJob) -> Path:
    return job.path.parent / "preview.mp4"


def _clip(job: VideoJob, path: Path, media_type: str) -> Clip:
    return Clip(
        path,
        media_type,
        frames=partial(_frames_of, job),
        is_done=lambda: job.is_finished,
        key_moments=lambda: job.key_moments,
        result=lambda: job.result,
        edits=lambda: job.edits,
        edit=partial(setattr, job, "edits"),
        account=job.account,
        owner=job.account.session,
    )


def _frames_of(job: VideoJob) -> Sequence[FrameResult]:
    return job.frames if job.result is None else job.result.frames


def owner_videos() -> OwnerVideos:
    """Return the videos of this page's owner."""
    return owner_resource(OwnerVideos)
