"""Reads npz archives from untrusted sources."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy

from emosense.errors import ModelDamaged

MAX_ARRAY_BYTES: Final = 512 * 2**20
"""Limit of the total size of a file's arrays; those of FER2013's test splits have 0.5 MB."""

_READ_ERRORS: Final = (
    ValueError,
    OSError,
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Read an npz archive without unpickling; sizes are checked before any data is read.

    Raises:
        ModelDamaged: the archive is damaged or too large, or has pickled objects.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    remaining_bytes = MAX_ARRAY_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                with archive.open(info) as member:
                    remaining_bytes -= _declared_bytes(member)
                if remaining_bytes < 0:
                    raise ValueError(f"more than {MAX_ARRAY_BYTES / 2**20:.0f} MB")
            for info in archive.infolist():
                with archive.open(info) as member:
                    name = info.filename.removesuffix(".npy")
                    arrays[name] = npy.read_array(member, allow_pickle=False)
    except _READ_ERRORS as error:
        raise ModelDamaged(f"{path} does not hold arrays of numbers: {error}.") from error
    return arrays


def _declared_bytes(member: Any) -> int:
    """Return the size in bytes that the header of an array declares.

    Raises:
        ValueError: the header is missing or invalid, or the array has pickled objects.
    """
    version = npy.read_magic(member)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read_header(member)
    if dtype.hasobject:
        raise ValueError("pickled objects are not read")
    return int(np.prod([int(length) for length in shape], dtype=object)) * dtype.itemsize
