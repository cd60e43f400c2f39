"""What a running server takes: memory, open files, processes, and files on disk."""

from __future__ import annotations

import threading
from contextlib import suppress
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
    tree = []
    for process in family(pid):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            memory = process.memory_full_info().uss / 2**20
            tree.append((memory, process.num_fds(), process.num_threads()))
    return Footprint(
        sum(memory for memory, _, _ in tree),
        sum(files for _, files, _ in tree),
        len(tree),
        sum(threads for _, _, threads in tree),
        sum(path.is_file() for path in spool.glob("emosense-*/*/**/*")),
    )


def family(pid: int) -> list[psutil.Process]:
    """Return the process and all that it started."""
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def inference_processes(pid: int) -> list[psutil.Process]:
    """Return the inference processes of the server ``pid``."""
    found = []
    for process in family(pid):
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            if {"emosense.worker", WORKER} & set(process.cmdline()):
                found.append(process)
    return found


class MemoryWatch:
    """Samples the memory of a process and all its children once a second. Use in a ``with`` block.

    Attributes:
        peak: highest sum of their proportional memory (PSS), in MB (10^6 bytes).
        peaks: highest memory of single processes (RSS), in MB, by what they are.
        most_processes: how many there were at most.
        samples: all sums.
    """

    def __init__(self, pid: int, pause: float = 1.0) -> None:
        self._pid, self._pause = pid, pause
        self._stopped = threading.Event()
        self._roles: dict[int, str] = {}
        self.error: Exception | None = None
        self.peak = 0.0
        self.peaks: dict[str, float] = {}
        self.most_processes = 0
        self.samples: list[float] = []
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> MemoryWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        if self.error is not None:
            raise self.error

    def _watch(self) -> None:
        try:
            while not self._stopped.wait(self._pause):
                self._look()
        except Exception as error:  # told in the end: otherwise too little would be measured unseen
            self.error = error

    def _look(self) -> None:
        total, number = 0.0, 0
        try:
            processes = family(self._pid)
        except psutil.NoSuchProcess:
            return
        for process in processes:
            try:
                memory = process.memory_full_info()
                role = self._role(process)
            except psutil.Error:
                continue  # it has ended meanwhile
            number += 1
            total += memory.pss / 1e6
            self.peaks[role] = max(self.peaks.get(role, 0.0), memory.rss / 1e6)
        self.most_processes = max(self.most_processes, number)
        self.samples.append(total)
        self.peak = max(self.peak, total)

    def _role(self, process: psutil.Process) -> str:
        if process.pid == self._pid:
            return "server"
        if process.pid not in self._roles:
            # A process that has ended, or has only just been forked, has no such command line.
            modules = [word for word in process.cmdline() if word.startswith("emosense.")]
            if not modules:
                return "others"
            self._roles[process.pid] = f"process {len(self._roles) + 1} ({modules[0]})"
        return self._roles[process.pid]
