"""Analyses parts of a batch in an inference process, and restarts it after a crash."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from emosense.batch.discovery import SourceFile
from emosense.batch.messages import AnalyzeFiles
from emosense.batch.options import BatchOptions
from emosense.errors import WorkerError
from emosense.export.parquet import Row, failure_row
from emosense.worker.client import InferenceWorker


class PartRunner:
    """Turns files into rows, in an inference process that it owns.

    A file that brings the process down costs itself a row with an error; the other files of its
    part are analysed again, each alone, by the process that takes its place.

    Args:
        options: the batch's options.
        cores: processor cores that the process may use; all if None.

    >>> runner = PartRunner(BatchOptions("cnn8"))
    >>> runner.rows([])
    []
    >>> runner.close()
    """

    def __init__(self, options: BatchOptions, cores: Sequence[int] | None = None) -> None:
        self._options = options
        self._worker = InferenceWorker(cores=cores)

    def rows(
        self, files: Sequence[SourceFile], is_stopped: Callable[[], bool] = lambda: False
    ) -> list[Row]:
        """Return the rows of all files, in their order.

        Args:
            files: the files of a part.
            is_stopped: called a few times a second; once True, the work ends soon and rows are
                missing.

        Raises:
            ModelError: the batch's model cannot be used.
        """
        try:
            return self._analyze(files, is_stopped)
        except WorkerError:
            # Each alone: for a single file this is a second try, should the fault not be its.
            return [
                row
                for file in files
                if not is_stopped()
                for row in self._analyze_alone(file, is_stopped)
            ]

    def kill(self) -> None:
        """End the process in the middle of its work; from any thread."""
        self._worker.kill()

    def close(self) -> None:
        """End the process."""
        self._worker.close()

    def _analyze_alone(self, file: SourceFile, is_stopped: Callable[[], bool]) -> list[Row]:
        try:
            return self._analyze([file], is_stopped)
        except WorkerError as error:
            return [failure_row(file.name, str(error))]

    def _analyze(self, files: Sequence[SourceFile], is_stopped: Callable[[], bool]) -> list[Row]:
        rows: list[Row] = []
        request = AnalyzeFiles(files=list(files), options=self._options)
        self._worker.stream(request, rows.extend, is_stopped)
        return rows
