"""Safe decoding of photos: bytes, files, PIL images or arrays -> upright RGB arrays."""

from __future__ import annotations

import errno
import io
import logging
import os
import warnings
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from emosense.errors import DamagedMedia, MediaError, MediaTooLarge, UnsupportedMedia
from emosense.filesystem.filenames import abbreviate, describe_value
from emosense.media.cicp import HDR_TRANSFERS, read_cicp
from emosense.media.file_kind import HEAD_BYTES, describe_kind, file_kind
from emosense.media.formats import PHOTO_FORMATS
from emosense.media.high_bit_depth import (
    apply_orientation,
    high_bit_depth_to_rgb,
    read_high_bit_depth_png,
    read_high_bit_depth_tiff,
)
from emosense.settings import PhotoLimits


class Readable(Protocol):
    """An open file, or what behaves like one.

    >>> import io
    >>> from emosense.samples import sample_photo
    >>> file: Readable = io.BytesIO(sample_photo())
    >>> read_photo(file).shape
    (512, 512, 3)
    """

    def read(self, size: int = -1, /) -> bytes:
        """Return the next ``size`` bytes, or all that are left."""
        ...


PhotoSource = (
    str
    | os.PathLike[str]
    | bytes
    | bytearray
    | memoryview
    | Readable
    | Image.Image
    | npt.NDArray[np.generic]
)
RgbImage = npt.NDArray[np.uint8]

_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "AVIF", "HEIF")
_ORIENTATION: Final = 0x0112
_log = logging.getLogger(__name__)


def read_photo(source: PhotoSource, limits: PhotoLimits | None = None) -> RgbImage:
    """Decode a photo.

    EXIF orientation is honoured, transparency is laid on white, CMYK, palette, grey and deeper
    images are converted (see :mod:`emosense.media.high_bit_depth`), PQ and HLG are tone-mapped (see
    :mod:`emosense.media.tone_mapping`), an animation gives its first frame.

    Args:
        source: a path, the encoded bytes, an open file (read from its start where it can be wound
            back), a PIL image, or an array: (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA; uint8 in
            0..255, uint16 in 0..65535 or float in 0..1.
        limits: the default limits if None.

    Returns:
        (h, w, 3) uint8 RGB, upright.

    Raises:
        MediaTooLarge: above a limit.
        UnsupportedMedia: not a photo in a format that is read here, or no photo at all.
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
    if isinstance(source, bytes | bytearray | memoryview):
        return _from_bytes(_buffered(source, limits), limits)
    if isinstance(source, str | os.PathLike):
        return _from_bytes(_read_file(source, limits), limits)
    if is_readable(source):
        return _from_bytes(_read_open(source, limits), limits)
    raise UnsupportedMedia(
        "Expected a photo as a path, bytes, open file, PIL image or array. Received: "
        f"{describe_value(source)}"
    )


def is_readable(source: object) -> bool:
    """Return whether something can be read like an open file; never fails."""
    try:
        return callable(getattr(source, "read", None))
    except Exception:  # a property of a foreign object raises errors of its own
        return False


def _buffered(source: bytes | bytearray | memoryview, limits: PhotoLimits) -> bytes:
    try:
        size = source.nbytes if isinstance(source, memoryview) else len(source)
        _check_bytes(size, limits)
        return bytes(source)
    except ValueError:
        raise MediaError("Expected the bytes of a photo. Received: a released buffer.") from None


def _read_file(source: str | os.PathLike[str], limits: PhotoLimits) -> bytes:
    try:
        text = os.fspath(source)
        path, quoted = Path(text), abbreviate(text)
    except Exception:  # an object's own way to give its path raises errors of its own
        raise _no_path(source) from None
    try:
        with path.open("rb") as file:
            _check_bytes(os.fstat(file.fileno()).st_size, limits)
            return _read_open(file, limits)  # not read_bytes: devices and pipes have no size
    except FileNotFoundError:
        raise MediaError(f"There is no file {quoted}.") from None
    except IsADirectoryError:
        raise MediaError(
            "Expected the path of a photo. Received: "
            f"{quoted or 'an empty path'}, a folder, which cannot be read as a photo."
        ) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # the photo itself in place of its path, as text
            raise _no_path(source) from None
        raise MediaError(f"{quoted} cannot be read: {error.strerror or 'no access'}.") from error
    except ValueError:  # a NUL in it
        raise _no_path(source) from None


def _no_path(source: object) -> MediaError:
    return MediaError(f"Expected the path of a photo. Received: {describe_value(source)}.")


def _read_open(file: Any, limits: PhotoLimits) -> bytes:
    """Read an open file, never more of it than the limit allows and one byte."""
    name = type(file).__name__
    data = bytearray()
    try:
        if callable(getattr(file, "seekable", None)) and file.seekable():
            file.seek(0)
        while len(data) <= limits.max_bytes:  # pipes and sockets give a part at a time
            chunk = file.read(limits.max_bytes + 1 - len(data))
            if not isinstance(chunk, bytes | bytearray | memoryview):
                raise UnsupportedMedia(
                    f"Expected a file that is open for reading bytes. Received: {name} that reads "
                    f"{type(chunk).__name__}."
                )
            if not chunk:
                break
            data += chunk
    except MediaError:
        raise
    except Exception as error:  # whatever stands behind it raises errors of its own
        _log.debug("an open file cannot be read", exc_info=error)
        raise MediaError(
            f"Expected an open file that can be read. Received: {name} that fails."
        ) from error
    if len(data) > limits.max_bytes:
        raise MediaTooLarge(
            f"Expected at most {limits.max_bytes / 2**20:.0f} MB. Received: a file of more."
        )
    return bytes(data)


def _from_bytes(data: bytes, limits: PhotoLimits) -> RgbImage:
    _check_bytes(len(data), limits)
    if not data:
        raise DamagedMedia("The file is empty (0 bytes).")
    _register_heif()
    try:
        with warnings.catch_warnings():
            # Our own limit decides on size, and oddities of metadata do not matter.
            warnings.simplefilter("ignore")
            _let_pillow_open(limits.max_pixels)
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            _check_pixels(image.size, limits)
            deep = read_high_bit_depth_png(data) if image.format == "PNG" else None
            if deep is not None:
                deep = apply_orientation(
                    deep, _with_readable_exif(image).getexif().get(_ORIENTATION)
                )
            elif image.format == "TIFF":
                deep = read_high_bit_depth_tiff(data, limits.max_pixels)
            return _to_sdr(_decoded(image) if deep is None else deep, data)
    except UnidentifiedImageError:
        return _unidentified(data, limits)
    except Image.DecompressionBombError:
        raise MediaTooLarge(
            f"Expected at most {limits.max_pixels / 1e6:.0f} megapixels. "
            "Received: an image that declares far more."
        ) from None
    except MediaError:
        raise
    except MemoryError:
        raise _too_large_for_memory() from None
    except Exception as error:  # parsers of headers raise whatever they stumble on
        _check_kind(data)
        raise _damaged(error) from error


def _to_sdr(picture: RgbImage, data: bytes) -> RgbImage:
    """Tone-map a picture whose file says that it is HDR."""
    coding = read_cicp(data)
    if coding is None or coding[1] not in HDR_TRANSFERS:
        return picture
    from emosense.media.tone_mapping import picture_to_sdr  # loads FFmpeg

    primaries, transfer = coding
    return picture_to_sdr(picture, transfer, primaries)


def _unidentified(data: bytes, limits: PhotoLimits) -> RgbImage:
    """Decode what Pillow does not know, or say what it is."""
    _check_kind(data)
    if data[:2] in (b"II", b"MM"):
        try:
            deep = read_high_bit_depth_tiff(data, limits.max_pixels, only=True)
        except MediaError:
            raise
        except MemoryError:
            raise _too_large_for_memory() from None
        except Exception as error:  # its parser raises whatever it stumbles on
            raise _damaged(error) from error
        if deep is not None:
            return deep
    raise DamagedMedia(
        "The photo is damaged or cut off: its beginning is right, the rest is not."
    ) from None


def _check_kind(data: bytes) -> None:
    """Say what a file is that could not be read, if it is no photo at all."""
    head = data[:HEAD_BYTES]
    if file_kind(head) != "photo":
        raise UnsupportedMedia(
            f"Expected a photo ({PHOTO_FORMATS}). Received: {describe_kind(head)}."
        ) from None


def _let_pillow_open(pixels: int) -> None:
    """Raise the bound of Pillow's own guard if a larger one is asked for; ours comes after it."""
    if Image.MAX_IMAGE_PIXELS is not None and pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = pixels


def _decoded(image: Image.Image) -> RgbImage:
    try:
        image.load()
        return _to_rgb(image)
    except MediaError:
        raise
    except MemoryError:
        raise _too_large_for_memory() from None
    except Exception as error:  # decoders raise OSError, ValueError, SyntaxError, struct.error, ...
        raise _damaged(error) from error


def _too_large_for_memory() -> MediaTooLarge:
    return MediaTooLarge("The image needs more memory than there is.")


def _damaged(error: Exception) -> DamagedMedia:
    _log.debug("a photo cannot be decoded", exc_info=error)
    return DamagedMedia("The photo is damaged or cut off and cannot be decoded.")


def _to_rgb(image: Image.Image) -> RgbImage:
    upright = ImageOps.exif_transpose(_with_readable_exif(image))
    if upright.mode.startswith("I") or upright.mode == "F":
        return high_bit_depth_to_rgb(np.asarray(upright))
    if upright.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in upright.info:
        rgba = upright.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        upright = Image.alpha_composite(white, rgba)
    return np.asarray(upright.convert("RGB"))


def _with_readable_exif(image: Image.Image) -> Image.Image:
    """Drop an EXIF block that cannot be parsed: the pixels are still good."""
    try:
        image.getexif().get(_ORIENTATION)
    except Exception:  # a broken block raises whatever its parser stumbles on
        image = image.copy()
        image.info.pop("exif", None)
        image._exif = None
    return image


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


@cache
def _register_heif() -> None:
    """Let Pillow read HEIC: pi-heif only decodes, and by libraries under the LGPL."""
    import pi_heif

    pi_heif.register_heif_opener()
