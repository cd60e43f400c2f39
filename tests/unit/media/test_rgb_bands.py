"""Conversion in bands gives the pixels of a conversion at once."""

import itertools

import numpy as np
import pytest
from PIL import Image, ImageOps
from support.costly_photos import noise

from emosense.media import rgb_bands
from emosense.media.bit_depth_scaling import DeepImage, scale_to_rgb
from emosense.media.rgb_bands import UprightImage, bands, pillow_to_rgb

ORIENTATIONS = range(1, 9)


@pytest.fixture(params=[7, 60, 10**9], ids=["rows", "bands", "at once"])
def band_pixels(request, monkeypatch):
    monkeypatch.setattr(rgb_bands, "_BAND_PIXELS", request.param)


def converted_at_once(image):
    """What the conversion was before: copies of the whole image by Pillow."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        rgba = upright.convert("RGBA")
        upright = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(upright.convert("RGB"))


@pytest.mark.usefixtures("band_pixels")
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "YCbCr", "LAB", "PA"])
def test_every_mode_and_orientation(mode):
    rgba = Image.fromarray(noise(17, 23, 4))
    image = rgba.convert("RGB").convert(mode) if mode in ("LAB", "1", "P") else rgba.convert(mode)
    for orientation in ORIENTATIONS:
        image.getexif()[0x0112] = orientation
        expected = converted_at_once(image)
        assert np.array_equal(pillow_to_rgb(image, orientation), expected), orientation


@pytest.mark.usefixtures("band_pixels")
@pytest.mark.parametrize(("mode", "transparency"), [("RGB", (1, 2, 3)), ("P", 3), ("L", 9)])
def test_transparent_colours(mode, transparency):
    image = Image.fromarray(noise(17, 23) // 32).convert(mode)
    image.info["transparency"] = transparency
    assert np.array_equal(pillow_to_rgb(image), converted_at_once(image))


def test_bands_cover_an_image_once(monkeypatch):
    monkeypatch.setattr(rgb_bands, "_BAND_PIXELS", 100)
    for width, height in itertools.product((1, 7, 99, 100, 101, 5000), (1, 2, 33, 500)):
        rows = list(bands(width, height))
        assert [row for band in rows for row in range(band.start, band.stop)] == list(range(height))
        assert all((band.stop - band.start) * width <= max(100, width) for band in rows)


def test_an_unknown_orientation_leaves_an_image_as_it_is():
    for orientation in (0, 9, 274, None, "6", b"\6", (6,)):
        assert UprightImage(4, 2, orientation).pixels.shape == (2, 4, 3)


DEEP = {
    "uint16": lambda values: (values * 257).astype(np.uint16),
    "12 bits": lambda values: (values * 16).astype(np.uint16),
    "int16": lambda values: (values * 100 - 3000).astype(np.int16),
    "uint32": lambda values: (values * 2.0**24).astype(np.uint32),
    "float32": lambda values: np.where(values > 250, np.nan, values / 255).astype(np.float32),
    "float64": lambda values: values * 200.0,
}


@pytest.mark.parametrize("channels", [None, 3, 4])
@pytest.mark.parametrize("depth", DEEP)
def test_deep_images_have_one_range_in_all_bands(depth, channels, monkeypatch):
    pixels = noise(31, 40, channels or 1).astype(np.float64)
    pixels[:20] //= 4  # the upper half is darker: a band of its own would be brightened
    values = DEEP[depth](pixels if channels else pixels[..., 0])
    order = [2, 1, 0, 3][:channels] if channels else None
    for orientation in ORIENTATIONS:
        monkeypatch.setattr(rgb_bands, "_BAND_PIXELS", 10**9)
        at_once = scale_to_rgb(DeepImage.of_array(values, order))
        image = Image.fromarray(at_once)
        image.getexif()[0x0112] = orientation
        monkeypatch.setattr(rgb_bands, "_BAND_PIXELS", 70)
        in_bands = scale_to_rgb(DeepImage.of_array(values, order), orientation)
        assert np.array_equal(in_bands, np.asarray(ImageOps.exif_transpose(image))), orientation
    assert channels == 4 or at_once[:20].max() < 100 < at_once[20:].max()


@pytest.mark.usefixtures("band_pixels")
@pytest.mark.parametrize("mode", ["I", "F", "I;16"])
def test_deep_images_of_pillow(mode):
    values = DEEP["12 bits"](noise(31, 40, 1)[..., 0])
    image = Image.fromarray(values if mode == "I;16" else values.astype(np.float32))
    image = image.convert("I") if mode == "I" else image
    expected = scale_to_rgb(DeepImage.of_array(np.asarray(image)))
    assert np.array_equal(scale_to_rgb(DeepImage.of_pillow(image)), expected)
