"""What a running server takes: memory, open files, processes, and files on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psutil

from support.gates import WORKER


@dataclass(frozen=True)
class Footprint:
    """Of a process with all its children.

    Attributes:
        megabytes: memory that is theirs alone (USS).
        files: open files and sockets.
        processes: how many.
        threads: in all of them.
        spooled: files of uploads on disk.
    """

    megabytes: float
    files: int
    processes: int
    threads: int
    spooled: int


def footprint(pid: int, spool: Path) -> Footprint:
    """Measure the process ``pid``, whose temporary files lie in ``spool``."""
    tree = family(pid)
    return Footprint(
        sum(process.memory_full_info().uss for process in tree) / 2**20,
        sum(process.num_fds() for process in tree),
        len(tree),
        sum(process.num_threads() for process in tree),
        sum(path.is_file() for path in spool.glob("emosense-*/*/**/*")),
    )


def family(pid: int) -> list[psutil.Process]:
    """Return the process and all that it started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def inference_processes(pid: int) -> list[psutil.Process]:
    """Return the inference processes of the server ``pid``."""
    return [p for p in family(pid) if {"emosense.worker", WORKER} & set(p.cmdline())]
