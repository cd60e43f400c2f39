"""All settings: name, default and meaning; values are read from the environment on each access."""

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
    """A setting, which an environment variable can change.

    Attributes:
        name: name of the environment variable.
        default: default value, as it would be written in the environment.
        help: meaning of the value, with its unit.
        former_name: earlier name of the variable, which is still read; empty if there is none.

    >>> Setting("EMOSENSE_EXAMPLE", "3", "An example.").number()
    3.0
    """

    name: str
    default: str
    help: str
    former_name: str = ""

    def text(self) -> str:
        """Return the current value: of the environment variable, or the default."""
        names = filter(None, (self.name, self.former_name))
        values = (os.environ.get(name, "").strip() for name in names)
        return next(filter(None, values), self.default)

    def number(self) -> float:
        """Return the current value as a number above 0.

        Raises:
            EmoSenseError: the value is no finite number above 0.
        """
        from pydantic import ValidationError

        try:
            return _positive_number().validate_strings(self.text())
        except ValidationError:
            raise EmoSenseError(
                f"{self.name}: expected a number above 0. Received: {self.text()!r}"
            ) from None

    def whole(self) -> int:
        """Return the current value as an integer of at least 1, rounded up.

        Raises:
            EmoSenseError: the value is no finite number above 0.
        """
        return math.ceil(self.number())


@cache
def _positive_number() -> TypeAdapter[float]:
    # Imported here: a command that reads no number starts in half the time without pydantic.
    from pydantic import Field, TypeAdapter

    return TypeAdapter(Annotated[float, Field(gt=0, allow_inf_nan=False)])


MODELS: Final = Setting(
    "EMOSENSE_MODELS", "", "Further folders with trained models, separated as PATH is."
)
MODEL: Final = Setting(
    "EMOSENSE_MODEL", "cnn8-tuned", "Name of the model that is used when none is named."
)
BACKEND: Final = Setting(
    "EMOSENSE_BACKEND",
    "auto",
    "Backend of face detector and networks: auto, onnx or opencv (CPU), cuda (GPU, ONNX Runtime), or "
    "keras (any device).",
    former_name="EMOSENSE_ENGINE",
)
MAX_PHOTO_MB: Final = Setting("EMOSENSE_MAX_PHOTO_MB", "50", "Largest photo file, in MB.")
MAX_MEGAPIXELS: Final = Setting("EMOSENSE_MAX_MEGAPIXELS", "80", "Largest photo, in megapixels.")
MAX_PHOTO_SECONDS: Final = Setting(
    "EMOSENSE_MAX_PHOTO_SECONDS",
    "10",
    "Largest processor time of a photo in seconds, estimated before it is decoded; the app ends an "
    "analysis after twice as much.",
)
MAX_PHOTO_MEMORY_MB: Final = Setting(
    "EMOSENSE_MAX_PHOTO_MEMORY_MB",
    "800",
    "Largest memory for decoding a photo in MB, beside the 350 of the process; large pictures of 16 "
    "bits, WebP and others need more per pixel than JPEG.",
)
MAX_PHOTOS: Final = Setting(
    "EMOSENSE_MAX_PHOTOS",
    "50",
    "Most photos of one upload on the Photo page, and of one request of the REST API.",
)
MAX_BATCH_PHOTOS: Final = Setting(
    "EMOSENSE_MAX_BATCH_PHOTOS", "500", "Most photos of one job on the Batch page."
)
MAX_BATCH_MB: Final = Setting(
    "EMOSENSE_MAX_BATCH_MB", "500", "Largest upload of one job on the Batch page, in MB."
)
MAX_EVALUATION_PHOTOS: Final = Setting(
    "EMOSENSE_MAX_EVALUATION_PHOTOS",
    "5000",
    "Most labelled photos of one test set of one's own on the Models page.",
)
MAX_VIDEO_MB: Final = Setting("EMOSENSE_MAX_VIDEO_MB", "500", "Largest video file, in MB.")
MAX_VIDEO_MINUTES: Final = Setting(
    "EMOSENSE_MAX_VIDEO_MINUTES",
    "60",
    "Longest analysis of a video, in minutes; what was analysed until then is kept.",
)
MAX_ANNOTATED_RATIO: Final = Setting(
    "EMOSENSE_MAX_ANNOTATED_RATIO",
    "10",
    "Largest video with boxes, as a multiple of the video's size; 20 MB are always allowed.",
)
MAX_ANNOTATED_DISK_PERCENT: Final = Setting(
    "EMOSENSE_MAX_ANNOTATED_DISK_PERCENT",
    "25",
    "Largest video with boxes, in percent of the free disk space.",
)
MAX_SESSION_UPLOAD_MB: Final = Setting(
    "EMOSENSE_MAX_SESSION_UPLOAD_MB",
    "600",
    "Largest sum of the uploads of one page or API key, in MB.",
)
MAX_SERVER_UPLOAD_MB: Final = Setting(
    "EMOSENSE_MAX_SERVER_UPLOAD_MB",
    "2000",
    "Largest sum of all uploads in memory, in MB; one user may hold at most 30 %.",
)
MAX_SERVER_DOWNLOAD_MB: Final = Setting(
    "EMOSENSE_MAX_SERVER_DOWNLOAD_MB",
    "1000",
    "Largest sum of results, pictures, videos and downloads that pages keep in memory, in MB; one "
    "user may hold at most 30 %. Likewise of those that are on their way to readers.",
)
MAX_SESSION_DOWNLOAD_MB: Final = Setting(
    "EMOSENSE_MAX_SESSION_DOWNLOAD_MB",
    "300",
    "Largest sum of results, pictures, videos and downloads that one page or API key keeps in memory, in "
    "MB.",
)
MAX_SESSION_SPOOL_MB: Final = Setting(
    "EMOSENSE_MAX_SESSION_SPOOL_MB",
    "2000",
    "Largest sum of the videos on disk of one page or API key, uploaded ones and those with boxes, in MB.",
)
MAX_SERVER_SPOOL_MB: Final = Setting(
    "EMOSENSE_MAX_SERVER_SPOOL_MB",
    "10000",
    "Largest sum of all videos on disk, in MB, and at most 90 % of what is free when the server "
    "starts; one user may hold at most 30 %.",
)
MAX_SESSION_RESULTS: Final = Setting(
    "EMOSENSE_MAX_SESSION_RESULTS",
    "50",
    "Most analyses that one page keeps, of the Batch page and of the Video page each, or one API key.",
)
MAX_USER_PAGES: Final = Setting(
    "EMOSENSE_MAX_USER_PAGES",
    "60",
    "Most open pages of one user: of one login, or of one address where there is no login.",
)
MAX_PAGES: Final = Setting(
    "EMOSENSE_MAX_PAGES",
    "200",
    "Most open pages of all users; one user may have at most 30 %, or 4 where there is room.",
)
MAX_CAMERAS: Final = Setting(
    "EMOSENSE_MAX_CAMERAS",
    "16",
    "Most cameras that are analysed at the same time; one user may have two, or more where there is room.",
)
MAX_SESSION_JOBS: Final = Setting(
    "EMOSENSE_MAX_SESSION_JOBS",
    "10",
    "Most unfinished analyses of one page or API key, of photos and of videos, and as many previews and videos with boxes.",
)
MAX_USER_JOBS: Final = Setting(
    "EMOSENSE_MAX_USER_JOBS",
    "40",
    "Most unfinished analyses of one user, of photos and of videos, and as many previews and videos with boxes.",
)
MAX_SESSION_REQUESTS: Final = Setting(
    "EMOSENSE_MAX_SESSION_REQUESTS",
    "20",
    "Most requests of one page or API key that wait for a process.",
)
MAX_USER_REQUESTS: Final = Setting(
    "EMOSENSE_MAX_USER_REQUESTS", "100", "Most requests of one user that wait for a process."
)
WORKER_TIMEOUT: Final = Setting(
    "EMOSENSE_WORKER_TIMEOUT", "120", "Seconds after which an analysis is given up."
)
LOGIN: Final = Setting(
    "EMOSENSE_LOGIN", "no", "Whether the app asks for a login first: yes or no; see deployment."
)
API_KEY: Final = Setting(
    "EMOSENSE_API_KEY",
    "",
    "Keys of the REST API, separated by commas, of at least 16 characters each; without one it is off.",
)
API: Final = Setting(
    "EMOSENSE_API",
    "key",
    "Who may use the REST API where there is no key: key (nobody) or local (everybody who reaches the "
    "server, so only for one that nobody else reaches).",
)
MAX_API_RESULT_MINUTES: Final = Setting(
    "EMOSENSE_MAX_API_RESULT_MINUTES",
    "60",
    "Minutes after the end of a video's analysis at which the REST API deletes it with its results.",
)
OPEN_BROWSER: Final = Setting(
    "EMOSENSE_OPEN_BROWSER",
    "no",
    "Whether the server opens a browser when it starts: yes or no; `make run` says yes.",
)

SETTINGS: Final = (
    MODELS,
    MODEL,
    BACKEND,
    MAX_PHOTO_MB,
    MAX_MEGAPIXELS,
    MAX_PHOTO_SECONDS,
    MAX_PHOTO_MEMORY_MB,
    MAX_PHOTOS,
    MAX_BATCH_PHOTOS,
    MAX_BATCH_MB,
    MAX_EVALUATION_PHOTOS,
    MAX_VIDEO_MB,
    MAX_VIDEO_MINUTES,
    MAX_ANNOTATED_RATIO,
    MAX_ANNOTATED_DISK_PERCENT,
    MAX_SESSION_UPLOAD_MB,
    MAX_SERVER_UPLOAD_MB,
    MAX_SERVER_DOWNLOAD_MB,
    MAX_SESSION_DOWNLOAD_MB,
    MAX_SESSION_SPOOL_MB,
    MAX_SERVER_SPOOL_MB,
    MAX_SESSION_RESULTS,
    MAX_USER_PAGES,
    MAX_PAGES,
    MAX_CAMERAS,
    MAX_SESSION_JOBS,
    MAX_USER_JOBS,
    MAX_SESSION_REQUESTS,
    MAX_USER_REQUESTS,
    WORKER_TIMEOUT,
    LOGIN,
    API_KEY,
    API,
    MAX_API_RESULT_MINUTES,
    OPEN_BROWSER,
)


@dataclass(frozen=True)
class PhotoLimits:
    """Limits of a photo's size and cost; all are checked by its header, before it is decoded.

    Attributes:
        max_bytes: maximum size of the encoded file.
        max_pixels: maximum width times height of the decoded image.
        max_side: maximum width and height in pixels; 65,500 is libjpeg's, too.
        max_seconds: maximum processor time of decoding, detection and classification, estimated.
        max_memory: maximum memory of decoding in bytes, estimated; the process takes about 350 MB
            beside.

    >>> PhotoLimits().max_pixels
    80000000
    """

    max_bytes: int = 50 * 2**20
    max_pixels: int = 80_000_000
    max_side: int = 65_500
    max_seconds: float = 10.0
    max_memory: int = 800 * 2**20


@dataclass(frozen=True)
class VideoLimits:
    """Limits of a video's size and of its analysis.

    Attributes:
        max_bytes: maximum size of the file.
        max_pixels: maximum width times height of a frame; checked before decoding and for every
            frame.
        long_side: long side in pixels that larger frames are scaled down to when decoded.
        max_seconds: longest analysis, in seconds of work; what was analysed until then is kept.
        max_annotated_ratio: maximum size of the annotated video, as a multiple of the video's.
        max_annotated_disk: maximum size of the annotated video, as a share of the free disk space,
            in 0..1.
        max_annotated_bytes: maximum size of the annotated video in bytes; None sets none beside the
            others.

    >>> VideoLimits().long_side
    1920
    """

    max_bytes: int = 500 * 2**20
    max_pixels: int = 40_000_000
    long_side: int = 1920
    max_seconds: float = 3600.0
    max_annotated_ratio: float = 10.0
    max_annotated_disk: float = 0.25
    max_annotated_bytes: int | None = None


@dataclass(frozen=True)
class ArchiveLimits:
    """Size limits of a zip archive of photos.

    Attributes:
        max_photos: maximum number of photos.
        max_photo_bytes: maximum size of one photo, unpacked.
        max_bytes: maximum size of all photos together, unpacked.

    >>> ArchiveLimits().max_photos
    500
    """

    max_photos: int = 500
    max_photo_bytes: int = 50 * 2**20
    max_bytes: int = 2 * 2**30


def photo_limits() -> PhotoLimits:
    """Return the size limits of photos from the settings."""
    return PhotoLimits(
        max_bytes=int(MAX_PHOTO_MB.number() * 2**20),
        max_pixels=int(MAX_MEGAPIXELS.number() * 1e6),
        max_seconds=MAX_PHOTO_SECONDS.number(),
        max_memory=int(MAX_PHOTO_MEMORY_MB.number() * 2**20),
    )


def video_limits() -> VideoLimits:
    """Return the limits of videos from the settings."""
    return VideoLimits(
        max_bytes=int(MAX_VIDEO_MB.number() * 2**20),
        max_seconds=60 * MAX_VIDEO_MINUTES.number(),
        max_annotated_ratio=MAX_ANNOTATED_RATIO.number(),
        max_annotated_disk=min(100.0, MAX_ANNOTATED_DISK_PERCENT.number()) / 100,
    )


def archive_limits(max_photos: Setting = MAX_BATCH_PHOTOS) -> ArchiveLimits:
    """Return the size limits of zip archives from the settings."""
    return ArchiveLimits(
        max_photos=max_photos.whole(),
        max_photo_bytes=int(MAX_PHOTO_MB.number() * 2**20),
    )


def bundled_models_dir() -> Path:
    """Return the folder of the bundled trained models."""
    return Path(__file__).resolve().parent.parent / "models"


def model_dirs() -> tuple[Path, ...]:
    """Return the folders with trained models: the bundled one, then those of EMOSENSE_MODELS."""
    extra = [Path(path).expanduser() for path in MODELS.text().split(os.pathsep) if path]
    return (bundled_models_dir(), *extra)
