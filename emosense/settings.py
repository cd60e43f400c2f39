"""Every setting: its name, default and meaning, read from the environment when asked for."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from emosense.errors import EmoSenseError

if TYPE_CHECKING:
    from pydantic import TypeAdapter


@dataclass(frozen=True)
class Setting:
    """A value that an environment variable can change.

    Attributes:
        name: name of the environment variable.
        default: default value, as it would be written in the environment.
        help: meaning of the value, with its unit.
        former_name: an earlier name of the variable, which still counts; empty if there is none.

    >>> Setting("EMOSENSE_EXAMPLE", "3", "An example.").number()
    3.0
    """

    name: str
    default: str
    help: str
    former_name: str = ""

    def text(self) -> str:
        """Return the value in force."""
        names = filter(None, (self.name, self.former_name))
        values = (os.environ.get(name, "").strip() for name in names)
        return next(filter(None, values), self.default)

    def number(self) -> float:
        """Return the value in force as a number above 0.

        Raises:
            EmoSenseError: the text is no finite number above 0.
        """
        from pydantic import ValidationError

        try:
            return _positive_number().validate_strings(self.text())
        except ValidationError:
            raise EmoSenseError(
                f"{self.name}: expected a number above 0. Received: {self.text()!r}"
            ) from None

    def whole(self) -> int:
        """Return the value in force as a whole number, at least 1, rounded up.

        Raises:
            EmoSenseError: it is no number above 0.
        """
        return math.ceil(self.number())


@cache
def _positive_number() -> TypeAdapter[float]:
    # Here, not above: a command that reads no number starts in half the time without pydantic.
    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[float, Field(gt=0, allow_inf_nan=False)])


MODELS: Final = Setting(
    "EMOSENSE_MODELS", "", "Further folders with trained models, separated as PATH is."
)
MODEL: Final = Setting(
    "EMOSENSE_MODEL", "cnn8", "Name of the model that is used when none is named."
)
BACKEND: Final = Setting(
    "EMOSENSE_BACKEND",
    "auto",
    "Backend of face detector and networks: auto, onnx or opencv (CPU), or keras (any device).",
    former_name="EMOSENSE_ENGINE",
)
MAX_PHOTO_MB: Final = Setting("EMOSENSE_MAX_PHOTO_MB", "50", "Largest photo file, in MB.")
MAX_MEGAPIXELS: Final = Setting("EMOSENSE_MAX_MEGAPIXELS", "80", "Largest photo, in megapixels.")
MAX_PHOTOS: Final = Setting(
    "EMOSENSE_MAX_PHOTOS", "50", "Most photos of one upload on the Photo page."
)
MAX_BATCH_PHOTOS: Final = Setting(
    "EMOSENSE_MAX_BATCH_PHOTOS", "500", "Most photos of one job on the Batch page."
)
MAX_BATCH_MB: Final = Setting(
    "EMOSENSE_MAX_BATCH_MB", "500", "Largest upload of one job on the Batch page, in MB."
)
MAX_VIDEO_MB: Final = Setting("EMOSENSE_MAX_VIDEO_MB", "500", "Largest video file, in MB.")
WORKER_TIMEOUT: Final = Setting(
    "EMOSENSE_WORKER_TIMEOUT", "120", "Seconds after which an analysis is given up."
)
LOGIN: Final = Setting(
    "EMOSENSE_LOGIN", "no", "Whether the app asks for a login first: yes or no; see deployment."
)

SETTINGS: Final = (
    MODELS,
    MODEL,
    BACKEND,
    MAX_PHOTO_MB,
    MAX_MEGAPIXELS,
    MAX_PHOTOS,
    MAX_BATCH_PHOTOS,
    MAX_BATCH_MB,
    MAX_VIDEO_MB,
    WORKER_TIMEOUT,
    LOGIN,
)


@dataclass(frozen=True)
class PhotoLimits:
    """What a photo may cost.

    Attributes:
        max_bytes: size limit of the encoded file.
        max_pixels: width times height of the decoded image; checked before decoding, so a
            decompression bomb is refused by its header.

    >>> PhotoLimits().max_pixels
    80000000
    """

    max_bytes: int = 50 * 2**20
    max_pixels: int = 80_000_000


@dataclass(frozen=True)
class VideoLimits:
    """What a video may cost.

    Attributes:
        max_bytes: size limit of the file.
        max_pixels: width times height of one frame, checked before decoding and for every frame.
        long_side: larger frames are scaled down to this many pixels while they are decoded.

    >>> VideoLimits().long_side
    1920
    """

    max_bytes: int = 500 * 2**20
    max_pixels: int = 40_000_000
    long_side: int = 1920


@dataclass(frozen=True)
class ArchiveLimits:
    """What a zip archive of photos may cost.

    Attributes:
        max_photos: number of photos in it.
        max_photo_bytes: size limit of one photo, unpacked.
        max_bytes: size limit of all photos together, unpacked.

    >>> ArchiveLimits().max_photos
    500
    """

    max_photos: int = 500
    max_photo_bytes: int = 50 * 2**20
    max_bytes: int = 2 * 2**30


def photo_limits() -> PhotoLimits:
    """Return the limits of photos that the settings give."""
    return PhotoLimits(
        max_bytes=int(MAX_PHOTO_MB.number() * 2**20),
        max_pixels=int(MAX_MEGAPIXELS.number() * 1e6),
    )


def video_limits() -> VideoLimits:
    """Return the limits of videos that the settings give."""
    return VideoLimits(max_bytes=int(MAX_VIDEO_MB.number() * 2**20))


def archive_limits() -> ArchiveLimits:
    """Return the limits of zip archives that the settings give."""
    return ArchiveLimits(
        max_photos=MAX_BATCH_PHOTOS.whole(),
        max_photo_bytes=int(MAX_PHOTO_MB.number() * 2**20),
    )


def bundled_models_dir() -> Path:
    """Return the folder of the project's own trained models."""
    return Path(__file__).resolve().parent.parent / "models"


def model_dirs() -> tuple[Path, ...]:
    """Return the folders with trained models: the project's own, then EMOSENSE_MODELS."""
    extra = [Path(p).expanduser() for p in MODELS.text().split(os.pathsep) if p]
    return (bundled_models_dir(), *extra)
