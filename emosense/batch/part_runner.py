"""Analyses parts of a batch in an inference process, and restarts it after a crash."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from emosense.batch.discovery import SourceFile
from emosense.batch.messages import AnalyzeFiles
from emosense.batch.options import BatchOptions
from emosense.errors import WorkerError
from emosense.export.parquet import Row, failure_row
from emosense.filesystem.temporary_folder import remove_stale
from emosense.worker.client import InferenceWorker


class PartRunner:
    """Analyses the files of a part in an inference process of its own.

    A file that crashes the process gets one row with the error; the other files of the part are
    analysed again, each alone, in a new process.

    Args:
        options: options of the batch.
        cores: numbers of the processor cores that the process may use; None allows all.

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
        """Return the rows of all files, in the order of the files.

        Args:
            files: files of one part.
            is_stopped: called a few times a second; once it returns True, the analysis ends soon
                and rows are missing.

        Raises:
            ModelError: the batch's model cannot be used.
        """
        try:
            return self._analyze(files, is_stopped)
        except WorkerError:
            # Each file alone. A part of one file is retried too: it need not be the cause.
            return [
                row
                for file in files
                if not is_stopped()
                for row in self._analyze_alone(file, is_stopped)
            ]

    def kill(self) -> None:
        """Kill the process, also in the middle of a request; safe to call from any thread."""
        self._worker.kill()

    def close(self) -> None:
        """End the process, and remove the videos that it was fetching if it was killed."""
        self._worker.close()
        remove_stale(Path(tempfile.gettempdir()))

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
