"""Glob patterns over the folders of this machine, with linked folders once each."""

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
    """Return the files below a folder that a pattern names.

    ``*``, ``?`` and ``[...]`` stand for signs of a name, ``**`` for any folders; names that begin
    with a dot are matched only by patterns that do. As in :func:`emosense.filesystem.walk.walk`, linked
    folders are followed, each once, real ones first: :func:`glob.glob` takes every way through a
    loop of links that the system allows, which are more than can be waited for.

    Args:
        root: root of the tree; taken literally, whatever characters are in its name.
        pattern: below the root, with ``/`` between names.

    Returns:
        (paths below the root with ``/`` between names, sorted; what was left out).

    Raises:
        OSError: the root itself cannot be read.
    """
    parts = tuple(pattern.split("/"))
    if parts[-1] == _ANY_DEPTH:
        parts = (*parts, "*")
    files: dict[tuple[str, str], str] = {}
    skipped: set[tuple[Reason, str]] = set()
    read: dict[tuple[str, tuple[str, ...]], str] = {}
    real, linked = [("", parts)], list[tuple[str, tuple[str, ...]]]()
    while real or linked:
        folder, parts = real.pop() if real else linked.pop(0)
        path = Path(root, folder)
        place = os.path.realpath(path)
        if (place, parts) in read:
            if read[place, parts] != folder:
                skipped.add((ALREADY_READ, folder))
            continue
        read[place, parts] = folder
        try:
            with os.scandir(path) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            if not folder:
                raise
            skipped.add((UNREADABLE, folder))
            continue
        first, *others = parts
        deeper = first == _ANY_DEPTH
        if deeper:  # no folder
            real.append((folder, tuple(others)))
        for entry in entries:
            if not _matches(entry.name, "*" if deeper else first):
                continue
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir():
                if deeper or others:
                    after = parts if deeper else tuple(others)
                    (linked if entry.is_symlink() else real).append((name, after))
                elif _ANY_DEPTH not in pattern:  # which goes into them anyway
                    skipped.add((NAMED_FOLDER, ""))
            elif not deeper and not others:
                if entry.is_file():
                    files.setdefault((place, entry.name), name)
                else:
                    skipped.add((DEAD_LINK, name))
    return sorted(files.values()), Skipped.of(Counter(skipped))


def _matches(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and (pattern.startswith(".") or not name.startswith("."))
