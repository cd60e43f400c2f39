"""Reads FER2013 in Kaggle's folder layout: ``train/angry/*.jpg``, ``test/...``.

A part may be called as FER2013 or as most data sets call it (:data:`SPLIT_NAMES`), a class by the
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
from emosense.filesystem.skipped import Reason, Skipped, abbreviate, skip_reason
from emosense.media.formats import PHOTO_SUFFIXES
from emosense.media.images import read_photo
from emosense.settings import PhotoLimits
from emosense.training.dataset import SPLITS, Dataset
from emosense.training.readers.containers import Container, place_in, reading

SPLIT_NAMES: Final = {
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
_MAX_PIXELS: Final = 40_000_000
_PLAIN_MODES: Final = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK")


@dataclass(frozen=True)
class ImageFiles:
    """Image files of a container, with their split and class.

    Attributes:
        places: (index into SPLITS, class index) by name.
        skipped: counts of all other files.
        unknown_class: what is wrong with the first class folder of an unknown name, or empty.

    >>> from pathlib import Path
    >>> from emosense.training.readers.containers import open_container
    >>> Path("train/happy").mkdir(parents=True)
    >>> _ = Path("train/happy/a.jpg").write_bytes(b"...")
    >>> images_in(open_container(Path("."))).places
    {'train/happy/a.jpg': (0, 3)}
    """

    places: dict[str, tuple[int, int]]
    skipped: Skipped
    unknown_class: str


def images_in(container: Container) -> ImageFiles:
    """Find the images of all parts and classes, by the names of their folders."""
    places: dict[str, tuple[int, int]] = {}
    skipped: Counter[tuple[Reason, str]] = Counter()
    unknown = ""
    folders: dict[str, tuple[str, ...]] = {}
    for name in container.names:
        reason, detail = skip_reason(name)
        if detail and PurePosixPath(name).suffix[1:].lower() in PHOTO_SUFFIXES:
            folders[name] = PurePosixPath(name).parts[:-1]
        else:
            skipped[reason, detail] += 1
    around: tuple[str, ...] = ()
    if not any(
        _plain(folder) in SPLIT_NAMES for names in set(folders.values()) for folder in names
    ):
        # "--data fer/test" or "test.zip": what was named is itself a part.
        around = (container.path.absolute().name.partition(".")[0],)
    for name, names in folders.items():
        place = _place((*around, *names))
        if isinstance(place, str):
            unknown = unknown or _unknown_class(place, place_in(container, name))
        elif isinstance(place[0], int):
            places[name] = place
        else:
            skipped[place] += 1
    return ImageFiles(places, Skipped.of(skipped), unknown)


def read_images(container: Container, images: ImageFiles) -> Dataset:
    """Read the images of a folder or archive, sorted by name.

    Images of another size are scaled to 48x48 and made grey.

    Raises:
        DatasetError: there is none, one cannot be read, or a class is of an unknown name.
    """
    if images.unknown_class:
        raise DatasetError(images.unknown_class)
    if not images.places:
        others = "; ".join((*images.skipped.messages(), *container.skipped.messages()))
        no_part = any(reason is _NO_PART for reason, _, _ in images.skipped.counts)
        raise DatasetError(
            f"{container.path}: {_EXPECTED}; or a csv of FER2013; found none. "
            f"Received: {others or 'no files'}."
            + (" Name the folder around class folders by their part, e.g. test." if no_part else "")
        )
    rows: dict[str, npt.NDArray[np.uint8]] = {}
    with reading(container.path):
        for name, file in container.files(images.places):
            where = place_in(container, name)
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
        images.skipped,
    )


def _place(folders: tuple[str, ...]) -> tuple[int, int] | tuple[Reason, str] | str:
    """Return (index of the part, class code), or why an image has none.

    That is a reason with its detail, or the folders that should name a class and do not. The
    class is the first folder below a part that is called as one; the part is the last before
    it: ``train/train/angry`` has one folder too many, ``test`` may be around all.
    """
    first = next((i for i, folder in enumerate(folders) if _plain(folder) in SPLIT_NAMES), None)
    if first is None:
        return _NO_PART, "/".join(folders)
    below = range(first + 1, len(folders))
    place = next((i for i in below if _class(folders[i]) in (*_CLASSES, *_FOREIGN)), None)
    part = max(i for i in range(place or len(folders)) if _plain(folders[i]) in SPLIT_NAMES)
    if place is None:
        if part == len(folders) - 1:
            return _NO_CLASS, folders[part]
        return "/".join(folders[part + 1 :])
    label = _class(folders[place])
    if label in _FOREIGN:
        return _FOREIGN_CLASS, label
    return SPLITS.index(SPLIT_NAMES[_plain(folders[part])]), _CLASSES[label]


def _unknown_class(label: str, where: str) -> str:
    text = f"{where}: expected a class folder of {', '.join(EMOTIONS)}. Received: {abbreviate(label)!r}"
    if any(folder.strip().isdecimal() for folder in label.split("/")):
        text += (
            ". A number means another emotion in each data set (1 is disgust in FER2013, surprise "
            "in RAF-DB, happy in AffectNet): name the folders by their emotions"
        )
    return text


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
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise DatasetError(f"it has more than {_MAX_PIXELS / 1e6:.0f} megapixels.")
            if image.mode in _PLAIN_MODES:
                return ImageOps.exif_transpose(image).convert("L")
    except UnidentifiedImageError:
        pass  # HEIC, if anything
    # More than 8 bits a channel: grey of 8, as photos are read.
    return Image.fromarray(read_photo(data, PhotoLimits(max_pixels=_MAX_PIXELS))).convert("L")
