"""Pictures of more than 8 bits a channel: the same picture, however many bits it is kept in."""

import io
import struct
import zlib
from zlib import crc32

import cv2
import numpy as np
import pytest
import tifffile
from helpers import encoded
from PIL import Image

from emosense.errors import MediaTooLarge, UnsupportedMedia
from emosense.media.images import PhotoLimits, read_photo


@pytest.fixture(scope="module")
def colour(astronaut):
    return np.ascontiguousarray(astronaut[::4, ::4])


@pytest.fixture(scope="module")
def grey(colour):
    return cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)


def deeper(image, bits):
    """With the brightest pixel at the top of its range."""
    scaled = image.astype(np.float64) / image.max()
    return np.rint(scaled * (2**bits - 1)).astype(np.uint16 if bits <= 16 else np.uint32)


def tiff(values, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def same(found, expected):
    """At most the rounding of 8 bits apart."""
    expected = expected.astype(np.float64) * 255 / expected.max()
    if expected.ndim == 2:
        expected = np.repeat(expected[..., np.newaxis], 3, axis=2)
    return found.shape == expected.shape and np.abs(found - expected).max() <= 1.5


@pytest.mark.parametrize("bits", [9, 10, 11.5, 12, 13, 14, 16])
def test_grey_of_any_depth(grey, bits):
    """13 bits are kept as the lower 13 of 14: half as bright, not a quarter of 16."""
    top = round(2**bits) - 1
    values = np.rint(grey.astype(np.float64) / grey.max() * top).astype(np.uint16)
    room = next(2**n - 1 for n in (10, 12, 14, 16) if top <= 2**n - 1)
    expected = values * (255 / room)
    for data in (encoded(Image.fromarray(values), "PNG"), tiff(values)):
        found = read_photo(data)
        assert np.abs(found[..., 0] - expected).max() <= 1


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_colour_of_any_depth(colour, bits):
    values = deeper(colour, bits)
    png = cv2.imencode(".png", values[..., ::-1])[1].tobytes()
    assert same(read_photo(png), colour)
    assert same(read_photo(tiff(values, photometric="rgb")), colour)
    planes = tiff(np.moveaxis(values, -1, 0), photometric="rgb", planarconfig="separate")
    assert same(read_photo(planes), colour)


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_floats(colour, grey, top):
    for image in (colour, grey):
        values = (image / image.max() * top).astype(np.float32)
        kind = "rgb" if image.ndim == 3 else "minisblack"
        assert same(read_photo(tiff(values, photometric=kind)), image)


def test_what_is_no_number_is_black(grey):
    values = (grey / 255).astype(np.float32)
    values[:10] = np.nan
    found = read_photo(tiff(values))
    assert (found[:10] == 0).all()
    assert same(found[10:], np.maximum(grey[10:], 1))


def test_negative_values_are_lifted(grey):
    values = grey.astype(np.int16) - 128
    assert np.abs(read_photo(tiff(values))[..., 0].astype(int) - grey + grey.min()).max() <= 1


def test_transparent_16_bit_is_laid_on_white(colour):
    values = np.dstack([deeper(colour, 16), np.zeros(colour.shape[:2], np.uint16)])
    png = cv2.imencode(".png", values[..., [2, 1, 0, 3]])[1].tobytes()
    assert (read_photo(png) == 255).all()


def test_16_bit_colour_is_turned_too(colour):
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, deeper(colour, 16), photometric="rgb", extratags=[(274, 3, 1, 3, True)]
    )
    assert same(read_photo(buffer.getvalue())[::-1, ::-1], colour)


def test_transparency_of_16_bits_beside_colour_of_12(colour, grey):
    opaque = np.full(grey.shape, 65535, np.uint16)
    bgra = np.dstack([deeper(colour, 12)[..., ::-1], opaque])
    assert same(read_photo(cv2.imencode(".png", bgra)[1].tobytes()), colour)
    rgba = np.dstack([deeper(colour, 12), opaque])
    assert same(read_photo(tiff(rgba, photometric="rgb", extrasamples=["unassalpha"])), colour)
    assert same(read_photo(grey_with_transparency(deeper(grey, 12), 65535)), grey)


def grey_with_transparency(values, opaque):
    """A 16-bit PNG of colour type 4, which no library here writes."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))

    height, width = values.shape
    pixels = np.stack([values, np.full_like(values, opaque)], -1).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 4, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("kind", [np.int16, np.int32])
def test_signed_numbers_that_are_used_to_their_top(kind, colour, grey):
    for image, photometric in ((colour, "rgb"), (grey, "minisblack")):
        values = (image / image.max() * np.iinfo(kind).max).astype(kind)
        assert same(read_photo(tiff(values, photometric=photometric)), image)


def test_what_pillow_refuses_is_read_or_told(colour, grey):
    half = (grey / grey.max()).astype(np.float16)
    assert same(read_photo(tiff(half)), grey)
    small = (colour.astype(int) * 127 // colour.max()).astype(np.int8)
    found = read_photo(tiff(small, photometric="rgb"))
    assert np.abs(found.astype(int) - small.astype(int) * 255 / 127).max() <= 1
    for values, options, told in (
        (np.zeros((20, 20, 5), np.uint8), {"planarconfig": "contig"}, "8-bit .* with 5 channels"),
        (np.zeros((20, 20), np.complex64), {}, "64-bit complex grey"),
        (np.zeros((64, 8, 8)), {"volumetric": True}, "64-bit float grey in 64 layers"),
    ):
        with pytest.raises(UnsupportedMedia, match=told):
            read_photo(tiff(values, photometric="minisblack", **options))


@pytest.mark.parametrize("shape", [(1, 40, 3), (40, 1, 3), (3, 40, 3), (1, 40), (40, 1), (1, 1, 3)])
def test_lines_of_pixels(shape):
    values = np.full(shape, 4095, np.uint16)
    for planes in (False, True) if len(shape) == 3 else (False,):
        data = tiff(
            np.moveaxis(values, -1, 0) if planes else values.astype(np.float64) / 4095,
            photometric="rgb" if len(shape) == 3 else "minisblack",
            **({"planarconfig": "separate" if planes else "contig"} if len(shape) == 3 else {}),
        )
        found = read_photo(data)
        assert found.shape == (*shape[:2], 3)
        assert (found == 255).all()


def test_white_is_zero(grey):
    found = read_photo(tiff(deeper(255 - grey, 16), photometric="miniswhite"))
    assert np.corrcoef(found[..., 0].ravel(), grey.ravel())[0, 1] > 0.99


def test_another_number_of_channels_is_told():
    values = np.zeros((20, 20, 5), np.float32)
    with pytest.raises(UnsupportedMedia, match="a TIFF of 32-bit float colour with 5 channels"):
        read_photo(tiff(values, photometric="minisblack", planarconfig="contig"))


def test_the_limit_counts_before_decoding(colour):
    with pytest.raises(MediaTooLarge):
        read_photo(tiff(deeper(colour, 16), photometric="rgb"), PhotoLimits(max_pixels=100))
