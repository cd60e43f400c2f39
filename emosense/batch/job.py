"""A batch job: discovery, parts, resuming, progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from emosense.batch.discovery import SourceFile, absolute_url, discover
from emosense.batch.options import BatchOptions
from emosense.batch.store import FinishedFile, ResultStore
from emosense.filesystem.skipped import NOTHING_SKIPPED, Skipped
from emosense.networks.registry import find_model

PHOTOS_PER_PART: Final = 16
"""Photos that are analysed and written together; a video is a part of its own."""


@dataclass(frozen=True)
class Progress:
    """Progress of a batch job.

    Attributes:
        done: files with rows, also those of earlier runs.
        files: number of files in all.
        faces: found in this run.
        failed: files that could not be analysed, or not to their end, also of earlier runs.
        changed: files that are analysed again since they changed after an earlier run.
        vanished: files with rows of an earlier run that the source no longer has; they stay.
        skipped: what else the source has.

    >>> Progress(done=3, files=10, faces=4, failed=1).files
    10
    """

    done: int
    files: int
    faces: int
    failed: int
    changed: int = 0
    vanished: int = 0
    skipped: Skipped = NOTHING_SKIPPED


@dataclass(frozen=True)
class PartSummary:
    """Counts of a part, which a pool reports once its rows are written.

    >>> PartSummary(files=16, faces=20, failed=0).faces
    20
    """

    files: int
    faces: int
    failed: int


Pool = Callable[[list[list[SourceFile]], BatchOptions, ResultStore], Iterable[PartSummary]]
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

    Can be run again after any kind of end: files whose rows are written are not analysed again
    unless they changed, all others are.

    Args:
        source: folder, file, glob pattern or address; see :func:`emosense.batch.discovery.discover`.
        destination: folder for the Parquet parts; a path or an address of fsspec.
        options: what the rows depend on.
        pool: who does the work, e.g. :class:`emosense.batch.pools.local.LocalPool`.
        on_progress: called at the start and after each part.
        retry: analyse files again whose rows hold an error.

    Raises:
        BatchError: nothing to analyse, or a folder that holds another job.
        ModelError: the model cannot be used.
    """
    find_model(options.model)  # reported before the first file, not by each of them
    store = ResultStore(destination)
    discovery = discover(source, store.is_own)
    store.begin(job_metadata(source, options))
    survey = store.survey()
    store.remove(survey.damaged)
    before = {file.name: survey.finished.get(file.name) for file in discovery.files}
    changed = {file.name for file in discovery.files if _has_changed(file, before[file.name])}
    again = changed | {
        name
        for name, finished_file in before.items()
        if retry and finished_file and finished_file.error
    }
    if again:
        store.drop_rows(again)
    unchanged = [
        finished_file
        for name, finished_file in before.items()
        if finished_file and name not in again
    ]
    waiting = [file for file in discovery.files if before[file.name] is None or file.name in again]
    progress = Progress(
        done=len(unchanged),
        files=len(discovery.files),
        faces=0,
        failed=sum(finished_file.error for finished_file in unchanged),
        changed=len(changed),
        vanished=len(survey.finished.keys() - before.keys()),
        skipped=discovery.skipped,
    )
    if on_progress is not None:
        on_progress(progress)
    for part in pool(list(split_into_parts(waiting)), options, store):
        progress = replace(
            progress,
            done=progress.done + part.files,
            faces=progress.faces + part.faces,
            failed=progress.failed + part.failed,
        )
        if on_progress is not None:
            on_progress(progress)
    return progress


def _has_changed(file: SourceFile, before: FinishedFile | None) -> bool:
    if before is None or not before.version or not file.version:
        return False  # nothing is known
    return before.version != file.version


def split_into_parts(files: Iterable[SourceFile]) -> Iterator[list[SourceFile]]:
    """Yield the parts that are worked on and written together: one video, or up to 16 photos."""
    photos: list[SourceFile] = []
    for file in files:
        if file.video:
            yield [file]
            continue
        photos.append(file)
        if len(photos) == PHOTOS_PER_PART:
            yield photos
            photos = []
    if photos:
        yield photos


def write_part(
    store: ResultStore, files: list[SourceFile], rows: list[dict[str, Any]]
) -> PartSummary:
    """Write a part's rows and count them."""
    from emosense.export.parquet import to_table

    store.write(files, to_table(rows))
    failed = {row["file"] for row in rows if row.get("error") is not None}
    return PartSummary(len(files), sum(row.get("emotion") is not None for row in rows), len(failed))


def job_metadata(source: str, options: BatchOptions) -> dict[str, Any]:
    """Return the metadata of a job, which its folder keeps."""
    return {"source": absolute_url(source), **asdict(options)}
