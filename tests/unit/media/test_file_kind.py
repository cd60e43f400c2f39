import io
import zipfile

import pytest
from PIL import Image
from support.data import encoded

from emosense.errors import UnsupportedMedia
from emosense.media.file_kind import HEAD_BYTES, describe_kind, file_kind
from emosense.media.images import read_photo


@pytest.mark.parametrize(
    "image_format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "DIB"]
)
def test_photos(image_format):
    assert file_kind(encoded(Image.new("RGB", (300, 300)), image_format)[:HEAD_BYTES]) == "photo"


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
    ("head", "description"),
    [
        (b"", "a file of another kind"),
        (b"just text", "a file of another kind"),
        (b"G" + bytes(300), "a file of another kind"),
        ((b"Good morning " * 40)[:187] + b" Good" + b" text" * 50, "a file of another kind"),
        (b"G" + b" " * 187 + b"Good" + b" text" * 50, "a file of another kind"),
        (b"%PDF-1.7", "a PDF document"),
        (b"\xff\x0a" + bytes(20), "a JPEG XL photo, which is not read here"),
        (b"\x00\x00\x00\x0cjP  \r\n", "a JPEG 2000 photo, which is not read here"),
        (b"8BPS\x00\x01", "a Photoshop file, which is not read here"),
        (b"\x00\x00\x00\x18ftypcrx " + bytes(8), "a camera's raw file, which is not read here"),
        (b"IIRO\x08" + bytes(9), "a camera's raw file, which is not read here"),
        (b"II*\x00\x10\x00\x00\x00CR\x02", "a camera's raw file, which is not read here"),
        (b"BMW is a car, and this is a text about it", "a file of another kind"),
        (b"Its free of charge", "a file of another kind"),
        (b"GIF8 is no picture", "a file of another kind"),
        (b"II. Of the second chapter", "a file of another kind"),
        (b"\xef\xbb\xbf<svg xmlns", "an SVG drawing"),
        (b"<!-- made by hand --><svg xmlns", "an SVG drawing"),
        (b"<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN'><svg", "an SVG drawing"),
        (b"<!DOCTYPE html><html><body><svg", "an HTML document"),
        (b"\x00\x00\x02\x00" + bytes(30), "a file of another kind"),
        (b"\x00\x00\x01\x00\x01\x00" + bytes(30), "an icon"),
        (b"\x00\x00\x00\x20ftypM4A " + bytes(30), "a sound file"),
        (b"v/1\x01\x02\x00", "a picture of a kind that is not read here"),
        (b"P6\n2 2\n255\n" + bytes(12), "a picture of a kind that is not read here"),
        (b"\n <svg xmlns", "an SVG drawing"),
        (b"<?xml version='1.0'?><svg", "an SVG drawing"),
        (b"Rar!\x1a\x07", "an archive of another kind than zip"),
        (b"ID3\x04", "a sound file"),
    ],
)
def test_other_kinds_are_described(head, description):
    assert file_kind(head) == "other"
    assert describe_kind(head) == description


def test_photos_are_described_too(astronaut):
    descriptions = {
        image_format: describe_kind(encoded(astronaut, image_format)[:HEAD_BYTES])
        for image_format in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF")
    }
    names = {"JPEG": "JPEG", "WEBP": "WebP"}
    assert all(
        names.get(image_format, image_format) in description
        for image_format, description in descriptions.items()
    )


def test_every_bmp_header_is_detected():
    for size in (12, 40, 108, 124):
        head = b"BM" + bytes(12) + size.to_bytes(4, "little") + bytes(200)
        assert file_kind(head) == "photo"


@pytest.mark.parametrize("head", [b"BMW, MM, II and so on" * 20, b"IIRO\x08" + bytes(400)])
def test_an_undamaged_file_of_another_kind_is_not_called_damaged(head):
    with pytest.raises(UnsupportedMedia, match="Expected a photo"):
        read_photo(head)
