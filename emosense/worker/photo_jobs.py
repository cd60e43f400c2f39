"""Jobs over many photos of the app: a thread each, which shares the inference process fairly."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from emosense.errors import EmoSenseError, WorkerDied
from emosense.faces.options import DetectorOptions
from emosense.results import PhotoFailure, PhotoResult
from emosense.worker.client import InferenceWorker
from emosense.worker.state import JobState

_PREVIEW_SIDE = 960
_CROP_SIDE = 112


@dataclass(frozen=True)
class PhotoItem:
    """A photo that a job is to analyse.

    Attributes:
        name: as results call it.
        read: returns its encoded bytes, or raises an :class:`EmoSenseError`.
    """

    name: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class DonePhoto:
    """A photo with its result and the pictures that show it.

    Attributes:
        result: what was found, or why nothing could be.
        preview: annotated photo as JPEG; empty for a failure.
        crops: one JPEG per face, at most 112 pixels wide and high.
    """

    result: PhotoResult | PhotoFailure
    preview: bytes = b""
    crops: tuple[bytes, ...] = ()


@dataclass
class PhotoJob:
    """One analysis of many photos.

    Attributes:
        name: as the page calls it.
        items: what is to be analysed; emptied once it has ended, so that uploads can go.
        model: registry name.
        options: how faces are looked for.
        total: photos in all.
        state: see there.
        done: in the order of the items.
        began: monotonic seconds when it began to run.
        took: seconds that it ran, once it has ended.
    """

    name: str
    items: Sequence[PhotoItem]
    model: str
    options: DetectorOptions
    total: int = 0
    state: JobState = JobState.WAITING
    done: list[DonePhoto] = field(default_factory=list)
    began: float = 0.0
    took: float = 0.0
    cancelled: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.total = len(self.items)

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in (JobState.DONE, JobState.FAILED)

    @property
    def seconds_left(self) -> float | None:
        """Estimate for the rest; None while nothing is known."""
        if not self.done:
            return None
        return (time.monotonic() - self.began) / len(self.done) * (self.total - len(self.done))


def start_photo_job(worker: InferenceWorker, job: PhotoJob) -> None:
    """Analyse a job's photos in a thread; each waits for its turn among all requests."""
    job.state, job.began = JobState.RUNNING, time.monotonic()
    threading.Thread(
        target=_run, args=(worker, job), daemon=True, name="emosense-photo-job"
    ).start()


def _run(worker: InferenceWorker, job: PhotoJob) -> None:
    try:
        for item in job.items:
            if job.cancelled.is_set():
                break
            job.done.append(_analysed(worker, job, item))
    finally:
        job.took = time.monotonic() - job.began
        job.items = ()
        job.state = JobState.DONE  # last: who sees it ended sees all of it


def _analysed(worker: InferenceWorker, job: PhotoJob, item: PhotoItem) -> DonePhoto:
    try:
        data = item.read()
        try:
            return _asked(worker, job, item.name, data)
        except WorkerDied:  # perhaps by another session's file
            return _asked(worker, job, item.name, data)
    except EmoSenseError as error:
        return DonePhoto(PhotoFailure(item.name, str(error)))
    except Exception as error:  # one photo's fault must not cost the others
        return DonePhoto(PhotoFailure(item.name, f"Unexpected fault: {error}"))


def _asked(worker: InferenceWorker, job: PhotoJob, name: str, data: bytes) -> DonePhoto:
    result, preview, crops = worker.photo(
        data, name, job.model, job.options, _PREVIEW_SIDE, _CROP_SIDE
    )
    return DonePhoto(result, preview, tuple(crops))
