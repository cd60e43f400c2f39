"""Where a job of the app stands."""

from __future__ import annotations

from enum import Enum


class JobState(Enum):
    """Where a job stands."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
