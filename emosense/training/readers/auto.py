"""Reads a data set after detecting its layout."""

from __future__ import annotations

from pathlib import Path

from emosense.errors import DatasetError
from emosense.training.dataset import Dataset
from emosense.training.readers.containers import open_container
from emosense.training.readers.fer2013_csv import csv_in, read_csv, read_csv_in
from emosense.training.readers.image_folder import images_in, read_images


def read_dataset(path: Path) -> Dataset:
    """Read FER2013 or a data set in one of its layouts.

    Args:
        path: the competition's csv (plain or compressed with gzip, bzip2 or xz; FER+'s
            ``fer2013new.csv`` in the same folder is used), Kaggle's folder layout
            (``train/angry/*.jpg``, ``test/...``), or a folder, zip or tar archive that contains
            one of them.

    Returns:
        The data set; its ``skipped`` counts the files and rows that were not used.

    Raises:
        DatasetError: the data is missing or invalid; the message names file and row.
    """
    if not path.exists():
        raise DatasetError(f"There is no data set {path}.")
    container = open_container(path)
    if container is None:
        return read_csv(path)
    images = images_in(container)
    # Beside folders of unknown classes, a csv is read only if it has a name of FER2013's csv.
    table = None if images.files else csv_in(container, bool(images.unknown_class))
    data = read_images(container, images) if table is None else read_csv_in(container, table)
    return data.with_skipped(container.skipped)
