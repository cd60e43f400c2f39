"""A pool of Ray actors, on this machine or on a cluster."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from emosense.batch.discovery import SourceFile
from emosense.batch.job import PartSummary, write_part
from emosense.batch.options import BatchOptions
from emosense.batch.part_runner import PartRunner
from emosense.batch.store import ResultStore
from emosense.errors import BatchError


class RayPool:
    """Analyses parts with Ray Data, in stateful actors.

    Each actor keeps an inference process with detector and network loaded, takes one GPU if the
    cluster has any, and writes its parts itself, so source and destination must be reachable
    from every machine. Ray replaces an actor that dies and repeats its part.

    Args:
        actors: number of actors, at least 1.
        address: address of a cluster, e.g. ``ray://head:10001`` or ``auto``; None starts a local
            Ray on this machine.

    Raises:
        BatchError: ``actors`` is below 1, Ray is not installed, or the cluster cannot be reached.

    >>> RayPool(actors=0)
    Traceback (most recent call last):
    emosense.errors.BatchError: workers: expected at least 1. Received: 0
    """

    def __init__(self, actors: int, address: str | None = None) -> None:
        if actors < 1:
            raise BatchError(f"workers: expected at least 1. Received: {actors}")
        try:
            import ray
        except ImportError:
            raise BatchError(
                "Ray is not installed: pip install -e '.[ray]' in the project's folder"
            ) from None
        self._actors = actors
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is reported to Ray's makers
        try:
            ray.init(
                address=address or "local",
                logging_level="ERROR",
                ignore_reinit_error=True,
                log_to_driver=False,
                include_dashboard=False if address is None else None,
            )
        except Exception as error:  # Ray raises errors of many types
            raise BatchError(f"Ray at {address or 'this machine'}: {error}") from error

    def __call__(
        self, parts: list[list[SourceFile]], options: BatchOptions, store: ResultStore
    ) -> Iterator[PartSummary]:
        """Analyse parts; see :data:`emosense.batch.job.Pool`."""
        import ray

        if not parts:
            return
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        resources = ray.cluster_resources()
        gpus = int(resources.get("GPU", 0))
        actors = min(self._actors, len(parts), gpus or max(1, int(resources.get("CPU", 1))))
        # One row per part and one block per row: Ray retries whole blocks.
        dataset = ray.data.from_items(
            [{"part": json.dumps([asdict(file) for file in part])} for part in parts],
            override_num_blocks=len(parts),
        )
        summaries = dataset.map(
            _Actor,
            fn_constructor_kwargs={"options": options, "destination": store.destination},
            compute=ray.data.ActorPoolStrategy(size=actors),
            num_cpus=1,
            num_gpus=1 if gpus else None,
        )
        for row in summaries.iter_rows():
            yield PartSummary(int(row["files"]), int(row["faces"]), int(row["failed"]))


class _Actor:
    """A stateful Ray actor: constructed once, called for each part."""

    def __init__(self, options: BatchOptions, destination: str) -> None:
        self._runner = PartRunner(options)
        self._store = ResultStore(destination)

    def __call__(self, row: dict[str, Any]) -> dict[str, int]:
        files = [SourceFile(**file) for file in json.loads(row["part"])]
        summary = write_part(self._store, files, self._runner.rows(files))
        return {"files": summary.files, "faces": summary.faces, "failed": summary.failed}
