"""What the largest accepted photos of each kind cost the inference process, measured in one of its own."""

import struct
import sys

import numpy as np
import pytest
from PIL import Image
from support.costly_photos import (
    SIDE,
    encoded,
    png,
    png_chunk,
    progressive_jpeg,
    tiff_strips,
    webp_canvas,
)
from support.photo_cost import measure

MEGABYTES = 1200
SECONDS = 30
"""Three times the limit: other tests may run beside on the same cores."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory from /proc"),
]


def noise_jpeg():
    tile = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), np.uint8)
    pixels = np.tile(tile, (9, 9, 1))[:SIDE, :SIDE]
    return encoded(Image.fromarray(pixels), "JPEG", quality=50)


def turned_jpeg():
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (SIDE, SIDE - 40))
    return encoded(image, "JPEG", quality=50, subsampling=0, progressive=True, exif=exif)


LARGEST = {
    "PNG with alpha": lambda: png(SIDE, SIDE, 8, 6),
    "PNG of a palette with alpha": lambda: png(
        *(SIDE, SIDE, 8, 3),
        before=png_chunk(b"PLTE", bytes(range(256)) * 3) + png_chunk(b"tRNS", bytes(range(256))),
    ),
    "PNG in HDR": lambda: png(5000, 5000, before=png_chunk(b"cICP", bytes((9, 16, 0, 1)))),
    "PNG of 16 bits": lambda: png(7000, 7000, 16, 2),
    "JPEG of noise": noise_jpeg,
    "JPEG, progressive and turned": turned_jpeg,
    "JPEG of many scans": lambda: progressive_jpeg(SIDE - 8, 500),
    "WebP with alpha": lambda: encoded(
        Image.new("RGBA", (7000, 7000)), "WEBP", lossless=True, method=0, quality=0
    ),
    "TIFF in CMYK": lambda: tiff_strips(SIDE, SIDE, samples=4).replace(
        struct.pack("<HHIHH", 262, 3, 1, 2, 0), struct.pack("<HHIHH", 262, 3, 1, 5, 0)
    ),
    "TIFF of 16 bits": lambda: tiff_strips(7500, 7500, bits=16),
    "long and narrow": lambda: png(65_500, 1220, 8, 2),
}


@pytest.mark.parametrize("kind", LARGEST)
def test_the_largest_accepted_photos_stay_within_the_limits(kind, tmp_path):
    path = tmp_path / "photo"
    path.write_bytes(LARGEST[kind]())
    for operation, cost in measure(path).items():
        assert not cost.error, operation
        assert cost.megabytes < MEGABYTES, operation
        assert cost.seconds < SECONDS, operation


def test_what_is_refused_costs_nothing(tmp_path):
    path = tmp_path / "photo"
    path.write_bytes(webp_canvas(16_383, 4880))
    for cost in measure(path).values():
        assert "megapixels in a WebP" in cost.error
        assert cost.megabytes < 450
        assert cost.seconds < 3
