"""Reading arrays of a file that may come from a stranger."""

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
"""Size limit of all arrays of a file together; those of FER2013's test splits have 0.5 MB."""

_BROKEN: Final = (
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
    """Read an npz archive; nothing of it is run, and its headers are checked before its data.

    Raises:
        ModelDamaged: broken, too large, or with pickled objects.
    """
    arrays: dict[str, npt.NDArray[Any]] = {}
    budget = MAX_ARRAY_BYTES
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                with archive.open(info) as member:
                    budget -= _declared_bytes(member)
                if budget < 0:
                    raise ValueError(f"more than {MAX_ARRAY_BYTES / 2**20:.0f} MB")
            for info in archive.infolist():
                with archive.open(info) as member:
                    name = info.filename.removesuffix(".npy")
                    arrays[name] = npy.read_array(member, allow_pickle=False)
    except _BROKEN as error:
        raise ModelDamaged(f"{path} does not hold arrays of numbers: {error}.") from error
    return arrays


def _declared_bytes(member: Any) -> int:
    """Return the size that an array's header declares.

    Raises:
        ValueError: no header, or an array of objects.
    """
    version = npy.read_magic(member)
    read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read_header(member)
    if dtype.hasobject:
        raise ValueError("pickled objects are not read")
    return int(np.prod([int(side) for side in shape], dtype=object)) * dtype.itemsize
