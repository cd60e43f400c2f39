"""Photos with more than 8 bits a channel, as scanners, microscopes and raw converters write them.

Pillow keeps the upper 8 of 16 bits of a colour picture, which loses one that uses only the lower
ones, as it does with grey beside transparency, and does not know floats in colour at all. Here the range that is used decides: whole numbers
are of the least of 8, 10, 12, 14, 16, 24 or 32 bits (signed ones also of 7, 15 or 31) that holds
the largest one, floats lie in
0..1, in 0..255 or in 0..65535. Negative values are lifted to 0, what is no number is black.
"""

from __future__ import annotations

import io
import logging
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosense.errors import MediaTooLarge, UnsupportedMedia

RgbImage = npt.NDArray[np.uint8]

_BITS: Final = (8, 10, 12, 14, 16, 24, 32)
_NUMBERS: Final = {1: "whole-number", 2: "whole-number", 3: "float"}
_FLOATS: Final = (1.0, 255.0, 65535.0)
_PNG_COLOUR: Final = (2, 4, 6)
_SIGNED_BITS: Final = (7, 15, 31)
_log = logging.getLogger(__name__)


def deep_to_rgb(values: npt.NDArray[Any]) -> RgbImage:
    """Scale grey or colour of any depth to 8 bits.

    Args:
        values: (h, w), (h, w, 3) or (h, w, 4) of whole numbers or floats; a fourth channel is
            transparency and laid on white.

    Returns:
        (h, w, 3) uint8 RGB.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # too large is as infinite: black
        scaled: npt.NDArray[Any] = np.nan_to_num(
            values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0
        )
    scaled -= min(0.0, float(scaled.min(initial=0.0)))
    opaque: npt.NDArray[Any] | None = None
    if scaled.ndim == 3 and scaled.shape[2] == 4:
        scaled, opaque = scaled[..., :3], scaled[..., 3:]  # which may use bits that colour does not
        opaque = opaque / _full_scale(opaque, values.dtype)
    scaled = scaled * (255 / _full_scale(scaled, values.dtype))
    if opaque is not None:
        scaled = scaled * opaque + 255 * (1 - opaque)
    pixels = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return np.repeat(pixels[..., np.newaxis], 3, axis=2) if pixels.ndim == 2 else pixels


def read_deep_png(data: bytes) -> RgbImage | None:
    """Decode a PNG of 16-bit colour, or of 16-bit grey with transparency; None for any other.

    Raises:
        ValueError: it is broken.
    """
    if len(data) < 26 or data[24] != 16 or data[25] not in _PNG_COLOUR:
        return None
    import cv2

    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    values = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if values is None or values.dtype != np.uint16:
        raise ValueError("no 16-bit picture")
    order = [2, 1, 0, 3][: values.shape[2]]
    return deep_to_rgb(values[..., order])


def read_deep_tiff(data: bytes, max_pixels: int, *, only: bool = False) -> RgbImage | None:
    """Decode a TIFF with more than 8 bits a channel in colour, or of a kind that Pillow lacks.

    Args:
        data: the file.
        max_pixels: checked before decoding.
        only: whether Pillow has refused it, so that it is read or told here.

    Returns:
        (h, w, 3) uint8 RGB, not yet upright; None for what Pillow reads as well.

    Raises:
        MediaTooLarge: above the limit.
        UnsupportedMedia: a sound file of a kind that is not read here.
        ValueError: it is broken.
    """
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what is wrong is told here
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        known = page.samplesperpixel == 1 and page.bitspersample <= 32 and int(page.photometric)
        if not only and (page.bitspersample <= 8 or known):
            return None
        height, width = page.imagelength, page.imagewidth
        if not height or not width:
            raise ValueError("a header without a size")
        if width * height > max_pixels:
            raise MediaTooLarge(
                f"Expected at most {max_pixels / 1e6:.0f} megapixels. Received: an image of "
                f"{width} x {height}."
            )
        number = _NUMBERS.get(int(page.sampleformat), "complex")
        colour = "grey" if page.samplesperpixel == 1 else "colour"
        kind = f"a TIFF of {page.bitspersample}-bit {number} {colour}"
        channels = page.samplesperpixel
        if (
            channels not in (1, 3, 4)
            or int(page.photometric) not in (0, 1, 2)
            or page.imagedepth > 1
            or number == "complex"
        ):
            kind += f" in {page.imagedepth} layers" if page.imagedepth > 1 else ""
            raise UnsupportedMedia(
                f"Expected a photo in grey or RGB. Received: {kind} with {channels} channels."
            )
        try:
            values = page.asarray()
        except (ValueError, RuntimeError, KeyError) as error:
            if "requires" not in str(error) and "codec" not in str(error).lower():
                raise
            _log.debug("a TIFF's compression is not read", exc_info=error)
            raise UnsupportedMedia(
                f"Expected a photo. Received: {kind}, packed in a way that is not read here; "
                "saved without compression it is."
            ) from error
    if values.size != height * width * channels:
        raise ValueError("another size than the header says")
    if channels > 1 and int(page.planarconfig) == 2:  # one plane after the other
        values = np.moveaxis(values.reshape(channels, height, width), 0, -1)
    shape = (height, width) if channels == 1 else (height, width, channels)
    picture = deep_to_rgb(values.reshape(shape))
    return picture if int(page.photometric) else np.asarray(255 - picture)  # 0: white is 0


def _full_scale(values: npt.NDArray[Any], kind: np.dtype[Any]) -> float:
    """Return what stands for 255, by the largest value and the numbers' kind in the file."""
    largest = float(values.max(initial=0.0))
    if np.issubdtype(kind, np.integer):
        bits = sorted(_BITS + _SIGNED_BITS) if np.issubdtype(kind, np.signedinteger) else _BITS
        tops = (float(np.float32(2.0**b - 1)) for b in bits)  # as the values were rounded
        return next((top for top in tops if largest <= top), largest)
    return next((top for top in _FLOATS if largest <= top), largest)
