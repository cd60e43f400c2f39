"""Holds an inference process at an exact point of its work: the tests' side of support.gated_worker.

A gate is a named pipe in a folder that the processes know from their environment. While it lies
there, every process that comes to it waits until the test lets it through.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from support.waiting import wait_until

FOLDER = "EMOSENSE_TEST_GATES"
WORKER = "support.gated_worker"
"""Name of the module, for :class:`emosense.worker.client.InferenceWorker`."""


def gated_environment(folder: Path) -> dict[str, str]:
    """Return what the processes that are to wait at gates in ``folder`` need to know."""
    tests = str(Path(__file__).parents[1])
    path = os.pathsep.join(filter(None, [tests, os.environ.get("PYTHONPATH")]))
    return {FOLDER: str(folder), "PYTHONPATH": path}


def pass_gate(name: str) -> None:
    """Wait at the gate of that name, if it is closed; called by the processes."""
    with contextlib.suppress(FileNotFoundError), (Path(os.environ[FOLDER]) / name).open() as pipe:
        pipe.read()  # to its end: until the test has closed its side


class Gate:
    """A gate, closed from the start; in a ``with`` block it is open at the end at the latest.

    Args:
        folder: of the gates.
        name: see :mod:`support.gated_worker`.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / name
        self._held: int | None = None
        os.mkfifo(self._path)

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()

    def wait(self) -> None:
        """Wait until a process has come to the gate; it stays there."""
        wait_until(self._reached, f"no process came to the gate {self._path.name}", 200)

    def _reached(self) -> bool:
        if self._held is None:
            with contextlib.suppress(OSError):  # nobody reads
                self._held = os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        return self._held is not None

    def let_one_through(self) -> None:
        """Let the process that waits pass, and close the gate behind it."""
        self.wait()
        # A new pipe: at the old one it would be seen for a moment more.
        new = self._path.with_name(f"{self._path.name}.new")
        os.mkfifo(new)
        new.rename(self._path)
        self._release()

    def open(self) -> None:
        """Let all pass, from now on."""
        with contextlib.suppress(FileNotFoundError):
            # Reading and writing: waits for nobody, and wakes whoever waits to be seen.
            last = os.open(self._path, os.O_RDWR | os.O_NONBLOCK)
            self._path.unlink()
            os.close(last)
        self._release()

    def _release(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None
