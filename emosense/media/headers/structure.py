"""What the headers of a photo say about its size, and about the effort of decoding it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PhotoHeader:
    """Size, samples and structure of an encoded photo, as its headers state them.

    Of an animation it describes the first frame, of a file of several images the main one.

    Attributes:
        format: ``JPEG``, ``PNG``, ``WebP``, ``GIF``, ``TIFF``, ``BMP``, ``AVIF`` or ``HEIC``.
        width: stored width in pixels, before any EXIF orientation.
        height: stored height in pixels.
        channels: samples per pixel as they are stored, alpha included: 1 for palettes.
        bit_depth: bits per sample.
        has_alpha: whether a pixel may be transparent.
        coded_samples: samples that a decoder produces, each time that it does: every scan of a
            JPEG and every tile or strip of a TIFF counts.
        scans: entropy-coded scans of a JPEG; 1 for other formats.
        parts: strips or tiles of a TIFF, tiles of a HEIC or AVIF grid; 1 for other formats.
        part_samples: samples of one strip or tile of a TIFF, which is decoded at once; else 0.
        sections: JPEG segments, PNG chunks, RIFF chunks, GIF blocks, TIFF entries or boxes.
        metadata_bytes: bytes of EXIF, XMP, ICC profile, comments and texts, as they are stored.
        whole_picture: whether the decoder keeps the whole picture in memory of its own beside its
            output: coefficients of a progressive JPEG, frames of WebP, AVIF and HEIC.
        compression: name of the compression where the format has several; else empty.
        hdr: whether its colours are PQ or HLG.
        file_bytes: size of the file.
        coded_bytes: compressed bytes of the picture where they are stated, else 0; more than the file
            has if its strips, tiles or items share them.

    >>> PhotoHeader("PNG", width=640, height=480, channels=3).pixels
    307200
    """

    format: str
    width: int
    height: int
    channels: int = 3
    bit_depth: int = 8
    has_alpha: bool = False
    coded_samples: int = 0
    scans: int = 1
    parts: int = 1
    part_samples: int = 0
    sections: int = 0
    metadata_bytes: int = 0
    whole_picture: bool = False
    compression: str = ""
    hdr: bool = False
    file_bytes: int = 0
    coded_bytes: int = 0

    @property
    def pixels(self) -> int:
        """Width times height."""
        return self.width * self.height


class HeaderError(Exception):
    """The headers of a photo cannot be followed; no error of the package's interface.

    >>> raise HeaderError("no frame header")
    Traceback (most recent call last):
    emosense.media.headers.structure.HeaderError: no frame header
    """


class HeaderLimitError(HeaderError):
    """A header has more entries than are followed.

    Attributes:
        limit: what at most is followed, e.g. ``100,000 chunks``.

    >>> HeaderLimitError("100,000 chunks").limit
    '100,000 chunks'
    """

    def __init__(self, limit: str) -> None:
        super().__init__(f"more than {limit}")
        self.limit = limit
