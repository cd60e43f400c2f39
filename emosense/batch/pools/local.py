"""A pool of inference processes on this machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from queue import Empty, Queue
from typing import Final

from emosense.batch.discovery import SourceFile
from emosense.batch.job import PartSummary, write_part
from emosense.batch.options import BatchOptions
from emosense.batch.part_runner import PartRunner
from emosense.batch.store import ResultStore
from emosense.errors import BatchError

_POLL_SECONDS: Final = 0.2


class LocalPool:
    """Distributes the parts of a job among inference processes.

    Args:
        workers: number of processes, at least 1. Each takes about 0.3 GB of memory; the
            processor cores are distributed among them.

    Raises:
        BatchError: ``workers`` is below 1.

    >>> pool = LocalPool(workers=2)
    >>> list(pool([], BatchOptions("cnn8"), ResultStore("out")))
    []
    """

    def __init__(self, workers: int) -> None:
        if workers < 1:
            raise BatchError(f"workers: expected at least 1. Received: {workers}")
        self._workers = workers

    def __call__(
        self, parts: list[list[SourceFile]], options: BatchOptions, store: ResultStore
    ) -> Iterator[PartSummary]:
        """Analyse parts; see :data:`emosense.batch.job.Pool`."""
        pending: Queue[list[SourceFile]] = Queue()
        for part in parts:
            pending.put(part)
        done: Queue[PartSummary | BaseException | None] = Queue()
        stop = threading.Event()
        count = min(self._workers, len(parts))
        runners = [PartRunner(options, cores) for cores in split_cores(available_cores(), count)]
        threads = [
            threading.Thread(target=_work, args=(runner, store, pending, done, stop))
            for runner in runners
        ]
        for thread in threads:
            thread.start()
        running = len(threads)
        try:
            while running:
                item = done.get()
                if item is None:
                    running -= 1
                elif isinstance(item, BaseException):
                    raise item
                else:
                    yield item
        finally:
            stop.set()
            for runner, thread in zip(runners, threads, strict=True):
                while thread.is_alive():
                    if running:  # ended early: the rows of running requests are not needed
                        runner.kill()
                    thread.join(_POLL_SECONDS)


def available_cores() -> list[int]:
    """Return the numbers of the processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def split_cores(cores: Sequence[int], workers: int) -> list[list[int]]:
    """Distribute cores among workers; with more workers than cores, several use the same core."""
    if workers > len(cores):
        return [[cores[number % len(cores)]] for number in range(workers)]
    return [list(cores[number::workers]) for number in range(workers)]


def _work(
    runner: PartRunner,
    store: ResultStore,
    pending: Queue[list[SourceFile]],
    done: Queue[PartSummary | BaseException | None],
    stop: threading.Event,
) -> None:
    """Analyse pending parts until none is left; report summaries, an error, and None as the end."""
    try:
        while not stop.is_set():
            try:
                part = pending.get_nowait()
            except Empty:
                break
            rows = runner.rows(part, stop.is_set)
            if not stop.is_set():
                done.put(write_part(store, part, rows))
    except BaseException as error:  # raised again in the thread that iterates over the pool
        done.put(error)
    finally:
        runner.close()
        done.put(None)
