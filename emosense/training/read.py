"""Reads a data set in whichever layout it comes."""

from __future__ import annotations

from pathlib import Path

from emosense.errors import DatasetError
from emosense.training.dataset import Dataset
from emosense.training.fer2013_csv import read_csv
from emosense.training.fer2013_folder import read_folder


def read_dataset(path: Path) -> Dataset:
    """Read FER2013 or a data set in one of its layouts.

    Args:
        path: the competition's csv (plain or ``.gz``; ``fer2013new.csv`` beside it is used),
            or Kaggle's folder layout (``train/angry/*.jpg``, ``test/...``), as a folder or zip.

    Raises:
        DatasetError: names the file and row that is wrong.
    """
    if path.is_dir() or path.suffix == ".zip":
        return read_folder(path)
    if not path.exists():
        raise DatasetError(f"There is no data set {path}.")
    return read_csv(path)
