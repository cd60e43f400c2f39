"""HDR photos: PQ and HLG are tone-mapped, all other photos stay as they are."""

import struct
from zlib import crc32

import numpy as np
import pytest
from support.data import encoded
from support.synthetic_video import hdr_codes

from emosense import Analyzer
from emosense.media.cicp import HLG, PQ, read_cicp
from emosense.media.images import read_photo

BT709, BT2020 = 1, 9


def png(image, primaries, transfer):
    """A PNG with the chunk cICP after its header."""
    data = encoded(image, "PNG")
    offset = data.index(b"IHDR") + 21
    chunk = b"cICP" + bytes((primaries, transfer, 0, 1))
    return (
        data[:offset]
        + struct.pack(">I", 4)
        + chunk
        + struct.pack(">I", crc32(chunk))
        + data[offset:]
    )


def avif(image, primaries, transfer):
    """An AVIF with other code points in its box colr than Pillow wrote."""
    data = bytearray(encoded(image, "AVIF", quality=95))
    struct.pack_into(">HH", data, data.index(b"colrnclx") + 8, primaries, transfer)
    return bytes(data)


@pytest.mark.parametrize("with_cicp", [png, avif])
@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_hdr_photos(with_cicp, transfer, astronaut):
    codes = np.rint(255 * np.clip(hdr_codes(astronaut, transfer), 0, 1)).astype(np.uint8)
    data = with_cicp(codes, BT2020, transfer)
    assert read_cicp(data) == (BT2020, transfer)
    rgb = read_photo(data)
    assert rgb.mean() == pytest.approx(astronaut.mean(), abs=8)
    assert rgb.std() == pytest.approx(astronaut.std(), rel=0.1)
    (face,) = Analyzer("cnn8").photo(data).faces
    assert face.verdict == "happy"


@pytest.mark.parametrize("with_cicp", [png, avif])
def test_sdr_photos_stay_as_they_are(with_cicp, astronaut):
    data = encoded(astronaut, "PNG") if with_cicp is png else encoded(astronaut, "AVIF", quality=95)
    plain = read_photo(data)
    assert (read_photo(with_cicp(astronaut, BT709, 13)) == plain).all()


def test_truncated_files_have_no_code_points(astronaut):
    data = png(astronaut, BT2020, PQ)
    for end in (0, 8, 20, 35, data.index(b"cICP") + 6):
        assert read_cicp(data[:end]) is None
    complete = avif(astronaut, BT2020, PQ)
    assert read_cicp(complete[: complete.index(b"colrnclx") + 10]) is None
    assert read_cicp(encoded(astronaut, "JPEG")) is None
