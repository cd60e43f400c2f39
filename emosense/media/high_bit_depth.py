"""Photos with more than 8 bits a channel, as scanners, microscopes and raw converters write them.

Pillow keeps the upper 8 of 16 bits of a colour picture, which loses one that uses only the lower
ones, as it does with grey beside transparency, and does not know floats in colour at all. Here
the range that is used decides what white is. Whole numbers are of the least of 8, 10, 12, 14, 16,
24 or 32 bits (signed ones also of 7, 15 or 31) that holds the largest one; negative ones are
lifted to 0. So a dark picture becomes brighter, at most four times, and none loses its lights.
Floats lie in 0..1 or in 0..(2^bits - 1), by the 99th percentile of what is above 0: resampling
and sharpening leave some values beyond white and below black, which are clipped. What is no
number is black.
"""

from __future__ import annotations

import io
import logging
import math
import zlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from emosense.errors import MediaTooLarge, UnsupportedMedia

RgbImage = npt.NDArray[np.uint8]

_BITS: Final = (8, 10, 12, 14, 16, 24, 32)
_NUMBERS: Final = {1: "whole-number", 2: "whole-number", 3: "float"}
_FLOATS: Final = (1.0, *(2.0**bits - 1 for bits in _BITS))
_PERCENTILE: Final = 99
_SAMPLE: Final = 1_000_000
"""Pixels that are sampled for the percentile."""
_MAX_NEGATIVE_FRACTION: Final = 0.01
"""Share of a float picture's values below 0, above which 0 is not its black."""

_ORIENTATION: Final = 0x0112
_DNG_VERSION, _SUB_IFDS, _REDUCED = 50706, 330, 1
_RAW_PHOTOMETRIC: Final = (32803, 34892)
"""Colour filter array and linear raw (DNG 1.7, chapter 4)."""
_NOT_PACKED: Final = 1
_DEFLATE: Final = (8, 32946)
_OF_LIBTIFF: Final = (5, 32773, *_DEFLATE)
"""LZW, PackBits and Deflate, which OpenCV's packages always have."""
_FLOAT_PREDICTOR: Final = 3
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _CMYK = 0, 1, 2, 5
_OF_OPENCV: Final = ("uint16", "int16", "float32", "float64")
_PNG_COLOUR: Final = (2, 4, 6)
_SIGNED_BITS: Final = (7, 15, 31)


def high_bit_depth_to_rgb(values: npt.NDArray[Any]) -> RgbImage:
    """Scale grey or colour of any depth to 8 bits.

    Args:
        values: (h, w), (h, w, 3) or (h, w, 4) of whole numbers or floats; a fourth channel is
            transparency and laid on white.

    Returns:
        (h, w, 3) uint8 RGB.

    Raises:
        UnsupportedMedia: floats around 0.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # too large is as infinite: black
        scaled: npt.NDArray[Any] = np.nan_to_num(
            values.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0
        )
    if np.issubdtype(values.dtype, np.integer):
        scaled -= min(0.0, float(scaled.min(initial=0.0)))
    elif (_sampled(scaled) < 0).mean() > _MAX_NEGATIVE_FRACTION:
        raise UnsupportedMedia(
            "Expected a photo whose black is 0. Received: floats with many values below it."
        )
    opaque: npt.NDArray[Any] | None = None
    if scaled.ndim == 3 and scaled.shape[2] == 4:
        scaled, opaque = scaled[..., :3], scaled[..., 3:]  # which may use bits that colour does not
        opaque = opaque / _full_scale(opaque, values.dtype)
    scaled = scaled * (255 / _full_scale(scaled, values.dtype))
    if opaque is not None:
        scaled = scaled * opaque + 255 * (1 - opaque)
    pixels = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return np.repeat(pixels[..., np.newaxis], 3, axis=2) if pixels.ndim == 2 else pixels


def read_high_bit_depth_png(data: bytes) -> RgbImage | None:
    """Decode a PNG of 16-bit colour, or of 16-bit grey with transparency; None for any other.

    Raises:
        ValueError: it is broken.
    """
    if len(data) < 26 or data[24] != 16 or data[25] not in _PNG_COLOUR:
        return None
    values = _by_opencv(data)
    if values.dtype != np.uint16:
        raise ValueError("no 16-bit picture")
    order = [2, 1, 0, 3][: values.shape[2]]
    return high_bit_depth_to_rgb(values[..., order])


def read_high_bit_depth_tiff(
    data: bytes, max_pixels: int, *, only: bool = False
) -> RgbImage | None:
    """Decode a TIFF with more than 8 bits a channel in colour, or of a kind that Pillow lacks.

    Args:
        data: the file.
        max_pixels: checked before decoding.
        only: whether Pillow has refused it, so that it is read or reported here.

    Returns:
        (h, w, 3) uint8 RGB, upright; None for what Pillow reads as well.

    Raises:
        MediaTooLarge: above the limit.
        UnsupportedMedia: a sound file of a kind that is not read here, or a camera's raw file, of
            which Pillow would show the thumbnail.
        ValueError: it is broken.
    """
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # what is wrong is reported here
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        if _is_raw(page, data):
            raise UnsupportedMedia(
                "Expected a photo. Received: a camera's raw file, which is not read here; "
                "saved as JPEG or TIFF it is."
            )
        known = (
            page.samplesperpixel == 1
            and page.bitspersample <= 32
            and int(page.photometric) != _MIN_IS_WHITE
        )
        in_print = int(page.photometric) == _CMYK  # all 16 bits are used, Pillow reads it
        if not only and (page.bitspersample <= 8 or known or in_print):
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
            or int(page.photometric) not in (_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB)
            or page.imagedepth > 1
            or number == "complex"
        ):
            kind += f" in {page.imagedepth} layers" if page.imagedepth > 1 else ""
            raise UnsupportedMedia(
                f"Expected a photo in grey or RGB. Received: {kind} with {channels} channels."
            )
        values = _unpacked(page, data, max_pixels)
        if values is None:
            raise UnsupportedMedia(
                f"Expected a photo. Received: {kind}, packed in a way that is not read here; "
                "saved without compression it is."
            )
        orientation = page.tags.valueof(_ORIENTATION, 1)
    if values.size != height * width * channels:
        raise ValueError("another size than the header says")
    if channels > 1 and int(page.planarconfig) == 2:  # one plane after the other
        values = np.moveaxis(values.reshape(channels, height, width), 0, -1)
    shape = (height, width) if channels == 1 else (height, width, channels)
    picture = high_bit_depth_to_rgb(values.reshape(shape))
    if int(page.photometric) == _MIN_IS_WHITE:
        picture = np.asarray(255 - picture)
    return apply_orientation(picture, orientation)


def apply_orientation(picture: RgbImage, orientation: object) -> RgbImage:
    """Turn and mirror a picture as an EXIF orientation of 1 to 8 says; any other does nothing."""
    image = Image.fromarray(picture)
    image.getexif()[_ORIENTATION] = orientation if isinstance(orientation, int) else 1
    return np.asarray(ImageOps.exif_transpose(image))


def _is_raw(page: Any, data: bytes) -> bool:
    """Tell a camera's raw file (CR2, DNG, NEF, ARW, ...), which begins with a thumbnail."""
    return (
        data[8:11] == b"CR\x02"
        or _DNG_VERSION in page.tags
        or int(page.photometric) in _RAW_PHOTOMETRIC
        or (_SUB_IFDS in page.tags and bool(int(page.subfiletype) & _REDUCED))
    )


def _unpacked(page: Any, data: bytes, max_pixels: int) -> npt.NDArray[Any] | None:
    """Return a page's values, or None where its packing is not read here.

    OpenCV's libtiff never unpacks more than the header declares, but does not know all kinds;
    tifffile unpacks Deflate whatever its size, which therefore is measured before.
    """
    channels = page.samplesperpixel
    if (
        page.compression in _OF_LIBTIFF
        and (channels == 1 or int(page.planarconfig) == 1)  # planes come out mixed up
        and int(page.photometric) in (_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB)
        and str(page.dtype) in _OF_OPENCV
    ):
        values = _by_opencv(data)
        return values[..., [2, 1, 0, 3][:channels]] if channels > 1 else values
    if page.compression in _DEFLATE and page.predictor != _FLOAT_PREDICTOR:
        _measure_deflate(page, data, max_pixels)
    elif page.compression != _NOT_PACKED:
        return None
    return np.asarray(page.asarray())


def _by_opencv(data: bytes) -> npt.NDArray[Any]:
    import cv2

    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    values = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if values is None:
        raise ValueError("it cannot be decoded")
    return np.asarray(values)


def _measure_deflate(page: Any, data: bytes, max_pixels: int) -> None:
    """Refuse a page of which a strip or tile unpacks to more than its size."""
    if page.is_tiled:
        pixels = page.tilewidth * page.tilelength
    else:
        pixels = page.imagewidth * min(page.rowsperstrip, page.imagelength)
    if pixels > max_pixels:
        raise MediaTooLarge(
            f"Expected at most {max_pixels / 1e6:.0f} megapixels. Received: a TIFF in tiles of more."
        )
    limit = pixels * page.samplesperpixel * page.dtype.itemsize
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        packed = data[offset : offset + count]
        if len(zlib.decompressobj().decompress(packed, limit + 1)) > limit:
            raise ValueError("more in it than the header says")


def _full_scale(values: npt.NDArray[Any], kind: np.dtype[Any]) -> float:
    """Return what stands for 255, by the largest value and the numbers' kind in the file."""
    if np.issubdtype(kind, np.integer):
        largest = float(values.max(initial=0.0))
        bits = sorted(_BITS + _SIGNED_BITS) if np.issubdtype(kind, np.signedinteger) else _BITS
        tops = tuple(float(np.float32(2.0**b - 1)) for b in bits)  # as the values were rounded
    else:
        lit = _sampled(values)
        lit = lit[lit > 0]
        largest = float(np.percentile(lit, _PERCENTILE)) if lit.size else 0.0
        tops = _FLOATS
    return next((top for top in tops if largest <= top), largest)


def _sampled(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the values of at most about a million pixels, evenly spread."""
    step = math.isqrt(values.shape[0] * values.shape[1] // _SAMPLE) + 1
    return values[::step, ::step]
