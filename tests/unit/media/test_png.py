"""PNG files of our own encoder, read by two decoders."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image
from support.costly_photos import noise

from emosense.media import rgb_bands
from emosense.media.images import read_photo
from emosense.media.png import encode_png
from emosense.samples import sample_photo

SHAPES = [(1, 1, 3), (5, 7), (300, 400, 3), (3, 65_500, 3), (65_500, 2), (1, 9)]


@pytest.mark.parametrize("band_pixels", [50, 2**20])
@pytest.mark.parametrize("shape", SHAPES)
def test_decoders_read_what_was_encoded(shape, band_pixels, monkeypatch):
    monkeypatch.setattr(
        rgb_bands, "_BAND_PIXELS", max(band_pixels, 2**15 if max(shape) > 999 else 0)
    )
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    data = encode_png(image)
    with Image.open(io.BytesIO(data)) as opened:
        opened.verify()
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), image)
    by_opencv = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(by_opencv[..., ::-1] if image.ndim == 3 else by_opencv, image)


def test_a_view_is_encoded_as_its_copy():
    image = noise(40, 30)[5:20, 3:30]
    assert encode_png(image) == encode_png(image.copy())


def test_a_photo_is_hardly_larger_than_by_pillow():
    photo = read_photo(sample_photo())
    buffer = io.BytesIO()
    Image.fromarray(photo).save(buffer, "PNG", compress_level=1)
    assert len(encode_png(photo)) < 1.05 * len(buffer.getvalue())
