import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from support.data import encoded

from emosense.errors import DamagedMedia, MediaError, MediaTooLarge, UnsupportedMedia
from emosense.media.formats import PHOTO_SUFFIXES
from emosense.media.images import read_photo
from emosense.settings import PhotoLimits

LIMITS = PhotoLimits(max_bytes=5_000_000, max_pixels=1_000_000)


def half_red_half_blue() -> Image.Image:
    image = Image.new("RGB", (40, 20), "red")
    image.paste((0, 0, 255), (20, 0, 40, 20))
    return image


@pytest.mark.parametrize("image_format", ["JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"])
def test_formats(image_format):
    image = read_photo(encoded(half_red_half_blue(), image_format))
    assert image.shape == (20, 40, 3)
    assert image.dtype == np.uint8
    assert abs(image[10, 5].astype(int) - [255, 0, 0]).max() < 30
    assert abs(image[10, 35].astype(int) - [0, 0, 255]).max() < 30


def heic(image, **options):
    """Encode by pillow-heif; decoding is by pi-heif, which comes with the app."""
    import pillow_heif

    buffer = io.BytesIO()
    pillow_heif.from_pillow(image).save(buffer, **options)
    return buffer.getvalue()


def test_heic():
    image = read_photo(heic(half_red_half_blue()))
    assert image.shape == (20, 40, 3)
    assert abs(image[10, 5].astype(int) - [255, 0, 0]).max() < 40
    assert {"heic", "heif", "jfif", "jpe"} <= set(PHOTO_SUFFIXES)


@pytest.mark.parametrize("image_format", ["JPEG", "MPO", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(orientation, image_format):
    """A corner of another colour makes all eight orientations different."""
    upright = half_red_half_blue()
    upright.paste((0, 255, 0), (0, 0, 10, 5))
    inverse = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(inverse[orientation]) if orientation in inverse else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    if image_format == "HEIF":
        data = heic(stored, exif=exif.tobytes())
    else:
        data = encoded(stored, image_format, exif=exif.tobytes())
    image = read_photo(data)
    assert image.shape == (20, 40, 3)
    assert abs(image[10, 5].astype(int) - [255, 0, 0]).max() < 40
    assert abs(image[10, 35].astype(int) - [0, 0, 255]).max() < 40
    assert abs(image[2, 4].astype(int) - [0, 255, 0]).max() < 90
    assert abs(image[17, 4].astype(int) - [255, 0, 0]).max() < 90


def test_broken_exif_does_not_matter():
    data = encoded(
        half_red_half_blue(), "JPEG", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff"
    )
    assert read_photo(data).shape == (20, 40, 3)


def test_modes():
    transparent = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    assert (read_photo(encoded(transparent, "PNG")) == 255).all()
    cmyk = half_red_half_blue().convert("CMYK")
    assert abs(read_photo(encoded(cmyk, "JPEG"))[10, 5].astype(int) - [255, 0, 0]).max() < 40
    ramp = (np.arange(16, dtype=np.uint16) * 4096).reshape(4, 4)
    wide = read_photo(encoded(Image.fromarray(ramp), "PNG"))
    assert wide[0, 0].tolist() == [0, 0, 0]
    assert wide[3, 3].tolist() == [239, 239, 239]
    bits = read_photo(encoded(Image.new("1", (8, 8), 1), "PNG"))
    assert (bits == 255).all()
    palette = half_red_half_blue().convert("P")
    assert read_photo(encoded(palette, "PNG"))[10, 5].tolist() == [255, 0, 0]


def test_animations_give_their_first_frame():
    frames = [Image.new("RGB", (8, 8), c) for c in ("red", "lime")]
    for image_format in ("GIF", "WEBP"):
        data = encoded(frames[0], image_format, save_all=True, append_images=frames[1:])
        assert read_photo(data)[4, 4, 0] > 200


class TestArrays:
    def test_kinds(self):
        grey = np.full((5, 6), 100, np.uint8)
        assert read_photo(grey).shape == (5, 6, 3)
        assert read_photo(np.full((5, 6, 1), 9, np.uint8))[0, 0].tolist() == [9, 9, 9]
        assert read_photo(np.full((5, 6, 3), 0.5))[0, 0, 0] == 128
        assert read_photo(np.full((5, 6, 3), 65535, np.uint16)).max() == 255
        assert (read_photo(np.zeros((5, 6, 4), np.uint8)) == 255).all()
        assert read_photo(Image.new("L", (6, 5), 7)).shape == (5, 6, 3)

    @pytest.mark.parametrize(
        "wrong",
        [
            np.zeros((2, 2, 2), np.uint8),
            np.zeros((0, 5, 3), np.uint8),
            np.zeros(5, np.uint8),
            np.zeros((5, 5, 3), np.int64),
            np.full((5, 5, 3), 200.0),
            np.full((5, 5, 3), np.nan),
        ],
    )
    def test_wrong_arrays_are_refused(self, wrong):
        with pytest.raises(UnsupportedMedia, match="Expected"):
            read_photo(wrong)


class TestRefusals:
    def test_too_many_bytes_or_pixels(self):
        with pytest.raises(MediaTooLarge, match=r"at most 5 MB\. Received: .* 5\.7 MB"):
            read_photo(b"x" * 6_000_000, LIMITS)
        with pytest.raises(
            MediaTooLarge, match=r"1 megapixels\. Received: an image of 2000 x 1000"
        ):
            read_photo(encoded(Image.new("1", (2000, 1000)), "PNG"), LIMITS)
        with pytest.raises(MediaTooLarge):
            read_photo(np.zeros((1001, 1000), np.uint8), LIMITS)

    def test_a_decompression_bomb_is_refused_by_its_header(self):
        def chunk(kind, data):
            return (
                struct.pack(">I", len(data))
                + kind
                + data
                + struct.pack(">I", zlib.crc32(kind + data))
            )

        header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
        bomb = (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", header)
            + chunk(b"IDAT", b"")
            + chunk(b"IEND", b"")
        )
        with pytest.raises(MediaTooLarge, match="megapixels"):
            read_photo(bomb)

    def test_a_larger_limit_than_pillows_own_is_kept(self, monkeypatch):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
        data = encoded(Image.new("1", (100, 100)), "PNG")
        assert read_photo(data, PhotoLimits(max_pixels=10_000)).shape == (100, 100, 3)
        with pytest.raises(MediaTooLarge, match="an image of 100 x 100"):
            read_photo(data, PhotoLimits(max_pixels=9_999))

    def test_pil_images_that_cannot_be_decoded(self, astronaut):
        data = encoded(astronaut, "PNG")
        with pytest.raises(DamagedMedia, match="damaged or cut off"):
            read_photo(Image.open(io.BytesIO(data[: len(data) // 2])))
        with pytest.raises(UnsupportedMedia, match="Received: 0 x 5"):
            read_photo(Image.new("RGB", (0, 5)))

    def test_cut_off_files(self, astronaut):
        for image_format in ("JPEG", "PNG", "WEBP", "AVIF"):
            data = encoded(astronaut, image_format)
            with pytest.raises(DamagedMedia, match="damaged or cut off"):
                read_photo(data[: len(data) // 2])

    @pytest.mark.parametrize(
        ("data", "description"),
        [
            (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
            (b"<!DOCTYPE html><html></html>", "HTML"),
            (b"\x00\x00\x00\x18ftypmp42" + b"\0" * 40, "MP4 or MOV video"),
            (b"\x1aE\xdf\xa3" + b"\0" * 40, "Matroska"),
            (b"%PDF-1.7", "PDF"),
            (b"PK\x03\x04" + b"\0" * 40, "zip"),
            (b"hello", "another kind"),
        ],
    )
    def test_what_is_no_photo_is_described(self, data, description):
        with pytest.raises(UnsupportedMedia, match=f"Expected a photo.*{description}"):
            read_photo(data)

    def test_empty_and_missing(self, tmp_path):
        with pytest.raises(DamagedMedia, match="empty"):
            read_photo(b"")
        with pytest.raises(MediaError, match="There is no file"):
            read_photo(tmp_path / "no.jpg")
        with pytest.raises(MediaError, match="cannot be read"):
            read_photo(tmp_path)

    def test_random_damage_never_escapes_as_another_error(self, astronaut):
        rng = np.random.default_rng(0)
        small = Image.fromarray(astronaut).resize((64, 64))
        for image_format in ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP"):
            valid = encoded(small, image_format)
            for _ in range(30):
                data = bytearray(valid)
                for _ in range(rng.integers(1, 12)):
                    data[rng.integers(0, min(len(data), 600))] = rng.integers(0, 256)
                try:
                    image = read_photo(bytes(data), LIMITS)
                except MediaError as error:
                    assert str(error)
                else:
                    assert image.ndim == 3


def test_a_wrong_file_name_does_not_matter(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(half_red_half_blue(), "PNG"))
    assert read_photo(path).shape == (20, 40, 3)
    assert read_photo(str(path)).shape == (20, 40, 3)
    assert read_photo(Image.open(io.BytesIO(path.read_bytes()))).shape == (20, 40, 3)
