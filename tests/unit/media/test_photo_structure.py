"""Photos that would cost much are refused in words before they are decoded, each kind in several forms."""

import struct
import time
import zlib

import numpy as np
import pytest
from PIL import Image
from support.costly_photos import (
    SIDE,
    bmp_rle,
    deflated,
    encoded,
    heic_grid,
    jpeg,
    jpeg_segment,
    noise,
    png,
    png_chunk,
    progressive_jpeg,
    tiff,
    tiff_strips,
    webp_animation,
    webp_canvas,
)

from emosense.errors import MediaTooLarge
from emosense.media.images import read_photo
from emosense.media.photo_cost import estimate_memory, estimate_seconds
from emosense.media.photo_header import read_header
from emosense.media.photo_structure import check_structure
from emosense.settings import PhotoLimits

MEGABYTE_OF_TEXT = zlib.compress(bytes(2**20), 9)

REFUSED = {
    # Pixels that take more memory than those of other formats.
    "WebP canvas": (lambda: webp_canvas(16383, 4880), r"at most \d\d megapixels in a WebP"),
    "WebP animation": (lambda: webp_animation(SIDE, SIDE), r"at most \d\d megapixels in a WebP"),
    "deep TIFF": (
        lambda: tiff_strips(SIDE, SIDE, bits=32, samples=3, sample_format=3),
        r"at most \d\d megapixels in a TIFF of 32 bits per sample",
    ),
    "deep PNG": (
        lambda: (
            png_chunk(b"", b"")[:0]
            + png(64, 64, 16, 6).replace(struct.pack(">II", 64, 64), struct.pack(">II", SIDE, SIDE))
        ),
        r"at most \d\d megapixels in a PNG of 16 bits per sample with alpha",
    ),
    "one strip as large as a long picture": (
        lambda: tiff(
            *(4000, 4000),
            parts=2,
            part=b"",
            bits=64,
            samples=4,
            photometric=2,
            tile=(4000, 12_000),
            sample_format=3,
        ),
        "megapixels",
    ),
    # Tiles and strips.
    "shared tiles": (
        lambda: tiff(SIDE, SIDE, parts=559, part=deflated(2**20), tile=(16, 8_000_000)),
        "cover a picture of 8944 x 8944",
    ),
    "wide tiles": (
        lambda: tiff(100, 4000, parts=4000, part=b"", tile=(1_000_000, 1)),
        "cover a picture of 100 x 4000",
    ),
    "too many strips": (
        lambda: tiff(4000, 100, parts=50_000, part=b"", rows=100),
        "strips that cover a",
    ),
    "big-endian tiles": (
        lambda: tiff(SIDE, SIDE, parts=559, part=b"", tile=(16, 8_000_000), order=">"),
        "strips that cover a",
    ),
    "millions of strips": (
        lambda: tiff(8, 1_000_001, parts=1_000_001, part=b"", rows=1),
        "at most 1,000,000 tiles or strips",
    ),
    "large tiles of a small HEIC": (
        lambda: heic_grid(4096, 16, 16, size=(4000, 4000)),
        r"cover a picture of 4000 x 4000. Received: 256 of 4,295 megapixels together",
    ),
    "tiles of a HEIC that share their data": (
        lambda: heic_grid(64, 20, 40, extent=2**20) + bytes(2**20),
        "at most 10 s of processor time",
    ),
    # Scans, segments, chunks, blocks.
    "scans": (
        lambda: progressive_jpeg(SIDE - 8, 1500),
        r"at most 10 s of processor time. Received: a JPEG \(progressive, Huffman\) of 80 "
        r"megapixels in 1,502 scans",
    ),
    "comments": (lambda: jpeg(jpeg_segment(0xFE, b"") * 2000), "at most 1,000 segments"),
    "fill bytes": (lambda: jpeg(b"\xff" * 5000), "as much fill"),
    "bytes between segments": (
        lambda: jpeg(jpeg_segment(0xFE, b"") + bytes(5000)),
        "as much fill",
    ),
    "EXIF in pieces": (
        lambda: jpeg(jpeg_segment(0xE1, b"Exif\0\0" + bytes(60)) * 2000),
        "at most 1,000 segments",
    ),
    "much EXIF": (
        lambda: jpeg(jpeg_segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 300),
        "at most 16 MB of metadata and comments",
    ),
    "chunks": (
        lambda: png(8, 8, before=png_chunk(b"teSt", b"") * 110_000),
        "at most 100,000 chunks",
    ),
    "chunks after the picture": (
        lambda: png(8, 8, after=png_chunk(b"tEXt", b"a\0b") * 110_000),
        "at most 100,000 chunks",
    ),
    "chunks of no data": (
        lambda: png(8, 8, before=png_chunk(b"IDAT", b"") * 110_000),
        "at most 100,000 chunks",
    ),
    "colour profiles": (
        lambda: png(8, 8, before=png_chunk(b"iCCP", b"a\0\0" + MEGABYTE_OF_TEXT) * 600),
        "at most 500 compressed texts and profiles",
    ),
    "RIFF chunks": (
        lambda: webp_canvas(64, 64) + b"EXIF\0\0\0\0" * 110_000,
        "at most 100,000 chunks",
    ),
    "comments of a GIF": (
        lambda: b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + b"!\xfe" + b"\1a" * 110_000,
        "at most 100,000 blocks",
    ),
    # What Pillow decodes in Python, byte by byte.
    "short runs": (lambda: bmp_rle(5000, 5000, b"\1\1" * 22_000_000), r"a BMP \(RLE8\)"),
    "short runs of nibbles": (
        lambda: bmp_rle(8000, 8000, b"\1\1" * 8_000_000, bits=4),
        r"a BMP \(RLE4\)",
    ),
    # Sides.
    "wide": (lambda: png(8_000_000, 10, 8, 0), "sides of at most 65,500 pixels"),
    "high": (lambda: png(1, 500_000, 8, 0), "sides of at most 65,500 pixels"),
    "wide, 16 bits": (lambda: png(1_200_000, 1, 16, 2), "sides of at most 65,500 pixels"),
    "pixels": (
        lambda: encoded(Image.new("1", (9000, 9000)), "PNG"),
        r"at most 80 megapixels. Received: an image of 9000 x 9000 \(81 megapixels\)",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_costs_too_much_is_refused_in_words(kind, monkeypatch):
    make, words = REFUSED[kind]
    data = make()
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(MediaTooLarge, match=words) as raised:
        read_photo(data)
    assert str(raised.value).startswith("Expected ")
    assert "Received: " in str(raised.value)


ACCEPTED = {
    "a photo of a phone": lambda: jpeg(size=(4032, 3024)),
    "a progressive photo": lambda: jpeg(size=(4032, 3024), progressive=True),
    "metadata of a phone": lambda: jpeg(
        jpeg_segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0")
        + jpeg_segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + bytes(65_000)) * 160
    ),
    "small chunks": lambda: png(8, 8, before=png_chunk(b"IDAT", b"") * 5000),
    "compressed text": lambda: png(
        8, 8, before=png_chunk(b"zTXt", b"a\0\0" + MEGABYTE_OF_TEXT) * 20
    ),
    "a page scanned in bits": lambda: encoded(Image.new("1", (4000, 6000)), "TIFF"),
    "strips of a row": lambda: tiff(8, 5000, parts=5000, part=zlib.compress(bytes(8)), rows=1),
    "tiles larger than the picture": lambda: tiff(
        *(300, 200), parts=1, part=deflated(512 * 512), tile=(512, 512)
    ),
    "an animation": lambda: webp_animation(1000, 1000),
    "runs": lambda: bmp_rle(640, 480, (b"\xff\1\xff\1\x82\1\0\0") * 480),
    "a long screenshot": lambda: png(100, 60_000, 8, 2),
    "a single pixel": lambda: png(1, 1),
}


@pytest.mark.parametrize("kind", ACCEPTED)
def test_ordinary_structures_are_read(kind):
    read_photo(ACCEPTED[kind]())


def test_the_limits_follow_the_settings(monkeypatch):
    from emosense.settings import photo_limits

    data = webp_canvas(4000, 3000)
    check_structure(data, photo_limits())
    monkeypatch.setenv("EMOSENSE_MAX_PHOTO_MEMORY_MB", "100")
    with pytest.raises(MediaTooLarge, match="at most 7 megapixels in a WebP"):
        check_structure(data, photo_limits())
    monkeypatch.setenv("EMOSENSE_MAX_PHOTO_MEMORY_MB", "1000")
    monkeypatch.setenv("EMOSENSE_MAX_PHOTO_SECONDS", "0.1")
    with pytest.raises(MediaTooLarge, match="processor time"):
        check_structure(data, photo_limits())


def test_a_file_with_two_directories_is_read_by_the_checked_one():
    """Pillow takes a big-endian BigTIFF for classic TIFF, which has its directory elsewhere."""
    hidden = tiff(64, 64, parts=64, part=deflated(2**20), tile=(8, 8_000_000), order=">")
    entries = [
        *((256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1)),
        *((273, 16, 1, 16 + 8 + 20 * 8), (277, 3, 1, 1), (279, 4, 1, 64)),
    ]
    directory = struct.pack(">Q", len(entries))
    for tag, kind, count, value in entries:
        code = {3: "H6x", 4: "I4x", 16: "Q"}[kind]
        directory += struct.pack(">HHQ" + code, tag, kind, count, value)
    data = b"MM\0+\0\x08\0\0" + struct.pack(">Q", 16) + directory + bytes(range(64)) + bytes(8)
    data = data.ljust(0x80000 - 8, b"\0") + hidden
    started = time.process_time()
    assert read_photo(data).shape == (8, 8, 3)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("data", "largest"),
    [
        (lambda: jpeg(size=(4032, 3024)), 120),
        (lambda: encoded(Image.fromarray(noise(4000, 3000, 4)), "PNG", compress_level=1), 120),
        (lambda: webp_canvas(4000, 3000), 250),
        (lambda: tiff_strips(4000, 3000, bits=16), 250),
    ],
)
def test_estimates_of_ordinary_photos_are_far_below_the_limits(data, largest):
    header = read_header(data())
    assert estimate_seconds(header) < 0.4 * PhotoLimits().max_seconds
    assert 3 * 4000 * 3000 < estimate_memory(header) < largest * 2**20


def test_rows_and_columns_of_the_smallest_photos():
    for size in ((1, 1), (1, 5000), (5000, 1)):
        assert read_photo(png(*size)).shape == (size[1], size[0], 3)
        assert read_photo(np.zeros((size[1], size[0], 3), np.uint8)).shape == (size[1], size[0], 3)
