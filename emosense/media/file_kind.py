"""File type detection by signatures (magic numbers); imports no heavy package."""

from __future__ import annotations

import re
from typing import Final, Literal

Kind = Literal["photo", "video", "archive", "other"]

HEAD_BYTES: Final = 400
"""Number of leading bytes that identify a file: MPEG-TS has its third sync byte within 389."""

_UNSUPPORTED: Final = ", which is not read here"
_SIGNATURES: Final[tuple[tuple[bytes, Kind, str], ...]] = (
    (rb"\xff\xd8\xff", "photo", "a JPEG photo"),
    (rb"\x89PNG\r\n", "photo", "a PNG photo"),
    (rb"RIFF....WEBP", "photo", "a WebP photo"),
    (rb"GIF8[79]a", "photo", "a GIF picture"),
    (
        rb"II\*\x00.{4}CR\x02|IIU\x00|IIRO|FUJIFILMCCD-RAW",
        "other",
        "a camera's raw file" + _UNSUPPORTED,
    ),
    (rb"II[*+]\x00|MM\x00[*+]", "photo", "a TIFF photo"),
    # BITMAPFILEHEADER, then the size of one of the headers that follow it.
    (rb"BM.{12}[\x0c\x10\x28\x34\x38\x40\x6c\x7c]\x00\x00\x00", "photo", "a BMP photo"),
    # The same without the first header: one plane, and the bits per pixel.
    (
        rb"[\x28\x6c\x7c]\x00\x00\x00.{8}\x01\x00[\x01\x04\x08\x10\x18\x20]\x00",
        "photo",
        "a BMP photo",
    ),
    (rb"....ftyp(?:hei[cfmsx]|hev[cx]|mif1|msf1)", "photo", "a HEIC photo"),
    (rb"....ftypavi[fs]", "photo", "an AVIF photo"),
    (rb"....ftypcrx ", "other", "a camera's raw file" + _UNSUPPORTED),
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
    (rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "other", "a JPEG 2000 photo" + _UNSUPPORTED),
    (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "other", "a JPEG XL photo" + _UNSUPPORTED),
    (rb"8BPS", "other", "a Photoshop file" + _UNSUPPORTED),
    (rb"\x00\x00[\x01\x02]\x00[^\x00]\x00", "other", "an icon"),
    (
        rb"P[1-7]\s|v/1\x01|#\?RADIANCE|DDS \x7c\x00|qoif|BPG\xfb|icns",
        "other",
        "a picture of a kind that is not read here",
    ),
    (rb"ID3|\xff[\xfb\xf3\xf2]|OggS|fLaC|RIFF....WAVE", "other", "a sound file"),
)
"""(pattern of the first bytes, kind, description); the first match counts."""

_COMPILED: Final = tuple(
    (re.compile(pattern, re.DOTALL), kind, description)
    for pattern, kind, description in _SIGNATURES
)


def file_kind(head: bytes) -> Kind:
    """Return the kind of a file by its content, whatever its name.

    Args:
        head: first :data:`HEAD_BYTES` bytes of the file, or all of a shorter file.

    Returns:
        The kind; ``other`` also for photo and video formats that are not supported.
    """
    return _match_signature(head)[0]


def describe_kind(head: bytes) -> str:
    """Return a description of a file's type, e.g. ``a PDF document``.

    Args:
        head: first bytes of the file, as for :func:`file_kind`.
    """
    return _match_signature(head)[1]


def _match_signature(head: bytes) -> tuple[Kind, str]:
    for pattern, kind, description in _COMPILED:
        if pattern.match(head):
            return kind, description
    return "other", "a file of another kind"
