"""Reads FER2013 in Kaggle's folder layout: ``train/angry/*.jpg``, ``test/...``.

Split folders may have the names of FER2013 or the usual ones (:data:`SPLIT_NAMES`); class folders
have the name of an emotion, as :mod:`emosense.class_names` knows it (``0_angry``, ``Freude``). Other
folders around or between them are ignored. Images of classes other than the seven (contempt) are
skipped and counted.
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

from emosense.class_names import class_key, emotion_of, is_other_class
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
"""FER2013's split by folder name, in lower case and without spaces, ``_`` and ``-``."""

_OTHER_CLASS: Final[Reason] = (
    "image of a class that is not one of the seven",
    "images of classes that are not among the seven",
)
_NO_SPLIT: Final[Reason] = (
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
_8_BIT_MODES: Final = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK")


@dataclass(frozen=True)
class ImageFiles:
    """Image files of a container, with their split and class.

    Attributes:
        files: (index into SPLITS, class index) by file name.
        skipped: counts of all other files.
        unknown_class: error message about the first class folder with an unknown name, or empty.

    >>> from pathlib import Path
    >>> from emosense.training.readers.containers import open_container
    >>> Path("train/happy").mkdir(parents=True)
    >>> _ = Path("train/happy/a.jpg").write_bytes(b"...")
    >>> images_in(open_container(Path("."))).files
    {'train/happy/a.jpg': (0, 3)}
    """

    files: dict[str, tuple[int, int]]
    skipped: Skipped
    unknown_class: str


def images_in(container: Container) -> ImageFiles:
    """Find the images of all splits and classes by the names of their folders."""
    files: dict[str, tuple[int, int]] = {}
    skipped: Counter[tuple[Reason, str]] = Counter()
    unknown_class = ""
    folders: dict[str, tuple[str, ...]] = {}
    for name in container.names:
        reason, detail = skip_reason(name)
        if detail and PurePosixPath(name).suffix[1:].lower() in PHOTO_SUFFIXES:
            folders[name] = PurePosixPath(name).parts[:-1]
        else:
            skipped[reason, detail] += 1
    root: tuple[str, ...] = ()
    if not any(
        _split_key(folder) in SPLIT_NAMES for parents in set(folders.values()) for folder in parents
    ):
        # "--data fer/test" or "test.zip": the folder or archive is itself a split.
        root = (container.path.absolute().name.partition(".")[0],)
    for name, parents in folders.items():
        result = _classify_folders((*root, *parents))
        if isinstance(result, str):
            location = place_in(container, name)
            unknown_class = unknown_class or _unknown_class_message(result, location)
        elif isinstance(result[0], int):
            files[name] = result
        else:
            skipped[result] += 1
    return ImageFiles(files, Skipped.of(skipped), unknown_class)


def read_images(container: Container, images: ImageFiles) -> Dataset:
    """Read the images of a folder or archive, sorted by name.

    Images are converted to grey and resized to 48x48.

    Args:
        container: the folder or archive.
        images: its image files, from :func:`images_in`.

    Raises:
        DatasetError: there is no image, an image cannot be read, or the name of a class folder
            is unknown.
    """
    if images.unknown_class:
        raise DatasetError(images.unknown_class)
    if not images.files:
        others = "; ".join((*images.skipped.messages(), *container.skipped.messages()))
        no_split = any(reason is _NO_SPLIT for reason, _, _ in images.skipped.counts)
        hint = " Name the folder around class folders by their split, e.g. test."
        raise DatasetError(
            f"{container.path}: {_EXPECTED}; or a csv of FER2013; found none. "
            f"Received: {others or 'no files'}.{hint if no_split else ''}"
        )
    pixels: dict[str, npt.NDArray[np.uint8]] = {}
    with reading(container.path):
        for name, file in container.files(images.files):
            location = place_in(container, name)
            data = file.read(_MAX_IMAGE_BYTES + 1)
            if len(data) > _MAX_IMAGE_BYTES:
                raise DatasetError(f"{location}: is too large for a face image (4 MB at most).")
            pixels[name] = _read_image(data, location)
    names = sorted(pixels, key=PurePosixPath)
    usage, labels = zip(*(images.files[name] for name in names), strict=True)
    return Dataset(
        np.stack([pixels[name] for name in names]),
        np.array(labels, np.uint8),
        np.array(usage, np.uint8),
        None,
        str(container.path),
        images.skipped,
    )


def _classify_folders(folders: tuple[str, ...]) -> tuple[int, int] | tuple[Reason, str] | str:
    """Derive split and class of an image from the folders that contain it.

    The class folder is the first one with a class name below a split folder; the split is the
    last split folder above the class folder, because ``test`` may contain the whole data set.

    Returns:
        (index into SPLITS, class index); or (reason, detail) of an image that is skipped; or the
        path of the folders of which none has a class name.
    """
    first_split = next(
        (i for i, folder in enumerate(folders) if _split_key(folder) in SPLIT_NAMES), None
    )
    if first_split is None:
        return _NO_SPLIT, "/".join(folders)
    below = range(first_split + 1, len(folders))
    class_level = next((i for i in below if _is_class(folders[i])), None)
    above = range(class_level or len(folders))
    split_level = max(i for i in above if _split_key(folders[i]) in SPLIT_NAMES)
    if class_level is None:
        if split_level == len(folders) - 1:
            return _NO_CLASS, folders[split_level]
        return "/".join(folders[split_level + 1 :])
    class_name = folders[class_level]
    emotion = emotion_of(class_name)
    if emotion is None:
        return _OTHER_CLASS, class_key(class_name)
    split = SPLIT_NAMES[_split_key(folders[split_level])]
    return SPLITS.index(split), EMOTIONS.index(emotion)


def _is_class(folder: str) -> bool:
    return emotion_of(folder) is not None or is_other_class(folder)


def _unknown_class_message(folders: str, location: str) -> str:
    message = (
        f"{location}: expected a class folder of {', '.join(EMOTIONS)}. "
        f"Received: {abbreviate(folders)!r}"
    )
    if any(folder.strip().isdecimal() for folder in folders.split("/")):
        message += (
            ". A number means another emotion in each data set (1 is disgust in FER2013, surprise "
            "in RAF-DB, happy in AffectNet): name the folders by their emotions"
        )
    return message


def _split_key(folder: str) -> str:
    """Return a folder's name as a key of :data:`SPLIT_NAMES`."""
    return re.sub(r"[\s_-]", "", folder.lower())


def _read_image(data: bytes, location: str) -> npt.NDArray[np.uint8]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's size warnings: _MAX_PIXELS limits the size
            grey = _read_grey(data)
    except EmoSenseError as error:
        raise DatasetError(f"{location}: cannot be read as an image: {error}") from error
    except Exception as error:  # decoders raise many types
        raise DatasetError(
            f"{location}: cannot be read as an image: it is damaged, or of another kind."
        ) from error
    if grey.size != (INPUT_SIZE, INPUT_SIZE):
        grey = grey.resize((INPUT_SIZE, INPUT_SIZE), Image.Resampling.BILINEAR)
    return np.asarray(grey, np.uint8)


def _read_grey(data: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(data)) as image:
            if image.width * image.height > _MAX_PIXELS:
                raise DatasetError(f"it has more than {_MAX_PIXELS / 1e6:.0f} megapixels.")
            if image.mode in _8_BIT_MODES:
                return ImageOps.exif_transpose(image).convert("L")
    except UnidentifiedImageError:
        pass  # possibly HEIC, which Pillow does not read
    # More than 8 bits per channel, or HEIC: converted to 8 bits in the same way as photos.
    return Image.fromarray(read_photo(data, PhotoLimits(max_pixels=_MAX_PIXELS))).convert("L")
