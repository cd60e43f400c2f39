"""A whole job: what is to do, who does it, what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

from emosense.batch.files import File, find_files, whole_address
from emosense.batch.runner import BatchOptions
from emosense.batch.store import Store
from emosense.networks.registry import find_model

PHOTOS_A_PART: Final = 16
"""Photos that are analysed and written together; a video is a part of its own."""


@dataclass(frozen=True)
class Progress:
    """Where a job stands.

    Attributes:
        done: files with rows, also those of earlier runs.
        files: in all.
        faces: found in this run.
        failed: files that could not be analysed, or not to their end, also of earlier runs.
    """

    done: int
    files: int
    faces: int
    failed: int


@dataclass(frozen=True)
class PartDone:
    """What a pool reports of a part once its rows are written: counts."""

    files: int
    faces: int
    failed: int


Pool = Callable[[list[list[File]], BatchOptions, Store], Iterable[PartDone]]
"""Analyses parts, writes the rows of each to the store, and reports it."""


def run_job(
    source: str,
    destination: str,
    options: BatchOptions,
    pool: Pool,
    on_progress: Callable[[Progress], None] | None = None,
    *,
    retry: bool = False,
) -> Progress:
    """Analyse all files of a source that have no rows yet.

    Can be run again after any kind of end: files whose rows are written are not analysed again,
    all others are.

    Args:
        source: see :func:`emosense.batch.files.find_files`.
        destination: folder for the Parquet parts; a path or an address of fsspec.
        options: what the rows depend on.
        pool: who does the work, e.g. :class:`emosense.batch.local_pool.LocalPool`.
        on_progress: called at the start and after each part.
        retry: analyse files again whose rows hold an error.

    Raises:
        BatchError: nothing to analyse, or a folder that holds another job.
        ModelError: the model cannot be used.
    """
    find_model(options.model)  # told before the first file, not by each of them
    files = find_files(source)
    store = Store(destination)
    store.begin(job_of(source, options))
    finished = store.finished()
    if retry:
        store.drop({name for name, error in finished.items() if error})
        finished = {name: error for name, error in finished.items() if not error}
    waiting = [file for file in files if file.name not in finished]
    earlier = sum(finished.get(file.name, False) for file in files)
    progress = Progress(len(files) - len(waiting), len(files), 0, earlier)
    if on_progress is not None:
        on_progress(progress)
    for part in pool(list(parts_of(waiting)), options, store):
        progress = Progress(
            progress.done + part.files,
            progress.files,
            progress.faces + part.faces,
            progress.failed + part.failed,
        )
        if on_progress is not None:
            on_progress(progress)
    return progress


def parts_of(files: Iterable[File]) -> Iterator[list[File]]:
    """Yield the parts that are worked on and written together: one video, or up to 16 photos."""
    photos: list[File] = []
    for file in files:
        if file.video:
            yield [file]
            continue
        photos.append(file)
        if len(photos) == PHOTOS_A_PART:
            yield photos
            photos = []
    if photos:
        yield photos


def finish_part(store: Store, files: list[File], rows: list[dict[str, Any]]) -> PartDone:
    """Write a part's rows and count them."""
    from emosense.batch.rows import table

    store.write(files, table(rows))
    failed = {row["file"] for row in rows if row.get("error") is not None}
    return PartDone(len(files), sum(row.get("emotion") is not None for row in rows), len(failed))


def job_of(source: str, options: BatchOptions) -> dict[str, Any]:
    """Return what a job's folder remembers of it."""
    return {"source": whole_address(source), **asdict(options)}
