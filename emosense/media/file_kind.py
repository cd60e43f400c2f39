"""Tells photos, videos and archives apart by their first bytes; light to import."""

from __future__ import annotations

import re
from typing import Final, Literal

Kind = Literal["photo", "video", "archive", "other"]

HEAD_BYTES: Final = 400
"""So many bytes of a file's beginning are enough: MPEG-TS repeats its mark twice in 389."""

_PATTERNS: Final[tuple[tuple[bytes, Kind], ...]] = (
    (
        rb"\xff\xd8\xff|\x89PNG\r\n|RIFF....WEBP|GIF8|II\*\x00|MM\x00\*|II\+\x00|MM\x00\+|BM",
        "photo",
    ),
    (rb"....ftyp(?:hei[cfmsx]|hev[cx]|mif1|msf1|avi[fs])", "photo"),
    (rb"....(?:ftyp(?!crx)|moov|mdat|wide|free|skip|pnot)", "video"),
    (
        rb"\x1a\x45\xdf\xa3|RIFF....AVI |\x00\x00\x01[\xb3\xba]|FLV\x01|0&\xb2u\x8ef\xcf\x11",
        "video",
    ),
    (rb"(?:\x47.{187}){2}\x47|.{4}(?:\x47.{191}){2}\x47", "video"),
    (rb"PK\x03\x04|PK\x05\x06", "archive"),
)
_KINDS: Final = tuple((re.compile(pattern, re.DOTALL), kind) for pattern, kind in _PATTERNS)


def file_kind(head: bytes) -> Kind:
    """Return what a file is by its content, whatever its name says.

    Args:
        head: its first :data:`HEAD_BYTES` bytes, or all of a shorter file.

    Returns:
        ``other`` also for a kind of photo or video that is not known here.
    """
    for pattern, kind in _KINDS:
        if pattern.match(head):
            return kind
    return "other"


_OTHERS: Final = tuple(
    (re.compile(pattern, re.DOTALL | re.IGNORECASE), words)
    for pattern, words in (
        (rb"%PDF", "a PDF document"),
        (rb"PK\x03\x04|PK\x05\x06", "a zip archive"),
        (rb"Rar!|7z\xbc\xaf|\x1f\x8b", "an archive of another kind than zip"),
        (rb"\s*(?:<\?xml.*)?<svg", "an SVG drawing"),
        (rb"\s*<\?xml", "an XML or SVG document"),
        (rb"\s*<(?:!DOCTYPE|html)", "an HTML document"),
        (rb"\x00\x00\x00\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 photo, which is not read here"),
        (rb"\xff\x0a|\x00\x00\x00\x0cJXL ", "a JPEG XL photo, which is not read here"),
        (rb"8BPS", "a Photoshop file"),
        (rb"\x00\x00[\x01\x02]\x00", "an icon"),
        (rb"FUJIFILMCCD-RAW|....ftypcrx |IIU\x00|IIRO", "a camera's raw file"),
        (rb"....ftyp", "an MP4 or MOV video"),
        (rb"\x1a\x45\xdf\xa3", "a Matroska or WebM video"),
        (rb"ID3|\xff[\xfb\xf3\xf2]|OggS|fLaC|RIFF....WAVE", "a sound file"),
    )
)


def kind_in_words(head: bytes) -> str:
    """Say what a file that is no photo is, e.g. ``a PDF document``; see :func:`file_kind`."""
    for pattern, words in _OTHERS:
        if pattern.match(head):
            return words
    return "a video" if file_kind(head) == "video" else "a file of another kind"
