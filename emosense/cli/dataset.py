"""Data sets on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from emosense.cli.terminal import print_error

if TYPE_CHECKING:
    from emosense.training.dataset import Dataset

DATA_HELP: Final = (
    "fer2013.csv (also .gz, .bz2 or .xz, or in a zip or tar archive), or folders train/angry/*.jpg "
    "and test/... (validation/... too), also in an archive; what is left out is reported"
)


def read_data(path: Path) -> Dataset:
    """Read a data set and say on standard error what of it was left out.

    Raises:
        DatasetError: see :func:`emosense.training.readers.auto.read_dataset`.
    """
    from emosense.training.readers.auto import read_dataset

    data = read_dataset(path)
    for message in data.skipped.messages():
        print_error(f"{path}: {message}")
    return data
