"""Reads FER2013 in Kaggle's folder layout: ``train/angry/*.jpg``, ``test/...``.

``test`` becomes PrivateTest, ``validation`` (or ``val``), where there is one, PublicTest. A
folder between the data and its parts, as zips often have one, is seen through.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from emosense.emotions import EMOTIONS, INPUT_SIZE
from emosense.errors import DatasetError
from emosense.training.dataset import USAGES, Dataset

_PARTS: Final = {
    "train": "Training",
    "validation": "PublicTest",
    "val": "PublicTest",
    "test": "PrivateTest",
}
_CLASSES: Final = {
    **{name: code for code, name in enumerate(EMOTIONS)},
    "anger": 0,
    "disgusted": 1,
    "fearful": 2,
    "happiness": 3,
    "sadness": 4,
    "surprised": 5,
}
_IMAGES: Final = {".jpg", ".jpeg", ".png", ".bmp"}
_MAX_IMAGE_BYTES: Final = 4 * 1024 * 1024


def read_folder(path: Path) -> Dataset:
    """Read a folder or a zip of it.

    Images of another size are scaled to 48x48 and made grey.

    Raises:
        DatasetError: names the class folder or file that is wrong.
    """
    images: list[npt.NDArray[np.uint8]] = []
    labels: list[int] = []
    usage: list[int] = []
    for name, data in _zip_files(path) if path.suffix == ".zip" else _folder_files(path):
        part, code = _meaning(name, path)
        if part is None:
            continue
        images.append(_image(data, f"{path.name}: {name}"))
        labels.append(code)
        usage.append(USAGES.index(part))
    if not images:
        raise DatasetError(
            f"{path}: expected images as train/angry/*.jpg and test/angry/*.jpg, found none."
        )
    return Dataset(
        np.stack(images), np.array(labels, np.uint8), np.array(usage, np.uint8), None, str(path)
    )


def _folder_files(path: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    for file in sorted(path.rglob("*")):
        if file.suffix.lower() in _IMAGES and file.is_file():
            yield PurePosixPath(file.relative_to(path).as_posix()), file.read_bytes()


def _zip_files(path: Path) -> Iterator[tuple[PurePosixPath, bytes]]:
    try:
        with zipfile.ZipFile(path) as archive:
            for info in sorted(archive.infolist(), key=lambda item: item.filename):
                name = PurePosixPath(info.filename)
                if name.suffix.lower() in _IMAGES and "__MACOSX" not in name.parts:
                    if info.file_size > _MAX_IMAGE_BYTES:
                        raise DatasetError(f"{path.name}: {name} is too large for a face image.")
                    yield name, archive.read(info)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
        raise DatasetError(f"{path}: cannot be read as a zip file ({error}).") from error


def _meaning(name: PurePosixPath, path: Path) -> tuple[str | None, int]:
    """Return (part, class code) from a path's folders; part None outside of train and test."""
    folders = [part.lower() for part in name.parts[:-1]]
    for position, folder in enumerate(folders):
        if folder in _PARTS:
            label = folders[position + 1] if position + 1 < len(folders) else ""
            if label not in _CLASSES:
                raise DatasetError(
                    f"{path.name}: {name}: expected a class folder of {', '.join(EMOTIONS)}. "
                    f"Received: {label!r}"
                )
            return _PARTS[folder], _CLASSES[label]
    return None, -1


def _image(data: bytes, where: str) -> npt.NDArray[np.uint8]:
    try:
        with Image.open(io.BytesIO(data)) as image:
            grey = image.convert("L")
            if grey.size != (INPUT_SIZE, INPUT_SIZE):
                grey = grey.resize((INPUT_SIZE, INPUT_SIZE), Image.Resampling.BILINEAR)
            return np.asarray(grey, np.uint8)
    except Exception as error:  # decoders raise many types
        raise DatasetError(f"{where}: cannot be read as an image ({error}).") from error
