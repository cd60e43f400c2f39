"""Supported photo and video formats; imports no heavy package."""

from __future__ import annotations

from typing import Final

PHOTO_FORMATS: Final = "JPEG, PNG, WebP, GIF, TIFF, BMP, AVIF and HEIC"
PHOTO_SUFFIXES: Final = (
    *("jpg", "jpeg", "jfif", "jpe", "jif", "pjpeg", "pjp"),
    *("png", "apng", "webp", "gif", "tif", "tiff", "bmp", "dib", "avif", "heic", "heif"),
)
VIDEO_FORMATS: Final = "MP4, MOV, M4V, 3GP, AVI, MKV, WebM or MTS"
VIDEO_SUFFIXES: Final = (
    *("mp4", "mov", "m4v", "3gp", "3g2", "avi", "mkv", "webm", "mts", "m2ts", "ts"),
)
