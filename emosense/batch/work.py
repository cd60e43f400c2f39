"""What the inference process does with a job's files; heavy to import."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from emosense.analyzer import Analyzer, video_limits
from emosense.batch.files import File, is_local, open_system
from emosense.batch.rows import Row, failed, photo_rows, video_rows
from emosense.batch.runner import BatchOptions
from emosense.errors import EmoSenseError, MediaTooLarge

_SIGN_OF_LIFE: Final = 1.0
_CHUNK: Final = 2**22


def rows_of(
    analyzer: Analyzer, files: Sequence[File], options: BatchOptions
) -> Iterator[list[Row]]:
    """Yield the rows of each file; from time to time an empty list as a sign of life.

    A file that cannot be read or analysed gives one row with its error.
    """
    photos = [file for file in files if not file.video]
    found = dict(
        zip((file.name for file in photos), _photos(analyzer, photos, options), strict=True)
    )
    for file in files:
        if file.video:
            yield from _video(analyzer, file, options)
        else:
            yield found[file.name]


def _photos(analyzer: Analyzer, files: Sequence[File], options: BatchOptions) -> list[list[Row]]:
    rows: dict[str, list[Row]] = {}
    data: dict[str, bytes] = {}
    for file in files:
        try:
            data[file.name] = _read(file, analyzer.limits.max_bytes)
        except EmoSenseError as error:
            rows[file.name] = [failed(file.name, str(error))]
    results: list[object] = []
    if data:
        results = list(analyzer.photos(list(data.values()), options.photos, names=list(data)))
    for name, result in zip(data, results, strict=True):
        rows[name] = photo_rows(name, result)  # type: ignore[arg-type]
    return [rows[file.name] for file in files]


def _video(analyzer: Analyzer, file: File, options: BatchOptions) -> Iterator[list[Row]]:
    try:
        system, path = open_system(file.address)
        if is_local(system):
            yield from _video_rows(analyzer, file, Path(path), options)
            return
        # With this process' number, so that it is found and removed should the process die.
        with tempfile.TemporaryDirectory(prefix=f"emosense-{os.getpid()}-") as folder:
            fetched = Path(folder) / ("video." + path.rsplit(".", 1)[-1])
            for _ in _fetch(system, path, file, fetched):
                yield []
            yield from _video_rows(analyzer, file, fetched, options)
    except EmoSenseError as error:
        yield [failed(file.name, str(error))]


def _video_rows(
    analyzer: Analyzer, file: File, path: Path, options: BatchOptions
) -> Iterator[list[Row]]:
    with analyzer.video(path, options.videos) as analysis:
        heard = time.monotonic()
        for _ in analysis:
            if time.monotonic() - heard > _SIGN_OF_LIFE:
                heard = time.monotonic()
                yield []
        yield video_rows(file.name, analysis.result)


def _fetch(system: Any, path: str, file: File, target: Path) -> Iterator[None]:
    """Copy a file to ``target``; yields after every chunk."""
    most = video_limits().max_bytes
    try:
        _check_size(file, int(system.size(path) or 0), most)
        with system.open(path, "rb") as source, target.open("wb") as copy:
            while chunk := source.read(_CHUNK):
                copy.write(chunk)
                _check_size(file, copy.tell(), most)
                yield
    except EmoSenseError:
        raise
    except Exception as error:  # each kind of file system has errors of its own
        raise EmoSenseError(f"{file.name} cannot be fetched: {error}") from error


def _read(file: File, most: int) -> bytes:
    system, path = open_system(file.address)
    try:
        _check_size(file, int(system.size(path) or 0), most)
        return bytes(system.cat_file(path))
    except EmoSenseError:
        raise
    except Exception as error:  # each kind of file system has errors of its own
        raise EmoSenseError(f"{file.name} cannot be read: {error}") from error


def _check_size(file: File, size: int, most: int) -> None:
    if size > most:
        raise MediaTooLarge(
            f"Expected a file of at most {most / 2**20:.0f} MB. "
            f"Received: {file.name} with {size / 2**20:.0f} MB."
        )
