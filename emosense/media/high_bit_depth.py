"""Photos of more than 8 bits per channel, as scanners, microscopes and raw converters write them.

Pillow keeps the upper 8 of 16 bits in colour and in grey with alpha, so an image that only
uses the lower bits turns black, and it does not support float colour. Here such files are decoded
by OpenCV or tifffile, and scaled by :mod:`emosense.media.bit_depth_scaling`.
"""

from __future__ import annotations

import io
import logging
import zlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosense.errors import MediaTooLarge, UnsupportedMedia
from emosense.media.bit_depth_scaling import DeepImage, scale_to_rgb
from emosense.media.rgb_bands import RgbImage

_SAMPLE_FORMATS: Final = {1: "whole-number", 2: "whole-number", 3: "float"}

_ORIENTATION: Final = 0x0112
_DNG_VERSION, _SUB_IFDS, _REDUCED_RESOLUTION = 50706, 330, 1
_RAW_PHOTOMETRIC: Final = (32803, 34892)
"""Colour filter array and linear raw (DNG 1.7, chapter 4)."""
_UNCOMPRESSED: Final = 1
_DEFLATE: Final = (8, 32946)
_LIBTIFF_COMPRESSIONS: Final = (5, 32773, *_DEFLATE)
"""Compressions of OpenCV's libtiff: LZW, PackBits and Deflate."""
_FLOAT_PREDICTOR: Final = 3
_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB, _CMYK = 0, 1, 2, 5
_OPENCV_DTYPES: Final = ("uint16", "int16", "float32", "float64")
_PNG_COLOUR_TYPES: Final = (2, 4, 6)


def read_high_bit_depth_png(data: bytes, orientation: int) -> RgbImage | None:
    """Decode a PNG of 16-bit colour, or of 16-bit grey with alpha.

    Args:
        data: content of the PNG file.
        orientation: its EXIF orientation, which is applied.

    Returns:
        (h, w, 3) uint8 RGB, upright; None for any other PNG, which
        Pillow reads.

    Raises:
        ValueError: the file is damaged.
    """
    if len(data) < 26 or data[24] != 16 or data[25] not in _PNG_COLOUR_TYPES:
        return None
    values = _decode_by_opencv(data)
    if values.dtype != np.uint16:
        raise ValueError("no 16-bit picture")
    rgb_order = [2, 1, 0, 3][: values.shape[2]]
    return scale_to_rgb(DeepImage.of_array(values, rgb_order), orientation)


def read_high_bit_depth_tiff(
    data: bytes, max_pixels: int, *, pillow_failed: bool = False
) -> RgbImage | None:
    """Decode a TIFF of more than 8 bits per channel in colour, or of a format that Pillow lacks.

    Args:
        data: content of the TIFF file.
        max_pixels: maximum number of pixels, checked before decoding.
        pillow_failed: whether Pillow cannot open the file; then it is decoded here, or an error
            raised.

    Returns:
        (h, w, 3) uint8 RGB, upright; None for a file that Pillow reads.

    Raises:
        MediaTooLarge: the image has more than ``max_pixels`` pixels.
        UnsupportedMedia: the file is undamaged, but its format is not supported, or it is a raw
            file of a camera, of which Pillow would read the thumbnail.
        ValueError: the file is damaged.
    """
    import tifffile

    logging.getLogger("tifffile").setLevel(logging.CRITICAL)  # errors are reported below
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page: Any = file.pages[0]
        if _is_raw(page, data):
            raise UnsupportedMedia(
                "Expected a photo. Received: a camera's raw file, which is not read here; "
                "saved as JPEG or TIFF it is."
            )
        read_by_pillow = (
            page.samplesperpixel == 1
            and page.bitspersample <= 32
            and int(page.photometric) != _MIN_IS_WHITE
        )
        # Pillow reads CMYK of 16 bits, which always uses its full range.
        is_cmyk = int(page.photometric) == _CMYK
        if not pillow_failed and (page.bitspersample <= 8 or read_by_pillow or is_cmyk):
            return None
        height, width = page.imagelength, page.imagewidth
        if not height or not width:
            raise ValueError("a header without a size")
        if width * height > max_pixels:
            raise MediaTooLarge(
                f"Expected at most {max_pixels / 1e6:.0f} megapixels. Received: an image of "
                f"{width} x {height}."
            )
        sample_format = _SAMPLE_FORMATS.get(int(page.sampleformat), "complex")
        colour = "grey" if page.samplesperpixel == 1 else "colour"
        description = f"a TIFF of {page.bitspersample}-bit {sample_format} {colour}"
        channels = page.samplesperpixel
        if (
            channels not in (1, 3, 4)
            or int(page.photometric) not in (_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB)
            or page.imagedepth > 1
            or sample_format == "complex"
        ):
            description += f" in {page.imagedepth} layers" if page.imagedepth > 1 else ""
            raise UnsupportedMedia(
                f"Expected a photo in grey or RGB. Received: {description} with {channels} channels."
            )
        values, channel_order = _decode_page(page, data, max_pixels)
        if values is None:
            raise UnsupportedMedia(
                f"Expected a photo. Received: {description}, packed in a way that is not read here; "
                "saved without compression it is."
            )
        orientation = page.tags.valueof(_ORIENTATION, 1)
    if values.size != height * width * channels:
        raise ValueError("another size than the header says")
    if channels > 1 and int(page.planarconfig) == 2:  # stored plane by plane
        values = np.moveaxis(values.reshape(channels, height, width), 0, -1)
    shape = (height, width) if channels == 1 else (height, width, channels)
    deep = DeepImage.of_array(values.reshape(shape), channel_order)
    image = scale_to_rgb(deep, orientation)
    if int(page.photometric) == _MIN_IS_WHITE:
        np.subtract(255, image, out=image)
    return image


def _is_raw(page: Any, data: bytes) -> bool:
    """Return whether it is a raw file of a camera (CR2, DNG, NEF, ARW, ...) with a thumbnail first."""
    return (
        data[8:11] == b"CR\x02"
        or _DNG_VERSION in page.tags
        or int(page.photometric) in _RAW_PHOTOMETRIC
        or (_SUB_IFDS in page.tags and bool(int(page.subfiletype) & _REDUCED_RESOLUTION))
    )


def _decode_page(
    page: Any, data: bytes, max_pixels: int
) -> tuple[npt.NDArray[Any] | None, list[int] | None]:
    """Return a page's values, None if its compression is not supported, and its channels' order.

    OpenCV's libtiff never decompresses more than the header declares, but supports few dtypes;
    tifffile decompresses Deflate of any size, which is therefore checked before.
    """
    channels = page.samplesperpixel
    if (
        page.compression in _LIBTIFF_COMPRESSIONS
        and (channels == 1 or int(page.planarconfig) == 1)  # OpenCV mixes up separate planes
        and int(page.photometric) in (_MIN_IS_WHITE, _MIN_IS_BLACK, _RGB)
        and str(page.dtype) in _OPENCV_DTYPES
    ):
        values = _decode_by_opencv(data)
        return values, [2, 1, 0, 3][:channels] if channels > 1 else None
    if page.compression in _DEFLATE and page.predictor != _FLOAT_PREDICTOR:
        _check_deflate_size(page, data, max_pixels)
    elif page.compression != _UNCOMPRESSED:
        return None, None
    return np.asarray(page.asarray()), None


def _decode_by_opencv(data: bytes) -> npt.NDArray[Any]:
    import cv2

    flags = cv2.IMREAD_UNCHANGED | cv2.IMREAD_IGNORE_ORIENTATION
    values = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if values is None:
        raise ValueError("it cannot be decoded")
    return np.asarray(values)


def _check_deflate_size(page: Any, data: bytes, max_pixels: int) -> None:
    """Refuse a page with a strip or tile that decompresses to more than its declared size."""
    if page.is_tiled:
        pixels = page.tilewidth * page.tilelength
    else:
        pixels = page.imagewidth * min(page.rowsperstrip, page.imagelength)
    if pixels > max_pixels:
        raise MediaTooLarge(
            f"Expected at most {max_pixels / 1e6:.0f} megapixels. Received: a TIFF in tiles of more."
        )
    max_bytes = pixels * page.samplesperpixel * page.dtype.itemsize
    for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True):
        compressed = data[offset : offset + count]
        if len(zlib.decompressobj().decompress(compressed, max_bytes + 1)) > max_bytes:
            raise ValueError("more in it than the header says")
