"""Tells photos, videos and archives apart by their first bytes; light to import."""

from __future__ import annotations

import re
from typing import Final, Literal

Kind = Literal["photo", "video", "archive", "other"]

HEAD_BYTES: Final = 400
"""So many bytes of a file's beginning are enough: MPEG-TS repeats its mark twice in 389."""

_UNREAD: Final = ", which is not read here"
_SIGNATURES: Final[tuple[tuple[bytes, Kind, str], ...]] = (
    (rb"\xff\xd8\xff", "photo", "a JPEG photo"),
    (rb"\x89PNG\r\n", "photo", "a PNG photo"),
    (rb"RIFF....WEBP", "photo", "a WebP photo"),
    (rb"GIF8[79]a", "photo", "a GIF picture"),
    (rb"II\*\x00.{4}CR\x02|IIU\x00|IIRO|FUJIFILMCCD-RAW", "other", "a camera's raw file" + _UNREAD),
    (rb"II[*+]\x00|MM\x00[*+]", "photo", "a TIFF photo"),
    # BITMAPFILEHEADER, then the size of one of the headers that follow it.
    (rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", "photo", "a BMP photo"),
    # The same without the first header: one plane, and so many bits a pixel.
    (
        rb"[\x28\x6c\x7c]\x00\x00\x00.{8}\x01\x00[\x01\x04\x08\x10\x18\x20]\x00",
        "photo",
        "a BMP photo",
    ),
    (rb"....ftyp(?:hei[cfmsx]|hev[cx]|mif1|msf1)", "photo", "a HEIC photo"),
    (rb"....ftypavi[fs]", "photo", "an AVIF photo"),
    (rb"....ftypcrx ", "other", "a camera's raw file" + _UNREAD),
    (rb"....ftypM4[ABP] ", "other", "a sound file"),
    (rb"....ftyp", "video", "an MP4 or MOV video"),
    (rb"....mdat|[\x00-\x1f]...(?:moov|wide|free|skip|pnot)", "video", "a MOV video"),
    (rb"\x1a\x45\xdf\xa3", "video", "a Matroska or WebM video"),
    (rb"RIFF....AVI ", "video", "an AVI video"),
    (rb"\x00\x00\x01[\xb3\xba]|FLV\x01|0&\xb2u\x8ef\xcf\x11", "video", "a video"),
    (rb"(?:\x47.{187}){2}\x47|.{4}(?:\x47.{191}){2}\x47", "video", "an MPEG-TS video"),
    (rb"PK\x03\x04|PK\x05\x06", "archive", "a zip archive"),
    (rb"Rar!|7z\xbc\xaf|\x1f\x8b", "other", "an archive of another kind than zip"),
    (rb"%PDF", "other", "a PDF document"),
    (
        rb"(?i:(?:\xef\xbb\xbf)?(?:\s|<\?xml.*?\?>|<!--.*?-->|<!DOCTYPE svg.*?>)*<svg)",
        "other",
        "an SVG drawing",
    ),
    (rb"(?i:(?:\xef\xbb\xbf)?\s*<\?xml)", "other", "an XML or SVG document"),
    (rb"(?i:(?:\xef\xbb\xbf)?\s*<(?:!DOCTYPE|html))", "other", "an HTML document"),
    (rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "other", "a JPEG 2000 photo" + _UNREAD),
    (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "other", "a JPEG XL photo" + _UNREAD),
    (rb"8BPS", "other", "a Photoshop file" + _UNREAD),
    (rb"\x00\x00[\x01\x02]\x00[^\x00]\x00", "other", "an icon"),
    (
        rb"P[1-7]\s|v/1\x01|#\?RADIANCE|DDS \x7c\x00|qoif|BPG\xfb|icns",
        "other",
        "a picture of a kind that is not read here",
    ),
    (rb"ID3|\xff[\xfb\xf3\xf2]|OggS|fLaC|RIFF....WAVE", "other", "a sound file"),
)
"""What a file begins with, its kind, and what it is in words; the first that matches counts."""

_COMPILED: Final = tuple(
    (re.compile(pattern, re.DOTALL), kind, words) for pattern, kind, words in _SIGNATURES
)


def file_kind(head: bytes) -> Kind:
    """Return what a file is by its content, whatever its name says.

    Args:
        head: its first :data:`HEAD_BYTES` bytes, or all of a shorter file.

    Returns:
        ``other`` also for a kind of photo or video that is not known here.
    """
    return _recognized(head)[0]


def describe_kind(head: bytes) -> str:
    """Say what a file is, e.g. ``a PDF document``; see :func:`file_kind`."""
    return _recognized(head)[1]


def _recognized(head: bytes) -> tuple[Kind, str]:
    for pattern, kind, words in _COMPILED:
        if pattern.match(head):
            return kind, words
    return "other", "a file of another kind"
