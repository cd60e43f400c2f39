"""Reads FER2013 in Kaggle's folder layout: ``train/angry/*.jpg``, ``test/...``.

A part may be called as FER2013 or as most data sets call it (:data:`PARTS`), a class by the
emotion or its noun, also with a number before it (``0_angry``). Folders around or between them
are seen through. A class that there is none of here (contempt) is left out and counted.
"""

from __future__ import annotations

import io
import re
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from emosense.emotions import EMOTIONS, INPUT_SIZE
from emosense.errors import DatasetError, EmoSenseError
from emosense.left_out import LeftOut, Reason, kind_of, shortened
from emosense.media.formats import PHOTO_SUFFIXES
from emosense.training.containers import Container, reading
from emosense.training.dataset import USAGES, Dataset

PARTS: Final = {
    **dict.fromkeys(("train", "training"), "Training"),
    **dict.fromkeys(("valid", "validation", "val", "dev", "publictest"), "PublicTest"),
    **dict.fromkeys(("test", "testing", "privatetest"), "PrivateTest"),
}
"""FER2013's part by the name of a folder, in lower case and without spaces, ``_`` and ``-``."""

_CLASSES: Final = {
    **{name: code for code, name in enumerate(EMOTIONS)},
    "anger": 0,
    "disgusted": 1,
    "fearful": 2,
    "happiness": 3,
    "sadness": 4,
    "surprised": 5,
}
# Classes of FER+, AffectNet, CK+ and others that have no counterpart among the seven.
_FOREIGN: Final = ("contempt", "contemptuous", "unknown", "other", "others", "none", "uncertain")
_FOREIGN_CLASS: Final[Reason] = (
    "image of a class that is not one of the seven",
    "images of classes that are not among the seven",
)
_NO_PART: Final[Reason] = (
    "image outside of train, validation and test",
    "images outside of train, validation and test",
)
_NO_CLASS: Final[Reason] = ("image without a class folder", "images without a class folder")
_EXPECTED: Final = (
    "expected images as train/angry/*.jpg and test/angry/*.jpg (validation/... too, if there is "
    f"one), with class folders of {', '.join(EMOTIONS)}"
)
_MAX_IMAGE_BYTES: Final = 4 * 1024 * 1024
_PLAIN_MODES: Final = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK")


@dataclass(frozen=True)
class Images:
    """Which files of a container are images of which part and class.

    Attributes:
        places: by name, (index into USAGES, emotion code).
        left_out: all other files.
    """

    places: dict[str, tuple[int, int]]
    left_out: LeftOut


def images_in(container: Container) -> Images:
    """Find the images of all parts and classes, by the names of their folders.

    Raises:
        DatasetError: a class folder of an unknown name.
    """
    places: dict[str, tuple[int, int]] = {}
    left_out: Counter[tuple[Reason, str]] = Counter()
    # "--data fer/test": the folder that was named is itself a part.
    root = container.path.absolute().name
    for name in container.names:
        reason, detail = kind_of(name)
        if not detail or PurePosixPath(name).suffix[1:].lower() not in PHOTO_SUFFIXES:
            left_out[reason, detail] += 1
            continue
        found = _place(PurePosixPath(name).parts[:-1], root, f"{container.path.name}: {name}")
        if isinstance(found[0], int):
            places[name] = found
        else:
            left_out[found] += 1
    return Images(places, LeftOut.of(left_out))


def read_images(container: Container, images: Images) -> Dataset:
    """Read the images of a folder or archive, sorted by name.

    Images of another size are scaled to 48x48 and made grey.

    Raises:
        DatasetError: there is none, or one cannot be read.
    """
    if not images.places:
        others = "; ".join((*images.left_out.messages(), *container.left_out.messages()))
        raise DatasetError(
            f"{container.path}: {_EXPECTED}; or a csv of FER2013; found none. "
            f"Received: {others or 'no files'}."
        )
    rows: dict[str, npt.NDArray[np.uint8]] = {}
    with reading(container.path):
        for name, file in container.files(images.places):
            where = f"{container.path.name}: {name}"
            data = file.read(_MAX_IMAGE_BYTES + 1)
            if len(data) > _MAX_IMAGE_BYTES:
                raise DatasetError(f"{where}: is too large for a face image (4 MB at most).")
            rows[name] = _image(data, where)
    names = sorted(rows, key=PurePosixPath)
    usage, labels = zip(*(images.places[name] for name in names), strict=True)
    return Dataset(
        np.stack([rows[name] for name in names]),
        np.array(labels, np.uint8),
        np.array(usage, np.uint8),
        None,
        str(container.path),
        images.left_out,
    )


def _place(folders: tuple[str, ...], root: str, where: str) -> tuple[int, int] | tuple[Reason, str]:
    """Return (index of the part, class code), or why an image has none and a detail.

    The class is the first folder below a part that is called as one; the part is the last
    before it: ``train/train/angry`` has one folder too many, ``test`` may be around all.
    """
    if not any(_plain(folder) in PARTS for folder in folders):
        folders = (root, *folders)
    first = next((i for i, folder in enumerate(folders) if _plain(folder) in PARTS), None)
    if first is None:
        return _NO_PART, folders[1] if len(folders) > 1 else ""
    below = range(first + 1, len(folders))
    place = next((i for i in below if _class(folders[i]) in (*_CLASSES, *_FOREIGN)), None)
    part = max(i for i in range(place or len(folders)) if _plain(folders[i]) in PARTS)
    if place is None:
        if part == len(folders) - 1:
            return _NO_CLASS, folders[part]
        raise DatasetError(_unknown_class(folders[part + 1], where))
    label = _class(folders[place])
    if label in _FOREIGN:
        return _FOREIGN_CLASS, label
    return USAGES.index(PARTS[_plain(folders[part])]), _CLASSES[label]


def _unknown_class(label: str, where: str) -> str:
    told = (
        f"{where}: expected a class folder of {', '.join(EMOTIONS)}. Received: {shortened(label)!r}"
    )
    if label.strip().isdecimal():
        told += (
            ". A number means another emotion in each data set (1 is disgust in FER2013, surprise "
            "in RAF-DB, happy in AffectNet): name the folders by their emotions"
        )
    return told


def _plain(folder: str) -> str:
    return re.sub(r"[\s_-]", "", folder.lower())


def _class(folder: str) -> str:
    """Return a class folder's name without a number before it: ``0_Angry`` is angry."""
    return re.sub(r"^\d+[\s_.-]+", "", folder.strip().lower())


def _image(data: bytes, where: str) -> npt.NDArray[np.uint8]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about a size that is checked here by other means
            grey = _grey(data)
    except EmoSenseError as error:
        raise DatasetError(f"{where}: cannot be read as an image: {error}") from error
    except Exception as error:  # decoders raise many types
        raise DatasetError(
            f"{where}: cannot be read as an image: it is damaged, or of another kind."
        ) from error
    if grey.size != (INPUT_SIZE, INPUT_SIZE):
        grey = grey.resize((INPUT_SIZE, INPUT_SIZE), Image.Resampling.BILINEAR)
    return np.asarray(grey, np.uint8)


def _grey(data: bytes) -> Image.Image:
    from emosense.media.images import read_photo

    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.mode in _PLAIN_MODES:
                return ImageOps.exif_transpose(image).convert("L")
    except UnidentifiedImageError:
        pass  # HEIC, if anything
    # More than 8 bits a channel: grey of 8, as photos are read.
    return Image.fromarray(read_photo(data)).convert("L")
