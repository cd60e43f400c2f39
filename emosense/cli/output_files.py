"""Checks of the files that a command will write, before it works for them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from emosense.errors import EmoSenseError


def check_output_files(outputs: Mapping[str, Path | None], inputs: Iterable[Path]) -> None:
    """Check that files can be written without overwriting another output or an input.

    Args:
        outputs: the files by the options that name them; None is not asked for.
        inputs: files that the command reads.

    Raises:
        EmoSenseError: a folder is missing, or is named where a file is expected, or two are the same.

    >>> check_output_files({"--csv": Path("a.mp4"), "--json": None}, [Path("a.mp4")])
    Traceback (most recent call last):
    emosense.errors.EmoSenseError: --csv: expected another file than a.mp4, which it would replace.
    """
    taken = {_identity(path): f"{path}, which it would replace" for path in inputs}
    for option, path in outputs.items():
        if path is None:
            continue
        try:
            is_special = _check_place(option, path)
        except OSError as error:  # such as a name that is too long
            raise EmoSenseError(f"{option}: {path} cannot be written: {error.strerror}.") from error
        if is_special:
            continue  # a pipe or a terminal takes several
        identity = _identity(path)
        if identity in taken:
            raise EmoSenseError(f"{option}: expected another file than {taken[identity]}.")
        taken[identity] = f"that of {option}"


def _check_place(option: str, path: Path) -> bool:
    """Check that a file can be where it is wanted; return whether it is there and no regular file."""
    if path.is_dir():
        raise EmoSenseError(f"{option}: expected a file. Received: the folder {path}")
    if not path.parent.is_dir():
        raise EmoSenseError(
            f"{option}: expected a file in a folder that is there. Received: {path}"
        )
    return path.exists() and not path.is_file()


def _identity(path: Path) -> object:
    """Return the same value for each name of a file."""
    try:
        status = path.stat()
    except OSError:
        return os.path.normcase(path.resolve())
    return status.st_dev, status.st_ino
