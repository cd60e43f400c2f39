"""Sizes of AV1 and HEVC bitstreams: what decoders follow, whatever the container says."""

import io
import struct

import numpy as np
import pillow_heif
import pytest
from PIL import Image
from support.costly_photos import encoded, noise

from emosense.errors import MediaTooLarge
from emosense.media.headers.bits import BitReader
from emosense.media.headers.structure import HeaderError
from emosense.media.images import read_photo
from emosense.media.photo_header import parse_header


def heic(image, **options):
    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, **options)
    return buffer.getvalue()


def with_stated_size(data, width, height):
    """Return a file whose properties state another size than its bitstream."""
    start = data.index(b"ispe") + 8
    return data[:start] + struct.pack(">II", width, height) + data[start + 8 :]


@pytest.mark.parametrize("size", [(64, 64), (200, 120), (1000, 24)])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_an_avif_that_states_less_than_its_bitstream(size, subsampling):
    image = Image.fromarray(noise(*size))
    data = encoded(image, "AVIF", subsampling=subsampling, quality=30)
    pixels = size[0] * size[1]
    assert parse_header(data).coded_samples == 3 * pixels
    smaller = parse_header(with_stated_size(data, 16, 16))
    assert (smaller.width, smaller.height) == (16, 16)
    assert smaller.coded_samples == 3 * pixels


def test_an_animated_avif_counts_its_first_frame():
    frames = [Image.fromarray(noise(96, 64)) for _ in range(3)]
    data = encoded(frames[0], "AVIF", save_all=True, append_images=frames[1:])
    assert parse_header(data).coded_samples == 3 * 96 * 64
    assert parse_header(with_stated_size(data, 16, 16)).coded_samples == 3 * 96 * 64
    assert read_photo(data).shape == (64, 96, 3)


@pytest.mark.parametrize("size", [(64, 64), (200, 120), (1000, 80)])
def test_a_heic_that_states_less_than_its_bitstream(size):
    data = heic(Image.fromarray(noise(*size)), quality=30)
    coded = parse_header(data).coded_samples
    assert 3 * size[0] * size[1] <= coded <= 3 * (size[0] + 64) * (size[1] + 64)
    assert parse_header(with_stated_size(data, 16, 16)).coded_samples == coded


def test_a_huge_bitstream_in_a_small_picture_is_refused(monkeypatch):
    data = encoded(Image.new("RGB", (5000, 4000)), "AVIF", speed=10, quality=10)
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(MediaTooLarge, match=r"cover a picture of 64 x 64\. Received: 1 of 20 mega"):
        read_photo(with_stated_size(data, 64, 64))


def test_bit_depths():
    values = np.zeros((64, 64, 3), np.uint16)
    buffer = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (64, 64), values.tobytes()).save(buffer)
    assert parse_header(buffer.getvalue()).bit_depth in (10, 12)
    assert parse_header(heic(Image.new("RGB", (64, 64)))).bit_depth == 8


def test_alpha_is_one_sample_more():
    data = encoded(Image.fromarray(noise(64, 64, 4)), "AVIF", quality=30)
    header = parse_header(data)
    assert header.has_alpha
    assert header.coded_samples == 4 * 64 * 64


def test_bits_that_are_missing_are_an_error():
    assert BitReader(b"\x80").exp_golomb() == 0
    for data, count in ((b"", 1), (b"\xff", 9)):
        with pytest.raises(HeaderError):
            BitReader(data).bits(count)
    with pytest.raises(HeaderError):
        BitReader(bytes(100)).exp_golomb()
