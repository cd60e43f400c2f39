"""Safe decoding of photos: bytes, paths, PIL images or arrays -> upright RGB arrays."""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from emosense.errors import DamagedMedia, MediaError, MediaTooLarge, UnsupportedMedia
from emosense.media.formats import PHOTO_FORMATS, heif_installed

PhotoSource = str | Path | bytes | Image.Image | npt.NDArray[np.generic]
RgbImage = npt.NDArray[np.uint8]

_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")

_PHOTO_START: Final = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n|RIFF....WEBP|GIF8|II\*\x00|MM\x00\*|BM|....ftypavi", re.DOTALL
)
_MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    (4, b"ftyphei", "a HEIC photo; to read it: pip install pillow-heif"),
    (4, b"ftypmif1", "a HEIC photo; to read it: pip install pillow-heif"),
    (4, b"ftyp", "an MP4 or MOV video"),
    (0, b"\x1a\x45\xdf\xa3", "a Matroska or WebM video"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a zip archive"),
    (0, b"<svg", "an SVG drawing"),
    (0, b"<?xml", "an XML or SVG document"),
    (0, b"<!DOCTYPE", "an HTML document"),
    (0, b"<html", "an HTML document"),
)


@dataclass(frozen=True)
class PhotoLimits:
    """What a photo may cost.

    Attributes:
        max_bytes: of the encoded file.
        max_pixels: width times height of the decoded image; checked before decoding, so a
            decompression bomb is refused by its header.
    """

    max_bytes: int = 50 * 1024 * 1024
    max_pixels: int = 80_000_000


def read_photo(source: PhotoSource, limits: PhotoLimits | None = None) -> RgbImage:
    """Decode a photo.

    EXIF orientation is honoured, transparency is laid on white, CMYK, palette, grey and
    16-bit images are converted, an animation gives its first frame.

    Args:
        source: a path, the encoded bytes, a PIL image, or an array: (h, w) grey,
            (h, w, 3) RGB or (h, w, 4) RGBA; uint8 in 0..255, uint16 in 0..65535 or
            float in 0..1.
        limits: the default limits if None.

    Returns:
        (h, w, 3) uint8 RGB, upright.

    Raises:
        MediaTooLarge: above a limit.
        UnsupportedMedia: not a photo in a format that is read here.
        DamagedMedia: broken or cut off.
    """
    limits = limits or PhotoLimits()
    if isinstance(source, np.ndarray):
        return _from_array(source, limits)
    if isinstance(source, Image.Image):
        if 0 in source.size:
            raise UnsupportedMedia(
                f"Expected an image with pixels. Received: {source.width} x {source.height}."
            )
        _check_pixels(source.size, limits)
        return _decoded(source)
    if isinstance(source, bytes):
        return _from_bytes(source, limits)
    return _from_bytes(_read_file(Path(source), limits), limits)


def _read_file(path: Path, limits: PhotoLimits) -> bytes:
    try:
        _check_bytes(path.stat().st_size, limits)
        return path.read_bytes()
    except FileNotFoundError:
        raise MediaError(f"There is no file {path}.") from None
    except OSError as error:
        raise MediaError(f"{path} cannot be read: {error.strerror or error}.") from error


def _from_bytes(data: bytes, limits: PhotoLimits) -> RgbImage:
    _check_bytes(len(data), limits)
    if not data:
        raise DamagedMedia("The file is empty (0 bytes).")
    formats = _FORMATS + (("HEIF",) if _heif_available() else ())
    try:
        with warnings.catch_warnings():
            # Our own limit decides on size, and oddities of metadata do not matter.
            warnings.simplefilter("ignore")
            _let_pillow_open(limits.max_pixels)
            image = Image.open(io.BytesIO(data), formats=formats)
            _check_pixels(image.size, limits)
            return _decoded(image)
    except UnidentifiedImageError:
        if _PHOTO_START.match(data):
            raise DamagedMedia(
                "The photo is damaged or cut off: its beginning is right, the rest is not."
            ) from None
        raise UnsupportedMedia(
            f"Expected a photo ({PHOTO_FORMATS}). Received: {_describe(data)}."
        ) from None
    except Image.DecompressionBombError:
        raise MediaTooLarge(
            f"Expected at most {limits.max_pixels / 1e6:.0f} megapixels. "
            "Received: an image that declares far more."
        ) from None
    except MediaError:
        raise
    except Exception as error:  # parsers of headers raise whatever they stumble on
        raise _damaged(error) from error


def _let_pillow_open(pixels: int) -> None:
    """Raise the bound of Pillow's own guard if a larger one is asked for; ours comes after it."""
    if Image.MAX_IMAGE_PIXELS is not None and pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = pixels


def _decoded(image: Image.Image) -> RgbImage:
    try:
        image.load()
        return _to_rgb(image)
    except MemoryError:
        raise MediaTooLarge("The image needs more memory than there is.") from None
    except Exception as error:  # decoders raise OSError, ValueError, SyntaxError, struct.error, ...
        raise _damaged(error) from error


def _damaged(error: Exception) -> DamagedMedia:
    return DamagedMedia(f"The photo is damaged or cut off and cannot be decoded ({error}).")


def _to_rgb(image: Image.Image) -> RgbImage:
    upright = ImageOps.exif_transpose(_with_readable_exif(image))
    if upright.mode.startswith("I") or upright.mode == "F":
        return _from_wide_grey(np.asarray(upright))
    if upright.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in upright.info:
        rgba = upright.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        upright = Image.alpha_composite(white, rgba)
    return np.asarray(upright.convert("RGB"))


def _with_readable_exif(image: Image.Image) -> Image.Image:
    """Drop an EXIF block that cannot be parsed: the pixels are still good."""
    try:
        image.getexif().get(0x0112)
    except Exception:  # a broken block raises whatever its parser stumbles on
        image = image.copy()
        image.info.pop("exif", None)
        image._exif = None
    return image


def _from_wide_grey(values: npt.NDArray[np.generic]) -> RgbImage:
    """Scale 16-bit, 32-bit and float grey to 8 bits, by their own range of values."""
    grey = values.astype(np.float64)
    top = float(grey.max(initial=0.0))
    if values.dtype == np.uint16 or top > 255:
        grey /= max(65535.0, top) / 255.0
    elif 0 < top <= 1:
        grey *= 255.0
    return _stack(np.clip(grey, 0, 255).astype(np.uint8))


def _from_array(array: npt.NDArray[np.generic], limits: PhotoLimits) -> RgbImage:
    shapes = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if not shapes or array.size == 0:
        raise UnsupportedMedia(
            "Expected an array of shape (height, width), (height, width, 3) or "
            f"(height, width, 4). Received: {array.shape}"
        )
    _check_pixels((array.shape[1], array.shape[0]), limits)
    if np.issubdtype(array.dtype, np.floating):
        if not np.isfinite(array).all() or array.min() < 0 or array.max() > 1:
            raise UnsupportedMedia("Expected a float array with values in 0..1.")
        array = np.round(array.astype(np.float64) * 255).astype(np.uint8)
    elif array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)  # type: ignore[operator]
    elif array.dtype == np.bool_:
        array = array.astype(np.uint8) * np.uint8(255)
    elif array.dtype != np.uint8:
        raise UnsupportedMedia(
            "Expected an array of uint8 (0..255), uint16 (0..65535) or float (0..1). "
            f"Received: {array.dtype}"
        )
    pixels = np.asarray(array, np.uint8)
    if pixels.ndim == 2 or pixels.shape[2] == 1:
        return _stack(pixels.reshape(pixels.shape[:2]))
    if pixels.shape[2] == 4:
        return _to_rgb(Image.fromarray(pixels))
    return np.ascontiguousarray(pixels)


def _stack(grey: npt.NDArray[np.uint8]) -> RgbImage:
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


def _check_bytes(size: int, limits: PhotoLimits) -> None:
    if size > limits.max_bytes:
        raise MediaTooLarge(
            f"Expected at most {limits.max_bytes / 2**20:.0f} MB. "
            f"Received: a file of {size / 2**20:.1f} MB."
        )


def _check_pixels(size: tuple[int, int], limits: PhotoLimits) -> None:
    width, height = size
    if width * height > limits.max_pixels:
        raise MediaTooLarge(
            f"Expected at most {limits.max_pixels / 1e6:.0f} megapixels. Received: an image of "
            f"{width} x {height} ({width * height / 1e6:.0f} megapixels)."
        )


def _describe(data: bytes) -> str:
    start = data[:64].lstrip()
    for offset, magic, told in _MAGIC:
        window = data[offset:] if offset else start
        if window[: len(magic)].lower() == magic.lower():
            return told
    return "a file of another kind"


@cache
def _heif_available() -> bool:
    if not heif_installed():
        return False
    import pillow_heif

    pillow_heif.register_heif_opener()
    return True
