"""HDR stills: PQ and HLG are shown as on an ordinary screen, everything else as it is."""

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
    at = data.index(b"IHDR") + 21
    body = b"cICP" + bytes((primaries, transfer, 0, 1))
    return data[:at] + struct.pack(">I", 4) + body + struct.pack(">I", crc32(body)) + data[at:]


def avif(image, primaries, transfer):
    """An AVIF whose box colr says another coding than Pillow wrote."""
    data = bytearray(encoded(image, "AVIF", quality=95))
    struct.pack_into(">HH", data, data.index(b"colrnclx") + 8, primaries, transfer)
    return bytes(data)


@pytest.mark.parametrize("form", [png, avif])
@pytest.mark.parametrize("transfer", [PQ, HLG])
def test_hdr_stills(form, transfer, astronaut):
    codes = np.rint(255 * np.clip(hdr_codes(astronaut, transfer), 0, 1)).astype(np.uint8)
    data = form(codes, BT2020, transfer)
    assert read_cicp(data) == (BT2020, transfer)
    seen = read_photo(data)
    assert seen.mean() == pytest.approx(astronaut.mean(), abs=8)
    assert seen.std() == pytest.approx(astronaut.std(), rel=0.1)
    (face,) = Analyzer("cnn8").photo(data).faces
    assert face.verdict == "happy"


@pytest.mark.parametrize("form", [png, avif])
def test_ordinary_stills_stay_as_they_are(form, astronaut):
    plain = read_photo(
        encoded(
            astronaut, "PNG" if form is png else "AVIF", **({} if form is png else {"quality": 95})
        )
    )
    assert (read_photo(form(astronaut, BT709, 13)) == plain).all()


def test_what_is_cut_off_says_nothing(astronaut):
    data = png(astronaut, BT2020, PQ)
    for end in (0, 8, 20, 35, data.index(b"cICP") + 6):
        assert read_cicp(data[:end]) is None
    whole = avif(astronaut, BT2020, PQ)
    assert read_cicp(whole[: whole.index(b"colrnclx") + 10]) is None
    assert read_cicp(encoded(astronaut, "JPEG")) is None
