"""Recursive listing of a folder that follows symbolic links and reads each linked folder once."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from emosense.filesystem.skipped import (
    ALREADY_READ,
    DEAD_LINK,
    NO_FILE,
    UNREADABLE,
    Reason,
    Skipped,
)


def walk(root: str, depth: int | None = None) -> tuple[list[str], Skipped]:
    """Return the files of a folder and of its subfolders.

    Linked folders are followed, each folder once: real ones are read first, so that a link to
    one of them adds nothing, and a loop of links ends.

    Args:
        root: root folder.
        depth: number of folder levels to read, counting the root as 1; None reads all.

    Returns:
        (sorted paths relative to the root, with ``/`` between names; skipped entries).

    Raises:
        OSError: the root folder itself cannot be read.
    """
    files: list[str] = []
    skipped: Counter[tuple[Reason, str]] = Counter()
    read: set[str] = set()
    real, linked = [""], list[str]()
    while real or linked:
        folder = real.pop() if real else linked.pop(0)
        path = Path(root, folder)
        real_path = os.path.realpath(path)
        if real_path in read:
            skipped[ALREADY_READ, folder] += 1
            continue
        read.add(real_path)
        try:
            with os.scandir(path) as iterator:
                entries = sorted(iterator, key=lambda entry: entry.name)
        except OSError:
            if not folder:
                raise
            skipped[UNREADABLE, folder] += 1
            continue
        recursive = depth is None or folder.count("/") + bool(folder) + 1 < depth
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            try:
                is_folder, is_file = entry.is_dir(), entry.is_file()
            except OSError:  # a link to itself, or into a folder without permission
                is_folder = is_file = False
            if is_folder:
                if recursive:
                    (linked if entry.is_symlink() else real).append(name)
            elif is_file:
                files.append(name)
            else:
                skipped[DEAD_LINK if entry.is_symlink() else NO_FILE, name] += 1
    return sorted(files), Skipped.of(skipped)
