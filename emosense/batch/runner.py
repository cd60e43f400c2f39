"""Works on parts of a job in a process of its own, and survives what that process does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from emosense.batch.files import File
from emosense.batch.rows import Row, failed
from emosense.errors import WorkerError
from emosense.faces.options import DetectorOptions
from emosense.video.options import VideoOptions
from emosense.worker.client import InferenceWorker


@dataclass(frozen=True)
class BatchOptions:
    """All that decides what a job's rows look like.

    Attributes:
        model: registry name.
        photos: how faces are looked for in photos.
        videos: how videos are analysed.
    """

    model: str
    photos: DetectorOptions = field(default_factory=DetectorOptions)
    videos: VideoOptions = field(default_factory=VideoOptions)


class PartRunner:
    """Turns files into rows, in an inference process that it owns.

    A file that brings the process down costs itself a row with an error; the other files of its
    part are analysed again, each alone, by the process that takes its place.

    Args:
        options: of the job.
        cores: processor cores that the process may use; all if None.
    """

    def __init__(self, options: BatchOptions, cores: Sequence[int] | None = None) -> None:
        self._options = options
        self._worker = InferenceWorker(cores=cores)

    def rows(self, files: Sequence[File], stopped: Callable[[], bool] = lambda: False) -> list[Row]:
        """Return the rows of all files, in their order.

        Args:
            files: of a part.
            stopped: asked a few times a second; once True, the work ends soon and rows are
                missing.

        Raises:
            ModelError: the job's model cannot be used.
        """
        try:
            return self._ask(files, stopped)
        except WorkerError:
            # Each alone: for a single file this is a second try, should the fault not be its.
            return [row for file in files if not stopped() for row in self._alone(file, stopped)]

    def kill(self) -> None:
        """End the process in the middle of its work; from any thread."""
        self._worker.kill()

    def close(self) -> None:
        """End the process."""
        self._worker.close()

    def _alone(self, file: File, stopped: Callable[[], bool]) -> list[Row]:
        try:
            return self._ask([file], stopped)
        except WorkerError as error:
            return [failed(file.name, str(error))]

    def _ask(self, files: Sequence[File], stopped: Callable[[], bool]) -> list[Row]:
        rows: list[Row] = []
        self._worker.stream(
            "files",
            rows.extend,
            stopped,
            files=list(files),
            options=self._options,
        )
        return rows
