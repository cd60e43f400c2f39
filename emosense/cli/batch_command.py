"""``emosense batch``: analyse many photos and videos into Parquet."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from rich.progress import TextColumn

from emosense import settings
from emosense.cli.progress import progress_bar
from emosense.cli.terminal import print_error, print_line
from emosense.faces.options import STRICT_THRESHOLD, DetectorOptions
from emosense.formatting import pluralize

if TYPE_CHECKING:
    from emosense.batch.job import Pool, Progress


def add_parser(commands: Any) -> None:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "batch",
        help="analyse many photos and videos into Parquet",
        description="Run it again after any kind of end: files that have their rows are not "
        "analysed again unless they changed.",
    )
    parser.add_argument("source", help="folder, file, pattern or cloud address (s3://...)")
    parser.add_argument("dest", help="folder or cloud address for the Parquet parts")
    parser.add_argument("--model", help=f"default {settings.MODEL.default}")
    parser.add_argument(
        "--workers", type=int, help="processes, or Ray actors; default one a core, at most 8"
    )
    parser.add_argument(
        "--ray",
        nargs="?",
        const="",
        metavar="ADDRESS",
        help="use Ray: on this machine, or the cluster at ADDRESS",
    )
    parser.add_argument(
        "--per-second",
        type=float,
        default=2.0,
        metavar="N",
        help="analysed frames a second of videos, 0 for every frame; default %(default)g",
    )
    parser.add_argument(
        "--strict", action="store_true", help="only what is surely a face; see photo"
    )
    parser.add_argument("--turned", action="store_true", help="turned faces too; see photo")
    parser.add_argument(
        "--retry", action="store_true", help="analyse files with an error once more"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; 1 if a file could not be analysed, now or in an earlier run."""
    from emosense.batch.job import run_job
    from emosense.batch.options import BatchOptions
    from emosense.video.options import VideoOptions

    threshold = STRICT_THRESHOLD if options.strict else DetectorOptions().threshold
    batch_options = BatchOptions(
        options.model or settings.MODEL.text(),
        DetectorOptions(threshold=threshold, turned=options.turned),
        VideoOptions(per_second=options.per_second or None, threshold=threshold),
    )
    pool = _pool(options)
    try:
        with _ProgressReport() as report:
            end = run_job(
                options.source,
                options.dest,
                batch_options,
                pool,
                report.update,
                retry=options.retry,
            )
    except KeyboardInterrupt:
        print_error("stopped. The same command goes on.")
        return 130
    for message in _messages(end):
        print_error(f"{options.source}: {message}")
    print_line(
        f"{options.dest}: {end.done:,} of {end.files:,} files, {end.failed:,} of them with an error; "
        f"{end.faces:,} faces in this run"
    )
    return 1 if end.failed else 0


def _messages(end: Progress) -> list[str]:
    """Return messages about files that were skipped, analysed again or have vanished."""
    messages = end.skipped.messages()
    if end.changed:
        messages.append(f"analysed again since they changed: {pluralize(end.changed, 'file')}")
    if end.vanished:
        messages.append(
            f"no longer there, with rows of an earlier run: {pluralize(end.vanished, 'file')}"
        )
    return messages


def _pool(options: argparse.Namespace) -> Pool:
    from emosense.batch.pools.local import LocalPool, available_cores

    workers = options.workers
    if workers is None:
        workers = min(8, len(available_cores()))
    if options.ray is None:
        return LocalPool(workers)
    from emosense.batch.pools.ray import RayPool

    return RayPool(workers, options.ray or None)


class _ProgressReport:
    """Shows files, faces, errors and files a second while a batch runs."""

    def __init__(self) -> None:
        self._bar = progress_bar(TextColumn("{task.fields[counts]}"))
        self._task = self._bar.add_task("batch", total=None, counts="")
        self._start = time.monotonic()
        self._done_before: int | None = None

    def __enter__(self) -> _ProgressReport:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, progress: Progress) -> None:
        if self._done_before is None:
            self._done_before = progress.done
        rate = (progress.done - self._done_before) / max(time.monotonic() - self._start, 1e-9)
        counts = (
            f"{progress.done:,} of {progress.files:,} files, {progress.faces:,} faces, "
            f"{progress.failed:,} errors, {rate:.1f} files/s"
        )
        self._bar.update(self._task, total=progress.files, completed=progress.done, counts=counts)
