"""Frames of a live camera, as browsers send them: small JPEG files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from emosense.errors import DamagedMedia, MediaTooLarge, UnsupportedMedia
from emosense.media.headers.jpeg import read_jpeg_header
from emosense.media.headers.structure import HeaderError

if TYPE_CHECKING:
    from emosense.media.images import RgbImage

MAX_SIDE: Final = 1280
"""Longest side of a frame, in pixels."""

MAX_BYTES: Final = 2**19
"""Largest file of a frame."""


def read_live_frame(data: bytes) -> RgbImage:
    """Decode a frame of a live camera.

    Only baseline JPEG of one scan, as canvases of browsers make it, and only small ones: what is sent
    thirty times a second must be cheap whoever sends it.

    Args:
        data: the JPEG file.

    Returns:
        (h, w, 3) uint8 RGB.

    Raises:
        UnsupportedMedia: the file is something else.
        MediaTooLarge: it is too large.
        DamagedMedia: it cannot be decoded.
    """
    import cv2

    if len(data) > MAX_BYTES:
        raise MediaTooLarge(f"Expected a frame of {MAX_BYTES} bytes at most. Received: {len(data)}")
    if data[:3] != b"\xff\xd8\xff":
        raise UnsupportedMedia(f"Expected a JPEG file. Received: {data[:4]!r}")
    try:
        header = read_jpeg_header(data)
    except HeaderError as error:
        raise DamagedMedia(f"Expected a JPEG file. Received: {error}") from None
    if max(header.width, header.height) > MAX_SIDE or header.scans > 1:
        raise MediaTooLarge(
            f"Expected one scan of at most {MAX_SIDE} x {MAX_SIDE} pixels. Received: "
            f"{header.scans} of {header.width} x {header.height}"
        )
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    if pixels is None:
        raise DamagedMedia("Expected a JPEG file. Received: one that is damaged.")
    return np.asarray(pixels, np.uint8)
