"""Reads a data set in whichever layout it comes."""

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
        path: the competition's csv (plain or packed with gzip, bzip2 or xz;
            ``fer2013new.csv`` beside it is used), Kaggle's folder layout
            (``train/angry/*.jpg``, ``test/...``), or a folder, zip or tar archive that holds
            one of them. What was found beside it and not used is in the result's ``left_out``.

    Raises:
        DatasetError: names the file and row that is wrong.
    """
    if not path.exists():
        raise DatasetError(f"There is no data set {path}.")
    container = open_container(path)
    if container is None:
        return read_csv(path)
    images = images_in(container)
    # Of folders with other names, a csv is taken only where it is surely FER2013's.
    table = None if images.places else csv_in(container, bool(images.unknown_class))
    data = read_images(container, images) if table is None else read_csv_in(container, table)
    return data.with_skipped(container.skipped)
