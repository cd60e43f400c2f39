"""Jobs over many photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from emosense.emotions import INPUT_SIZE
from emosense.errors import Cancelled, EmoSenseError, NoRoom, WorkerDied
from emosense.faces.options import DetectorOptions
from emosense.jobs.job import Job
from emosense.jobs.kept import photo_bytes
from emosense.results import PhotoFailure, PhotoResult
from emosense.worker.lanes import PoolClient
from emosense.worker.messages import AnalyzePhoto

_PREVIEW_SIDE = 960
_CROP_SIDE = 112


@dataclass(frozen=True)
class PhotoItem:
    """A photo that a job is to analyse.

    Attributes:
        name: name of the photo in results.
        read: function that returns the encoded photo, or raises an :class:`EmoSenseError`.

    >>> PhotoItem("a.jpg", lambda: b"...").name
    'a.jpg'
    """

    name: str
    read: Callable[[], bytes]


def _no_faces() -> npt.NDArray[np.uint8]:
    return np.zeros((0, INPUT_SIZE, INPUT_SIZE), np.uint8)


@dataclass(frozen=True)
class AnalyzedPhoto:
    """A photo with its result and the pictures that show the result.

    Attributes:
        result: result of the photo, or its failure.
        preview: annotated photo as a JPEG file; empty for a failure.
        crops: one JPEG file per face, for display.
        inputs: (n, 48, 48) uint8 grey, the faces as the network saw them.

    >>> AnalyzedPhoto(PhotoFailure("a.jpg", "damaged")).crops
    ()
    """

    result: PhotoResult | PhotoFailure
    preview: bytes = b""
    crops: tuple[bytes, ...] = ()
    inputs: npt.NDArray[np.uint8] = field(default_factory=_no_faces, repr=False, compare=False)

    @property
    def size(self) -> int:
        """About how much memory it takes, in bytes."""
        return photo_bytes(self.result, self.preview, self.crops) + self.inputs.nbytes


@dataclass(kw_only=True, eq=False)
class PhotoJob(Job):
    """A job that analyses many photos.

    Attributes:
        items: photos to analyse; emptied once the job has finished, to free the uploads.
        model: registry name of the network.
        options: detector options.
        total: number of photos.
        done: analysed photos, in the order of the items.
        problem: message why the job ended early, if not because it was cancelled; else None.

    >>> PhotoJob(name="album", items=[PhotoItem("a.jpg", bytes)], model="cnn8").total
    1
    """

    items: Sequence[PhotoItem]
    model: str
    options: DetectorOptions = field(default_factory=DetectorOptions)
    total: int = 0
    done: list[AnalyzedPhoto] = field(default_factory=list)
    problem: str | None = None

    def __post_init__(self) -> None:
        self.total = len(self.items)

    @property
    def fraction(self) -> float | None:
        """Fraction of the photos that are done, in 0..1."""
        return len(self.done) / self.total if self.total else None

    def run(self, client: PoolClient) -> None:
        """Analyse the photos one after the other, while there is room, until it is cancelled."""
        try:
            for item in self.items:
                if self.cancelled.is_set():
                    break
                photo = self._analyze(client, item)
                try:
                    self.keep(photo.size)
                except NoRoom as error:
                    self.problem = str(error)
                    break
                self.done.append(photo)
        except Cancelled:  # while a photo waited for its turn
            pass
        finally:
            self.items = ()

    def _analyze(self, client: PoolClient, item: PhotoItem) -> AnalyzedPhoto:
        try:
            request = AnalyzePhoto(
                data=item.read(),
                name=item.name,
                model=self.model,
                options=self.options,
                preview_side=_PREVIEW_SIDE,
                crop_side=_CROP_SIDE,
            )
            return analyze_photo(client, request)
        except Cancelled:
            raise
        except EmoSenseError as error:
            return AnalyzedPhoto(PhotoFailure(item.name, str(error)))
        except Exception as error:  # an unexpected fault of a photo must not end the job
            return AnalyzedPhoto(PhotoFailure(item.name, f"Unexpected fault: {error}"))


def analyze_photo(client: PoolClient, request: AnalyzePhoto) -> AnalyzedPhoto:
    """Analyse a photo; retry once if the process died, perhaps of another session's file.

    Raises:
        EmoSenseError: the photo cannot be analysed.
    """
    try:
        answer = client.request(request)
    except WorkerDied:
        answer = client.request(request)
    return AnalyzedPhoto(answer.result, answer.preview, answer.crops, answer.inputs)
