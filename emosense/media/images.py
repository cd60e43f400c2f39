"""Safe decoding of photos (bytes, files, PIL images or arrays) to upright RGB arrays."""

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
from PIL import Image, UnidentifiedImageError

from emosense.errors import DamagedMedia, MediaError, MediaTooLarge, UnsupportedMedia
from emosense.filesystem.filenames import abbreviate, describe_value
from emosense.media.bit_depth_scaling import DeepImage, scale_to_rgb
from emosense.media.cicp import HDR_TRANSFERS, read_cicp
from emosense.media.file_kind import HEAD_BYTES, describe_kind, file_kind
from emosense.media.formats import PHOTO_FORMATS
from emosense.media.headers.structure import PhotoHeader
from emosense.media.high_bit_depth import read_high_bit_depth_png, read_high_bit_depth_tiff
from emosense.media.photo_structure import check_pixels, check_structure
from emosense.media.rgb_bands import pillow_to_rgb
from emosense.settings import PhotoLimits


class Readable(Protocol):
    """A binary file object, or any other object with a ``read`` method that returns bytes.

    >>> import io
    >>> from emosense.samples import sample_photo
    >>> file: Readable = io.BytesIO(sample_photo())
    >>> read_photo(file).shape
    (512, 512, 3)
    """

    def read(self, size: int = -1, /) -> bytes:
        """Return at most ``size`` bytes, or all remaining ones if ``size`` is negative."""
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
"""A photo: a path, encoded bytes, an open binary file, a PIL image or an array."""

RgbImage = npt.NDArray[np.uint8]
"""An RGB image: (h, w, 3) uint8."""

_PILLOW_FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "DIB", "AVIF", "HEIF")
_ORIENTATION: Final = 0x0112
_BIG_ENDIAN_BIGTIFF: Final = b"MM\0+"
"""Signature of files that Pillow takes for classic TIFF, with another directory."""
_log = logging.getLogger(__name__)


def read_photo(source: PhotoSource, limits: PhotoLimits | None = None) -> RgbImage:
    """Decode a photo to an upright RGB image.

    The EXIF orientation is applied; alpha is composited on white; CMYK, palette, grey and high bit
    depths are converted (see :mod:`emosense.media.high_bit_depth`); PQ and HLG are tone-mapped (see
    :mod:`emosense.media.tone_mapping`); of an animation the first frame is decoded.

    Args:
        source: a path, the encoded bytes, an open binary file (read from its start if it is
            seekable), a PIL image, or an array: (h, w) grey, (h, w, 3) RGB or (h, w, 4) RGBA; uint8
            in 0..255, uint16 in 0..65535 or float in 0..1.
        limits: limits of file size and resolution; None uses the defaults.

    Returns:
        (h, w, 3) uint8 RGB, upright.

    Raises:
        MediaTooLarge: a limit is exceeded.
        UnsupportedMedia: the source is no photo, or a photo in a format that is not supported.
        DamagedMedia: the photo is damaged or cut off.
        MediaError: the file does not exist or cannot be read.
    """
    limits = limits or PhotoLimits()
    if isinstance(source, np.ndarray):
        return _from_array(source, limits)
    if isinstance(source, Image.Image):
        if 0 in source.size:
            raise UnsupportedMedia(
                f"Expected an image with pixels. Received: {source.width} x {source.height}."
            )
        check_pixels(*source.size, limits)
        return _decode_image(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return _from_bytes(_copy_buffer(source, limits), limits)
    if isinstance(source, str | os.PathLike):
        return _from_bytes(_read_file(source, limits), limits)
    if is_readable(source):
        return _from_bytes(_read_open(source, limits), limits)
    raise UnsupportedMedia(
        "Expected a photo as a path, bytes, open file, PIL image or array. Received: "
        f"{describe_value(source)}"
    )


def is_readable(source: object) -> bool:
    """Return whether an object has a ``read`` method; never raises."""
    try:
        return callable(getattr(source, "read", None))
    except Exception:  # a property of a foreign object may raise any error
        return False


def _copy_buffer(source: bytes | bytearray | memoryview, limits: PhotoLimits) -> bytes:
    try:
        size = source.nbytes if isinstance(source, memoryview) else len(source)
        _check_bytes(size, limits)
        return bytes(source)
    except ValueError:
        raise MediaError("Expected the bytes of a photo. Received: a released buffer.") from None


def _read_file(source: str | os.PathLike[str], limits: PhotoLimits) -> bytes:
    try:
        path_text = os.fspath(source)
        path, quoted = Path(path_text), abbreviate(path_text)
    except Exception:  # __fspath__ of a foreign object may raise any error
        raise _path_error(source) from None
    try:
        with path.open("rb") as file:
            _check_bytes(os.fstat(file.fileno()).st_size, limits)
            return _read_open(file, limits)  # not read_bytes, since devices and pipes state no size
    except FileNotFoundError:
        raise MediaError(f"There is no file {quoted}.") from None
    except IsADirectoryError:
        raise MediaError(
            "Expected the path of a photo. Received: "
            f"{quoted or 'an empty path'}, a folder, which cannot be read as a photo."
        ) from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:  # probably an encoded photo passed as text
            raise _path_error(source) from None
        raise MediaError(f"{quoted} cannot be read: {error.strerror or 'no access'}.") from error
    except ValueError:  # the path contains a NUL character
        raise _path_error(source) from None


def _path_error(source: object) -> MediaError:
    return MediaError(f"Expected the path of a photo. Received: {describe_value(source)}.")


def _read_open(file: Any, limits: PhotoLimits) -> bytes:
    """Read an open file, at most one byte beyond the limit."""
    type_name = type(file).__name__
    data = bytearray()
    try:
        if callable(getattr(file, "seekable", None)) and file.seekable():
            file.seek(0)
        while len(data) <= limits.max_bytes:  # pipes and sockets return short reads
            chunk = file.read(limits.max_bytes + 1 - len(data))
            if not isinstance(chunk, bytes | bytearray | memoryview):
                raise UnsupportedMedia(
                    f"Expected a file that is open for reading bytes. Received: {type_name} that reads "
                    f"{type(chunk).__name__}."
                )
            if not chunk:
                break
            data += chunk
    except MediaError:
        raise
    except Exception as error:  # a foreign object may raise any error
        _log.debug("an open file cannot be read", exc_info=error)
        raise MediaError(
            f"Expected an open file that can be read. Received: {type_name} that fails."
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
    header = _check_structure(data, limits)
    if data[:4] == _BIG_ENDIAN_BIGTIFF:
        return _decode_unidentified(data, limits)
    _register_heif()
    try:
        with warnings.catch_warnings():
            # The limit of pixels is checked below, and warnings about metadata do not matter.
            warnings.simplefilter("ignore")
            _raise_pillow_limit(limits.max_pixels)
            image = Image.open(io.BytesIO(data), formats=_PILLOW_FORMATS)
            if image.width * image.height > header.pixels:
                raise DamagedMedia("The photo is damaged: its headers contradict each other.")
            high_bit_depth = None
            if image.format == "PNG":
                high_bit_depth = read_high_bit_depth_png(data, _orientation(image))
            elif image.format == "TIFF":
                high_bit_depth = read_high_bit_depth_tiff(data, limits.max_pixels)
            rgb = _decode_image(image) if high_bit_depth is None else high_bit_depth
            return _to_sdr(rgb, data)
    except UnidentifiedImageError:
        return _decode_unidentified(data, limits)
    except Image.DecompressionBombError:
        raise MediaTooLarge(
            f"Expected at most {limits.max_pixels / 1e6:.0f} megapixels. "
            "Received: an image that declares far more."
        ) from None
    except MediaError:
        raise
    except MemoryError:
        raise _memory_error() from None
    except Exception as error:  # parsers of headers may raise any error
        _check_is_photo(data)
        raise _damaged_error(error) from error


def _check_structure(data: bytes, limits: PhotoLimits) -> PhotoHeader:
    try:
        return check_structure(data, limits)
    except DamagedMedia:
        _check_is_photo(data)
        raise


def _to_sdr(image: RgbImage, data: bytes) -> RgbImage:
    """Tone-map an image if its file states HDR transfer characteristics."""
    cicp = read_cicp(data)
    if cicp is None or cicp[1] not in HDR_TRANSFERS:
        return image
    from emosense.media.tone_mapping import picture_to_sdr  # loads FFmpeg

    primaries, transfer = cicp
    return picture_to_sdr(image, transfer, primaries)


def _decode_unidentified(data: bytes, limits: PhotoLimits) -> RgbImage:
    """Decode a file that Pillow does not identify, or raise the error that describes it."""
    _check_is_photo(data)
    if data[:2] in (b"II", b"MM"):
        try:
            high_bit_depth = read_high_bit_depth_tiff(data, limits.max_pixels, pillow_failed=True)
        except MediaError:
            raise
        except MemoryError:
            raise _memory_error() from None
        except Exception as error:  # the parser may raise any error
            raise _damaged_error(error) from error
        if high_bit_depth is not None:
            return high_bit_depth
    raise DamagedMedia(
        "The photo is damaged or cut off: its beginning is right, the rest is not."
    ) from None


def _check_is_photo(data: bytes) -> None:
    """Raise an error that names the file type, unless it is that of a photo."""
    head = data[:HEAD_BYTES]
    if file_kind(head) != "photo":
        raise UnsupportedMedia(
            f"Expected a photo ({PHOTO_FORMATS}). Received: {describe_kind(head)}."
        ) from None


def _raise_pillow_limit(max_pixels: int) -> None:
    """Raise Pillow's limit for decompression bombs if ours is larger; ours is checked after it."""
    if Image.MAX_IMAGE_PIXELS is not None and max_pixels > Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = max_pixels


def _decode_image(image: Image.Image) -> RgbImage:
    try:
        image.load()
        return _to_rgb(image)
    except MediaError:
        raise
    except MemoryError:
        raise _memory_error() from None
    except Exception as error:  # decoders raise OSError, ValueError, SyntaxError, struct.error, ...
        raise _damaged_error(error) from error


def _memory_error() -> MediaTooLarge:
    return MediaTooLarge("The image needs more memory than there is.")


def _damaged_error(error: Exception) -> DamagedMedia:
    _log.debug("a photo cannot be decoded", exc_info=error)
    return DamagedMedia("The photo is damaged or cut off and cannot be decoded.")


def _to_rgb(image: Image.Image) -> RgbImage:
    if image.mode.startswith("I") or image.mode == "F":
        return scale_to_rgb(DeepImage.of_pillow(image), _orientation(image))
    return pillow_to_rgb(image, _orientation(image))


def _orientation(image: Image.Image) -> Any:
    """Return the EXIF orientation, 1 if the EXIF data cannot be parsed; the pixels are valid."""
    try:
        return image.getexif().get(_ORIENTATION, 1)
    except Exception:  # the parser may raise any error
        return 1


def _from_array(array: npt.NDArray[np.generic], limits: PhotoLimits) -> RgbImage:
    is_image_shape = array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (1, 3, 4))
    if not is_image_shape or array.size == 0:
        raise UnsupportedMedia(
            "Expected an array of shape (height, width), (height, width, 3) or "
            f"(height, width, 4). Received: {array.shape}"
        )
    check_pixels(array.shape[1], array.shape[0], limits)
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
        return _grey_to_rgb(pixels.reshape(pixels.shape[:2]))
    if pixels.shape[2] == 4:
        return _to_rgb(Image.fromarray(pixels))
    return np.ascontiguousarray(pixels)


def _grey_to_rgb(grey: npt.NDArray[np.uint8]) -> RgbImage:
    return np.repeat(grey[..., np.newaxis], 3, axis=2)


def _check_bytes(size: int, limits: PhotoLimits) -> None:
    if size > limits.max_bytes:
        raise MediaTooLarge(
            f"Expected at most {limits.max_bytes / 2**20:.0f} MB. "
            f"Received: a file of {size / 2**20:.1f} MB."
        )


@cache
def _register_heif() -> None:
    """Register HEIC decoding with Pillow, by pi-heif, whose libraries are under the LGPL."""
    import pi_heif

    pi_heif.register_heif_opener()
