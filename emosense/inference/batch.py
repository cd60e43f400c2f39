"""Handlers of requests about the files of a batch."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from emosense.analyzer import Analyzer
from emosense.batch.discovery import SourceFile, is_local, open_system
from emosense.batch.messages import AnalyzeFiles
from emosense.batch.options import BatchOptions
from emosense.errors import EmoSenseError, MediaTooLarge
from emosense.export.parquet import Row, failure_row, photo_rows, video_rows
from emosense.filesystem.disk import check_free_space
from emosense.filesystem.temporary_folder import TemporaryFolder
from emosense.inference.analyzers import AnalyzerCache
from emosense.settings import video_limits
from emosense.worker.server import Handlers

_HEARTBEAT_SECONDS: Final = 1.0
_CHUNK: Final = 2**22


def register(handlers: Handlers, analyzers: AnalyzerCache) -> None:
    """Register the handlers of this module."""
    handlers.register_stream(AnalyzeFiles, lambda request: analyze_files(request, analyzers))


def analyze_files(
    request: AnalyzeFiles, analyzers: AnalyzerCache
) -> Generator[list[Row], bool, None]:
    """Analyse files; yields the rows of each file, and empty lists as heartbeats in between.

    A file that cannot be read or analysed gives one row with its error.
    """
    for rows in iter_rows(analyzers.get(request.options.model), request.files, request.options):
        if (yield rows):
            return


def iter_rows(
    analyzer: Analyzer, files: Sequence[SourceFile], options: BatchOptions
) -> Iterator[list[Row]]:
    """Yield the rows of each file; see :func:`analyze_files`."""
    photos = [file for file in files if not file.video]
    names = (file.name for file in photos)
    photo_rows_by_name = dict(zip(names, _photos(analyzer, photos, options), strict=True))
    for file in files:
        if file.video:
            yield from _video(analyzer, file, options)
        else:
            yield photo_rows_by_name[file.name]


def _photos(
    analyzer: Analyzer, files: Sequence[SourceFile], options: BatchOptions
) -> list[list[Row]]:
    rows: dict[str, list[Row]] = {}
    data: dict[str, bytes] = {}
    for file in files:
        try:
            data[file.name] = _read(file, analyzer.limits.max_bytes)
        except EmoSenseError as error:
            rows[file.name] = [failure_row(file.name, str(error))]
    results: list[object] = []
    if data:
        results = list(analyzer.photos(list(data.values()), options.photos, names=list(data)))
    for name, result in zip(data, results, strict=True):
        rows[name] = photo_rows(name, result)  # type: ignore[arg-type]
    return [rows[file.name] for file in files]


def _video(analyzer: Analyzer, file: SourceFile, options: BatchOptions) -> Iterator[list[Row]]:
    try:
        system, path = open_system(file.address)
        if is_local(system):
            yield from _video_rows(analyzer, file, Path(path), options)
            return
        # Should this process be killed, the next one removes the folder.
        with TemporaryFolder() as folder:
            fetched = folder / "video"
            for _ in _fetch(system, path, file, fetched):
                yield []
            yield from _video_rows(analyzer, file, fetched, options)
    except EmoSenseError as error:
        yield [failure_row(file.name, str(error))]


def _video_rows(
    analyzer: Analyzer, file: SourceFile, path: Path, options: BatchOptions
) -> Iterator[list[Row]]:
    with analyzer.video(path, options.videos) as analysis:
        last_heartbeat = time.monotonic()
        for _ in analysis:
            if time.monotonic() - last_heartbeat > _HEARTBEAT_SECONDS:
                last_heartbeat = time.monotonic()
                yield []
        yield video_rows(file.name, analysis.finish())


def _fetch(system: Any, path: str, file: SourceFile, target: Path) -> Iterator[None]:
    """Copy a file to ``target``; yields after every chunk, for a heartbeat."""
    max_bytes = video_limits().max_bytes
    try:
        size = int(system.size(path) or 0)
        _check_size(file, size, max_bytes)
        check_free_space(target.parent, file.name, size)
        with system.open(path, "rb") as source, target.open("wb") as target_file:
            while chunk := source.read(_CHUNK):
                target_file.write(chunk)
                written = target_file.tell()
                _check_size(file, written, max_bytes)
                check_free_space(target.parent, file.name, written, written)
                yield
    except EmoSenseError:
        raise
    except Exception as error:  # each kind of file system has errors of its own
        raise EmoSenseError(f"{file.name} cannot be fetched: {error}") from error


def _read(file: SourceFile, max_bytes: int) -> bytes:
    system, path = open_system(file.address)
    try:
        _check_size(file, int(system.size(path) or 0), max_bytes)
        return bytes(system.cat_file(path))
    except EmoSenseError:
        raise
    except Exception as error:  # each kind of file system has errors of its own
        raise EmoSenseError(f"{file.name} cannot be read: {error}") from error


def _check_size(file: SourceFile, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise MediaTooLarge(
            f"Expected a file of at most {max_bytes / 2**20:.0f} MB. "
            f"Received: {file.name} with {size / 2**20:.0f} MB."
        )
