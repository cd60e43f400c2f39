"""Recursive glob that follows symbolic links and reads each linked folder once."""

from __future__ import annotations

import os
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from emosense.filesystem.skipped import ALREADY_READ, DEAD_LINK, UNREADABLE, Reason, Skipped

NAMED_FOLDER: Final[Reason] = ("folder that the pattern names", "folders that the pattern names")

_ANY_DEPTH: Final = "**"


def match(root: str, pattern: str) -> tuple[list[str], Skipped]:
    """Return the files below a folder that match a glob pattern.

    ``*``, ``?`` and ``[...]`` stand for characters of a name, ``**`` for any number of folders;
    names that begin with a dot are matched only by patterns that do. As in
    :func:`emosense.filesystem.walk.walk`, linked folders are followed, each once, real ones first:
    :func:`glob.glob` follows a loop of links along every path that the system allows, which can take
    exponential time.

    Args:
        root: root folder; its name is taken literally, with all its characters.
        pattern: glob pattern relative to the root, with ``/`` between names.

    Returns:
        (sorted paths relative to the root, with ``/`` between names; skipped entries).

    Raises:
        OSError: the root folder itself cannot be read.
    """
    segments = tuple(pattern.split("/"))
    if segments[-1] == _ANY_DEPTH:
        segments = (*segments, "*")
    files: dict[tuple[str, str], str] = {}
    skipped: set[tuple[Reason, str]] = set()
    read: dict[tuple[str, tuple[str, ...]], str] = {}
    real, linked = [("", segments)], list[tuple[str, tuple[str, ...]]]()
    while real or linked:
        folder, segments = real.pop() if real else linked.pop(0)
        path = Path(root, folder)
        real_path = os.path.realpath(path)
        if (real_path, segments) in read:
            if read[real_path, segments] != folder:
                skipped.add((ALREADY_READ, folder))
            continue
        read[real_path, segments] = folder
        try:
            with os.scandir(path) as iterator:
                entries = sorted(iterator, key=lambda entry: entry.name)
        except OSError:
            if not folder:
                raise
            skipped.add((UNREADABLE, folder))
            continue
        segment, *rest = segments
        recursive = segment == _ANY_DEPTH
        if recursive:  # ** also matches zero folders
            real.append((folder, tuple(rest)))
        for entry in entries:
            if not _matches(entry.name, "*" if recursive else segment):
                continue
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir():
                if recursive or rest:
                    remaining = segments if recursive else tuple(rest)
                    (linked if entry.is_symlink() else real).append((name, remaining))
                elif _ANY_DEPTH not in pattern:  # ** reads such a folder anyway
                    skipped.add((NAMED_FOLDER, ""))
            elif not recursive and not rest:
                if entry.is_file():
                    files.setdefault((real_path, entry.name), name)
                else:
                    skipped.add((DEAD_LINK, name))
    return sorted(files.values()), Skipped.of(Counter(skipped))


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))
