"""Which videos browsers play themselves, and show as they are analysed; others need a preview."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from emosense.media.orientation import display_matrix
from emosense.media.tone_mapping import is_hdr

_CODECS: Final = {
    "mp4": frozenset({"h264", "vp9", "av1"}),
    "webm": frozenset({"vp8", "vp9", "av1"}),
}
"""FFmpeg's names of the codecs that current browsers play, by container (MDN, "Web video codec guide")."""
_DECODERS: Final = {"libdav1d": "av1", "libaom-av1": "av1", "libvpx": "vp8", "libvpx-vp9": "vp9"}
"""Codecs by the names of FFmpeg's decoders that are called otherwise."""
_PIXEL_FORMATS: Final = frozenset({"yuv420p", "yuvj420p"})
_ONE: Final = 1 << 16
_ROTATIONS: Final = frozenset(
    {(_ONE, 0, 0, _ONE), (0, _ONE, -_ONE, 0), (-_ONE, 0, 0, -_ONE), (0, -_ONE, _ONE, 0)}
)
"""Display matrices that all browsers apply: by quarter turns, neither mirrored nor scaled."""
_HEAD_BYTES: Final = 64
_EBML: Final = b"\x1a\x45\xdf\xa3"

Matrix = tuple[int, int, int, int]


@dataclass(frozen=True)
class VideoForm:
    """How a video is stored.

    Attributes:
        container: ``mp4`` (also QuickTime's and 3GPP's) or ``webm``; else another word.
        codec: FFmpeg's name of the codec.
        pixel_format: FFmpeg's name of the pixel format.
        transfer: transfer characteristics (code point of H.273).
        matrix: ``(a, b, c, d)`` of the display matrix in units of 1 / 65536 (ISO/IEC 14496-12,
            8.3.2); None if there is none.
        tracks: number of picture tracks, of which browsers show the first.

    >>> VideoForm("mp4", "h264", "yuv420p").tracks
    1
    """

    container: str
    codec: str
    pixel_format: str
    transfer: int = 2
    matrix: Matrix | None = None
    tracks: int = 1

    @classmethod
    def of(cls, path: Path, first_frame: Any, codec: str, tracks: int) -> VideoForm:
        """Return the form of a video.

        Args:
            path: path of the file.
            first_frame: its first decoded frame (PyAV).
            codec: FFmpeg's name of its codec or decoder.
            tracks: number of picture tracks.
        """
        try:
            matrix = display_matrix(first_frame)
        except ValueError:  # side data of a type that PyAV does not know hides it
            turns = round(first_frame.rotation / 90) % 4
            matrix = None if turns == 0 else (0, 0, 0, 0)
        return cls(
            _container(path),
            _DECODERS.get(codec, codec),
            first_frame.format.name,
            int(first_frame.color_trc),
            matrix,
            tracks,
        )


def browser_media_type(form: VideoForm) -> str | None:
    """Return the media type under which browsers play a file; None for one that needs a preview.

    Browsers do not play every codec and container, and show some otherwise than they are analysed:
    HDR without our tone mapping, mirrored pictures as they are stored, the first of several tracks.

    >>> browser_media_type(VideoForm("mp4", "h264", "yuv420p"))
    'video/mp4'
    >>> browser_media_type(VideoForm("mp4", "h264", "yuv420p10le")) is None
    True
    """
    plays = (
        form.codec in _CODECS.get(form.container, ())
        and form.pixel_format in _PIXEL_FORMATS
        and not is_hdr(form.transfer)
        and form.tracks == 1
    )
    # Matroska's projection, of which FFmpeg makes a matrix, is ignored.
    rotations = _ROTATIONS if form.container == "mp4" else {(_ONE, 0, 0, _ONE)}
    if not plays or (form.matrix is not None and form.matrix not in rotations):
        return None
    return f"video/{form.container}"


def _container(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head[4:8] == b"ftyp":
        return "mp4"
    # The DocType tells WebM from Matroska (RFC 8794, 11.2.6).
    return "webm" if head.startswith(_EBML) and b"webm" in head else "other"
