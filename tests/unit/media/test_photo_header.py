"""Headers of photos: what they say of every format, and that no bytes break or stall their parser."""

import io
import random
import struct
import subprocess
import sys
import time

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from emosense.media.photo_header import (
    UNKNOWN_SECONDS,
    PhotoHeader,
    estimate_seconds,
    read_header,
)
from emosense.samples import sample_photo

FORMATS = {
    "JPEG": {"format": "JPEG"},
    "PNG": {"format": "PNG"},
    "WebP": {"format": "WEBP"},
    "GIF": {"format": "GIF"},
    "TIFF": {"format": "TIFF"},
    "BMP": {"format": "BMP"},
    "AVIF": {"format": "AVIF"},
}


def encoded(mode="RGB", size=(64, 128), **options):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 4), np.uint8)
    image = Image.fromarray(noise).convert(mode)
    if options["format"] == "HEIF":
        pillow_heif.from_pillow(image).save(buffer)
    else:
        image.save(buffer, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("name", [*FORMATS, "HEIC"])
def test_size_of_every_format(name):
    data = encoded(**FORMATS.get(name, {"format": "HEIF"}))
    header = read_header(data)
    assert (header.format, header.width, header.height) == (name, 64, 128)
    assert header.file_bytes == len(data)
    assert header.coded_samples >= 64 * 128


@pytest.mark.parametrize("name", ["PNG", "WebP", "TIFF", "AVIF"])
def test_alpha(name):
    options = FORMATS[name] | ({"lossless": True} if name == "WebP" else {})
    assert read_header(encoded("RGBA", **options)).has_alpha
    assert not read_header(encoded("RGB", **options)).has_alpha


def test_scans_of_a_progressive_jpeg():
    header = read_header(encoded(format="JPEG", progressive=True))
    assert header.scans == 10  # libjpeg's script for colour
    assert header.whole_picture
    baseline = read_header(encoded(format="JPEG"))
    assert baseline.scans == 1
    assert header.coded_samples > 4 * baseline.coded_samples


def test_tiles_of_a_tiff_count_each_time():
    """Tiles beyond the picture, or tiles far larger than it, are samples to decompress."""
    entries = [
        *((256, 4, 1, 64), (257, 4, 1, 64), (258, 3, 1, 8), (277, 3, 1, 1)),
        *((322, 4, 1, 16), (323, 4, 1, 1000), (324, 4, 1, 8), (325, 4, 1, 9)),
    ]
    ifd = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *e) for e in entries)
    header = read_header(b"II*\0" + struct.pack("<I", 8) + ifd)
    assert header.parts == 4
    assert header.coded_samples == 4 * 16 * 1000


def test_the_first_picture_of_a_gif_may_exceed_its_screen():
    data = bytearray(encoded("P", format="GIF"))
    start = data.index(b",\0\0\0\0")
    data[start + 5 : start + 9] = struct.pack("<HH", 5000, 7000)
    assert read_header(bytes(data)).width == 5000


def test_bytes_of_no_photo_have_no_header():
    for data in (b"", b"\xff", b"II*\0", b"RIFF", b"%PDF-1.7", b"\0\0\0\x1cftypisom" + bytes(40)):
        assert read_header(data) is None
    assert estimate_seconds(None) == UNKNOWN_SECONDS


def test_any_bytes_give_a_header_or_none():
    chosen = random.Random(0)
    samples = [encoded(**options) for options in FORMATS.values()] + [encoded(format="HEIF")]
    for _ in range(2000):
        data = bytearray(chosen.choice(samples))
        for _ in range(chosen.randint(1, 12)):
            data[chosen.randrange(min(len(data), chosen.choice((40, 400, 4000))))] = (
                chosen.randrange(256)
            )
        header = read_header(bytes(data[: chosen.randint(1, len(data))]))
        assert header is None or isinstance(header, PhotoHeader)
        assert estimate_seconds(header) > 0


def heif_of_references(count):
    """Return a HEIC whose grids refer to each other, ``count`` times each."""

    def box(kind, *parts):
        body = b"".join(parts)
        return struct.pack(">I4s", 8 + len(body), kind) + body

    items = range(1, 6)
    infe = [box(b"infe", struct.pack(">IHH4sB", 2 << 24, n, 0, b"grid", 0)) for n in items]
    dimg = [
        box(b"dimg", struct.pack(f">HH{count}H", n, count, *([1 + n % 5] * count))) for n in items
    ]
    ispe = box(b"ispe", struct.pack(">III", 0, 64, 64))
    ipma = box(b"ipma", struct.pack(">II", 0, 1), struct.pack(">HBB", 1, 1, 1))
    meta = box(
        b"meta",
        bytes(4),
        box(b"pitm", bytes(4), struct.pack(">H", 1)),
        box(b"iinf", struct.pack(">IH", 0, 5), *infe),
        box(b"iprp", box(b"ipco", ispe), ipma),
        box(b"iref", bytes(4), *dimg),
    )
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + meta


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\xff\xd8" + b"\xff\x00" * 5_000_000, id="stuffed bytes"),
        pytest.param(b"\xff\xd8" + b"\xff" * 10_000_000, id="fill bytes"),
        pytest.param(b"\xff\xd8" + b"\xff\xfe\0\2" * 2_500_000, id="JPEG comments"),
        pytest.param(sample_photo()[:33] + b"\0\0\0\0tEXt\0\0\0\0" * 1_000_000, id="PNG chunks"),
        pytest.param(b"GIF89a" + bytes(7) + b"!\xfe\1\1\0" * 2_000_000, id="GIF comments"),
        pytest.param(b"RIFF\0\0\0\0WEBP" + b"EXIF\0\0\0\0" * 1_000_000, id="RIFF chunks"),
        pytest.param(
            struct.pack("<2sHIH", b"II", 42, 8, 4096)
            + struct.pack("<HHII", 324, 4, 1_000_000, 0) * 4096
            + bytes(4_000_000),
            id="TIFF entries with one array",
        ),
        pytest.param(heif_of_references(15_000), id="HEIC references"),
        pytest.param(b"\0\0\0\x18ftypheic" + bytes(12) + b"\0\0\0\x08free" * 1_000_000, id="boxes"),
    ],
)
def test_effort_is_bounded(data):
    started = time.process_time()
    read_header(data)
    assert time.process_time() - started < 2


def test_no_heavy_package_is_imported():
    script = (
        "import sys, emosense.media.photo_header; "
        "print(sorted({'numpy', 'PIL', 'cv2', 'pi_heif'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_what_costs_more_is_estimated_dearer():
    small = read_header(encoded(format="JPEG"))
    large = PhotoHeader("JPEG", 8944, 8944, coded_samples=120_000_000, file_bytes=20_000_000)
    scans = PhotoHeader("JPEG", 8936, 8936, 1, coded_samples=80_000_000_000, scans=1000)
    estimates = [estimate_seconds(header) for header in (small, large, scans)]
    assert estimates == sorted(estimates)
    assert estimates[0] < 1
    assert estimates[2] > 8
