"""Which photo and video formats are read; light to import."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

PHOTO_FORMATS: Final = "JPEG, PNG, WebP, GIF, TIFF, BMP and AVIF"
PHOTO_SUFFIXES: Final = ("jpg", "jpeg", "png", "webp", "gif", "tif", "tiff", "bmp", "avif")
VIDEO_FORMATS: Final = "MP4, MOV, M4V, AVI, MKV or WebM"
VIDEO_SUFFIXES: Final = ("mp4", "mov", "m4v", "avi", "mkv", "webm")
_HEIF_SUFFIXES: Final = ("heic", "heif")
ALL_PHOTO_SUFFIXES: Final = (*PHOTO_SUFFIXES, *_HEIF_SUFFIXES)
"""Also those that need an extra: where many files come at once, each is told in its place."""


def photo_suffixes() -> tuple[str, ...]:
    """Return the file name endings that can be read on this machine."""
    return PHOTO_SUFFIXES + (_HEIF_SUFFIXES if heif_installed() else ())


def heif_installed() -> bool:
    """Whether the extra for HEIC photos (pillow-heif) is installed."""
    return find_spec("pillow_heif") is not None
