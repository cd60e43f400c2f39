"""Requests of a batch to its inference processes; light to import."""

from __future__ import annotations

from typing import Any

from emosense.batch.discovery import SourceFile
from emosense.batch.options import BatchOptions
from emosense.worker.protocol import Message, StreamRequest


class AnalyzeFiles(Message, StreamRequest[list[dict[str, Any]], None]):
    """Analyse photos and videos; updates are rows of :func:`emosense.export.parquet.schema`.

    Attributes:
        files: photos and videos to analyse.
        options: everything that the rows depend on.

    >>> AnalyzeFiles(files=[], options=BatchOptions("cnn8")).options.model
    'cnn8'
    """

    files: list[SourceFile]
    options: BatchOptions
