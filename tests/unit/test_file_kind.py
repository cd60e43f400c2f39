import io
import zipfile

import pytest
from helpers import encoded
from PIL import Image

from emosense.media.file_kind import HEAD_BYTES, file_kind, kind_in_words


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_photos(form):
    assert file_kind(encoded(Image.new("RGB", (300, 300)), form)[:HEAD_BYTES]) == "photo"


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1", b"avif"])
def test_photos_in_the_container_of_videos(brand):
    assert file_kind(b"\x00\x00\x00\x18ftyp" + brand + bytes(20)) == "photo"


def test_archives():
    for entries in ({}, {"a.jpg": b"x"}):
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, data in entries.items():
                archive.writestr(name, data)
        assert file_kind(buffer.getvalue()[:HEAD_BYTES]) == "archive"


@pytest.mark.parametrize(
    ("head", "words"),
    [
        (b"", "a file of another kind"),
        (b"just text", "a file of another kind"),
        (b"G" + bytes(300), "a file of another kind"),
        ((b"Good morning " * 40)[:187] + b" Good" + b" text" * 50, "a file of another kind"),
        (b"G" + b" " * 187 + b"Good" + b" text" * 50, "a file of another kind"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\xff\x0a" + bytes(20), "a JPEG XL photo, which is not read here"),
        (b"\x00\x00\x00\x0cjP  \r\n", "a JPEG 2000 photo, which is not read here"),
        (b"8BPS\x00\x01", "a Photoshop file"),
        (b"\x00\x00\x00\x18ftypcrx " + bytes(8), "a camera's raw file"),
        (b"\n <svg xmlns", "an SVG drawing"),
        (b"<?xml version='1.0'?><svg", "an SVG drawing"),
        (b"Rar!\x1a\x07", "an archive of another kind than zip"),
        (b"ID3\x04", "a sound file"),
    ],
)
def test_what_is_none_is_named(head, words):
    assert file_kind(head) == "other"
    assert kind_in_words(head) == words
