"""Atomic writes: no reader ever sees a half-written file."""

from __future__ import annotations

import os
from pathlib import Path


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file atomically: readers see the old content or the new one, never a mixture.

    Args:
        path: path of the file, in an existing folder.
        content: new content of the whole file.

    Raises:
        OSError: the file cannot be written; its old content stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
