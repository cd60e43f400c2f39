"""Every setting: its name, default and meaning, read from the environment when asked for."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emosense.errors import EmoSenseError


@dataclass(frozen=True)
class Setting:
    """A value that the environment can change.

    Attributes:
        name: of the environment variable.
        default: as it would be written in the environment.
        help: what it does, with its unit.
    """

    name: str
    default: str
    help: str

    def text(self) -> str:
        """Return the value in force."""
        return os.environ.get(self.name, "").strip() or self.default

    def number(self) -> float:
        """Return the value in force as a number above 0.

        Raises:
            EmoSenseError: it is none.
        """
        try:
            value = float(self.text())
        except ValueError:
            value = 0.0
        if not (value > 0 and math.isfinite(value)):
            raise EmoSenseError(
                f"{self.name}: expected a number above 0. Received: {self.text()!r}"
            )
        return value

    def whole(self) -> int:
        """Return the value in force as a whole number, at least 1, rounded up.

        Raises:
            EmoSenseError: it is no number above 0.
        """
        return math.ceil(self.number())


MODELS: Final = Setting(
    "EMOSENSE_MODELS", "", "Further folders with trained models, separated as PATH is."
)
MODEL: Final = Setting(
    "EMOSENSE_MODEL", "cnn8", "Name of the model that is used when none is named."
)
ENGINE: Final = Setting(
    "EMOSENSE_ENGINE",
    "auto",
    "Engine of face detector and networks: auto, onnx or opencv (CPU), or keras (any device).",
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
    ENGINE,
    MAX_PHOTO_MB,
    MAX_MEGAPIXELS,
    MAX_PHOTOS,
    MAX_BATCH_PHOTOS,
    MAX_BATCH_MB,
    MAX_VIDEO_MB,
    WORKER_TIMEOUT,
    LOGIN,
)


def own_models() -> Path:
    """Return the folder of the project's own trained models."""
    return Path(__file__).resolve().parent.parent / "models"


def model_folders() -> tuple[Path, ...]:
    """Return the folders with trained models: the project's own, then EMOSENSE_MODELS."""
    extra = [Path(p).expanduser() for p in MODELS.text().split(os.pathsep) if p]
    return (own_models(), *extra)
