"""Batch jobs: discovery, Parquet parts, resuming, progress."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from emosense.batch.discovery import SourceFile, absolute_url, discover
from emosense.batch.options import BatchOptions
from emosense.batch.store import MODEL_VERSIONS, FinishedFile, ResultStore
from emosense.export.schema import SCHEMA_VERSION
from emosense.filesystem.skipped import NOTHING_SKIPPED, Skipped
from emosense.networks.registry import find_model, model_versions

PHOTOS_PER_PART: Final = 16
"""Limit of photos that are analysed and written together; each video is a part of its own."""


@dataclass(frozen=True)
class Progress:
    """Progress of a batch job.

    Attributes:
        done: number of files with rows, including those of earlier runs.
        files: number of files of the source.
        faces: number of faces that this run has detected.
        failed: number of files whose analysis failed or ended early, including those of earlier
            runs.
        changed: number of files that this run analyses again, because they changed after an
            earlier run.
        vanished: number of files with rows of an earlier run that the source no longer has;
            their rows stay.
        skipped: counts of the source's other entries, by reason.

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
    """Counts of a part, which a pool reports once the part's rows are written.

    Attributes:
        files: number of the part's files.
        faces: number of faces in its rows.
        failed: number of its files with an error.

    >>> PartSummary(files=16, faces=20, failed=0).faces
    20
    """

    files: int
    faces: int
    failed: int


Pool = Callable[[list[list[SourceFile]], BatchOptions, ResultStore], Iterable[PartSummary]]
"""Analyses parts, writes the rows of each to the store, and yields its summary."""


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

    A job can be resumed after it has ended in any way: only files without rows, and those that
    changed since, are analysed.

    Args:
        source: folder, file, glob pattern or URL; see :func:`emosense.batch.discovery.discover`.
        destination: folder for the Parquet parts; a path or a URL of fsspec.
        options: everything that the rows depend on.
        pool: pool of inference processes, e.g. :class:`emosense.batch.pools.local.LocalPool`.
        on_progress: called with the progress, at the start and after each part.
        retry: whether files whose rows hold an error are analysed again.

    Returns:
        The progress after the last part.

    Raises:
        BatchError: the source has no photo or video, or the destination holds another job.
        ModelError: the model cannot be used.
    """
    find_model(options.model)  # fails once here instead of for every file
    store = ResultStore(destination)
    discovery = discover(source, store.is_own)
    store.begin(job_metadata(source, options))
    contents = store.survey()
    store.remove(contents.damaged)
    previous = {file.name: contents.finished.get(file.name) for file in discovery.files}
    changed = {file.name for file in discovery.files if _has_changed(file, previous[file.name])}
    failed = {name for name, finished in previous.items() if finished and finished.error}
    repeated = changed | (failed if retry else set())
    if repeated:
        store.drop_rows(repeated)
    unchanged = [
        finished for name, finished in previous.items() if finished and name not in repeated
    ]
    pending = [
        file for file in discovery.files if previous[file.name] is None or file.name in repeated
    ]
    progress = Progress(
        done=len(unchanged),
        files=len(discovery.files),
        faces=0,
        failed=sum(finished.error for finished in unchanged),
        changed=len(changed),
        vanished=len(contents.finished.keys() - previous.keys()),
        skipped=discovery.skipped,
    )
    if on_progress is not None:
        on_progress(progress)
    for summary in pool(list(split_into_parts(pending)), options, store):
        progress = replace(
            progress,
            done=progress.done + summary.files,
            faces=progress.faces + summary.faces,
            failed=progress.failed + summary.failed,
        )
        if on_progress is not None:
            on_progress(progress)
    return progress


def _has_changed(file: SourceFile, finished: FinishedFile | None) -> bool:
    if finished is None or not finished.version or not file.version:
        return False  # a version is unknown
    return finished.version != file.version


def split_into_parts(files: Iterable[SourceFile]) -> Iterator[list[SourceFile]]:
    """Yield parts, whose files are analysed and written together: one video, or up to 16 photos."""
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
    """Write the rows of a part's files, and return the part's counts.

    Raises:
        BatchError: the store's folder cannot be written.
    """
    from emosense.export.parquet import to_table

    store.write(files, to_table(rows))
    failed = {row["file"] for row in rows if row.get("error") is not None}
    return PartSummary(len(files), sum(row.get("emotion") is not None for row in rows), len(failed))


def job_metadata(source: str, options: BatchOptions) -> dict[str, Any]:
    """Return the metadata of a job, which its result store keeps.

    Raises:
        BatchError: fsspec cannot open the source.
    """
    return {
        "source": absolute_url(source),
        "schema_version": SCHEMA_VERSION,
        **asdict(options),
        **dict(zip(MODEL_VERSIONS, model_versions(options.model), strict=True)),
    }
