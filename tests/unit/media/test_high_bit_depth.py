"""Images of more than 8 bits per channel: the same image, whatever its bit depth."""

import io
import struct
import zlib
from zlib import crc32

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image
from support.data import encoded

from emosense import Analyzer
from emosense.errors import DamagedMedia, MediaTooLarge, UnsupportedMedia
from emosense.media.high_bit_depth import read_high_bit_depth_tiff
from emosense.media.images import read_photo
from emosense.settings import PhotoLimits


@pytest.fixture(scope="module")
def colour(astronaut):
    return np.ascontiguousarray(astronaut[::4, ::4])


@pytest.fixture(scope="module")
def grey(colour):
    return cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)


def deeper(image, bits):
    """The image at another bit depth, with its brightest pixel at the maximum."""
    scaled = image.astype(np.float64) / image.max()
    return np.rint(scaled * (2**bits - 1)).astype(np.uint16 if bits <= 16 else np.uint32)


def tiff(values, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def same(rgb, expected):
    """Whether two images differ by at most the rounding to 8 bits."""
    expected = expected.astype(np.float64) * 255 / expected.max()
    if expected.ndim == 2:
        expected = np.repeat(expected[..., np.newaxis], 3, axis=2)
    return rgb.shape == expected.shape and np.abs(rgb - expected).max() <= 1.5


@pytest.mark.parametrize("bits", [9, 10, 11.5, 12, 13, 14, 16])
def test_grey_of_any_depth(grey, bits):
    """13 bits are treated as the lower 13 of 14: half as bright, not an eighth."""
    top = round(2**bits) - 1
    values = np.rint(grey.astype(np.float64) / grey.max() * top).astype(np.uint16)
    full_scale = next(2**n - 1 for n in (10, 12, 14, 16) if top <= 2**n - 1)
    expected = values * (255 / full_scale)
    for data in (encoded(Image.fromarray(values), "PNG"), tiff(values)):
        rgb = read_photo(data)
        assert np.abs(rgb[..., 0] - expected).max() <= 1


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_colour_of_any_depth(colour, bits):
    values = deeper(colour, bits)
    png = cv2.imencode(".png", values[..., ::-1])[1].tobytes()
    assert same(read_photo(png), colour)
    assert same(read_photo(tiff(values, photometric="rgb")), colour)
    planes = tiff(np.moveaxis(values, -1, 0), photometric="rgb", planarconfig="separate")
    assert same(read_photo(planes), colour)


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_floats(colour, grey, top):
    for image in (colour, grey):
        values = (image / image.max() * top).astype(np.float32)
        photometric = "rgb" if image.ndim == 3 else "minisblack"
        assert same(read_photo(tiff(values, photometric=photometric)), image)


def test_nan_is_black(grey):
    values = (grey / 255).astype(np.float32)
    values[:10] = np.nan
    rgb = read_photo(tiff(values))
    assert (rgb[:10] == 0).all()
    assert same(rgb[10:], np.maximum(grey[10:], 1))


def test_negative_values_are_shifted_to_0(grey):
    values = grey.astype(np.int16) - 128
    assert np.abs(read_photo(tiff(values))[..., 0].astype(int) - grey + grey.min()).max() <= 1


def test_transparent_16_bit_is_composited_on_white(colour):
    values = np.dstack([deeper(colour, 16), np.zeros(colour.shape[:2], np.uint16)])
    png = cv2.imencode(".png", values[..., [2, 1, 0, 3]])[1].tobytes()
    assert (read_photo(png) == 255).all()


def test_orientation_of_16_bit_colour_is_applied(colour):
    buffer = io.BytesIO()
    tifffile.imwrite(
        buffer, deeper(colour, 16), photometric="rgb", extratags=[(274, 3, 1, 3, True)]
    )
    assert same(read_photo(buffer.getvalue())[::-1, ::-1], colour)


def test_transparency_of_16_bits_beside_colour_of_12(colour, grey):
    opaque = np.full(grey.shape, 65535, np.uint16)
    bgra = np.dstack([deeper(colour, 12)[..., ::-1], opaque])
    assert same(read_photo(cv2.imencode(".png", bgra)[1].tobytes()), colour)
    rgba = np.dstack([deeper(colour, 12), opaque])
    assert same(read_photo(tiff(rgba, photometric="rgb", extrasamples=["unassalpha"])), colour)
    assert same(read_photo(grey_with_transparency(deeper(grey, 12), 65535)), grey)


def grey_with_transparency(values, opaque):
    """A 16-bit PNG of colour type 4, which no library here writes."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", crc32(name + data))

    height, width = values.shape
    pixels = np.stack([values, np.full_like(values, opaque)], -1).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 4, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("dtype", [np.int16, np.int32])
def test_signed_integers_that_use_their_maximum(dtype, colour, grey):
    for image, photometric in ((colour, "rgb"), (grey, "minisblack")):
        values = (image / image.max() * np.iinfo(dtype).max).astype(dtype)
        assert same(read_photo(tiff(values, photometric=photometric)), image)


def test_what_pillow_refuses_is_decoded_or_reported(colour, grey):
    half = (grey / grey.max()).astype(np.float16)
    assert same(read_photo(tiff(half)), grey)
    small = (colour.astype(int) * 127 // colour.max()).astype(np.int8)
    rgb = read_photo(tiff(small, photometric="rgb"))
    assert np.abs(rgb.astype(int) - small.astype(int) * 255 / 127).max() <= 1
    for values, options, message in (
        (np.zeros((20, 20, 5), np.uint8), {"planarconfig": "contig"}, "8-bit .* with 5 channels"),
        (np.zeros((20, 20), np.complex64), {}, "64-bit complex grey"),
        (np.zeros((64, 8, 8)), {"volumetric": True}, "64-bit float grey in 64 layers"),
    ):
        with pytest.raises(UnsupportedMedia, match=message):
            read_photo(tiff(values, photometric="minisblack", **options))


@pytest.mark.parametrize("shape", [(1, 40, 3), (40, 1, 3), (3, 40, 3), (1, 40), (40, 1), (1, 1, 3)])
def test_lines_of_pixels(shape):
    values = np.full(shape, 4095, np.uint16)
    for planes in (False, True) if len(shape) == 3 else (False,):
        data = tiff(
            np.moveaxis(values, -1, 0) if planes else values.astype(np.float64) / 4095,
            photometric="rgb" if len(shape) == 3 else "minisblack",
            **({"planarconfig": "separate" if planes else "contig"} if len(shape) == 3 else {}),
        )
        rgb = read_photo(data)
        assert rgb.shape == (*shape[:2], 3)
        assert (rgb == 255).all()


def test_white_is_zero(grey):
    rgb = read_photo(tiff(deeper(255 - grey, 16), photometric="miniswhite"))
    assert np.corrcoef(rgb[..., 0].ravel(), grey.ravel())[0, 1] > 0.99


def test_white_is_zero_in_compressed_files_too(grey):
    plain = tiff(deeper(255 - grey, 16), photometric="miniswhite")
    buffer = io.BytesIO()
    values = Image.fromarray(deeper(255 - grey, 16))
    values.save(buffer, "TIFF", compression="tiff_lzw", tiffinfo={262: 0})
    assert (read_photo(buffer.getvalue()) == read_photo(plain)).all()


def test_another_number_of_channels_is_refused():
    values = np.zeros((20, 20, 5), np.float32)
    with pytest.raises(UnsupportedMedia, match="a TIFF of 32-bit float colour with 5 channels"):
        read_photo(tiff(values, photometric="minisblack", planarconfig="contig"))


def test_the_limit_counts_before_decoding(colour):
    with pytest.raises(MediaTooLarge):
        read_photo(tiff(deeper(colour, 16), photometric="rgb"), PhotoLimits(max_pixels=100))


LZW, DEFLATE, PACKBITS = 5, 8, 32773
DIFFERENCES, FLOAT_DIFFERENCES = 2, 3


def compressed_tiff(values, compression, predictor):
    settings = (cv2.IMWRITE_TIFF_COMPRESSION, compression, cv2.IMWRITE_TIFF_PREDICTOR, predictor)
    return cv2.imencode(".tif", values[..., ::-1], settings)[1].tobytes()


@pytest.mark.parametrize("compression", [LZW, DEFLATE, PACKBITS])
def test_compressed_colour_is_decoded(colour, compression):
    """LZW with differences is what image editors write by default."""
    predictor = 1 if compression == PACKBITS else DIFFERENCES
    for bits in (12, 16):
        data = compressed_tiff(deeper(colour, bits), compression, predictor)
        assert same(read_photo(data), colour)
        with pytest.raises(DamagedMedia):
            read_photo(data[: len(data) // 2])
    floats = (colour / colour.max()).astype(np.float32)
    predictor = 1 if compression == PACKBITS else FLOAT_DIFFERENCES
    assert same(read_photo(compressed_tiff(floats, compression, predictor)), colour)


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.float16, np.float64])
def test_deflate_of_every_kind(colour, dtype):
    top = np.iinfo(dtype).max if np.issubdtype(dtype, np.integer) else 1
    values = (colour / colour.max() * top).astype(dtype)
    planes = np.moveaxis(values, -1, 0)
    for data in (
        tiff(values, photometric="rgb", compression="zlib"),
        tiff(values, photometric="rgb", compression="zlib", tile=(64, 64)),
        tiff(planes, photometric="rgb", compression="zlib", planarconfig="separate"),
    ):
        assert same(read_photo(data), colour)


def test_another_compression_is_reported_as_unsupported(colour):
    data = tiff(deeper(colour, 16), photometric="rgb", compression="lzma")
    with pytest.raises(UnsupportedMedia, match="packed in a way that is not read here"):
        read_photo(data)


@pytest.mark.parametrize("dtype", [np.uint16, np.uint32, np.float16])
def test_a_strip_that_decompresses_to_more_than_its_size(dtype, monkeypatch):
    """Pillow's and OpenCV's libtiff stop by themselves; tifffile would decompress all of it."""
    data = tiff(
        np.zeros((3, 8, 8), dtype), photometric="rgb", planarconfig="separate", compression=8
    )
    bomb = zlib.compress(bytes(2**24), 9)
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        counts = file.pages[0].tags[279]
        offsets = file.pages[0].tags[273]
    forged = bytearray(data + bomb)
    for plane in range(3):
        size = counts.dtype.value
        count_format = "<H" if size == 3 else "<I"
        length = len(bomb)
        assert size in (3, 4) and length < 2**16
        struct.pack_into(
            count_format, forged, counts.valueoffset + plane * struct.calcsize(count_format), length
        )
        struct.pack_into("<I", forged, offsets.valueoffset + 4 * plane, len(data))
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda *_, **__: pytest.fail("decompressed"))
    with pytest.raises(ValueError, match="more in it than the header says"):
        read_high_bit_depth_tiff(bytes(forged), 10**6, pillow_failed=True)
    with pytest.raises(DamagedMedia):
        read_photo(bytes(forged))


@pytest.mark.parametrize("top", [1.0, 255.0, 4095.0])
def test_floats_a_little_beyond_white_and_black(colour, grey, top):
    """Resampling leaves them; one such value must not make the whole picture black."""
    for image in (colour, grey):
        values = (image / image.max() * top).astype(np.float32)
        values[0, 0], values[0, 1] = 1.1 * top, -0.1 * top
        rgb = read_photo(tiff(values, photometric="rgb" if image.ndim == 3 else "minisblack"))
        expected = read_photo(np.rint(image * (255 / image.max())).astype(np.uint8))
        assert np.abs(rgb[1:].astype(int) - expected[1:]).max() <= 1
        assert (rgb[0, 0] == 255).all()
        assert (rgb[0, 1] == 0).all()


def test_floats_around_zero_are_refused(colour, grey):
    for image in (colour, grey):
        values = (image / 127.5 - 1).astype(np.float32)
        with pytest.raises(UnsupportedMedia, match="whose black is 0"):
            read_photo(tiff(values, photometric="rgb" if image.ndim == 3 else "minisblack"))


def test_a_dark_photo_stays_plausible(astronaut):
    """It is brightened, nothing is clipped, and the face is the same."""
    dark = (cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY).astype(np.uint16) * 257) // 10
    data = encoded(Image.fromarray(dark), "PNG")
    rgb = read_photo(data)
    assert dark.max() // 257 <= rgb.max() < 255
    assert np.unique(rgb).size > 64
    (face,) = Analyzer("cnn8").photo(data).faces
    assert face.verdict == "happy"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("dtype", [np.uint16, np.float16, np.float32])
def test_all_orientations(colour, orientation, dtype):
    """Half floats are not decoded by Pillow, which applies the orientation of others."""
    top = 65535 if dtype is np.uint16 else 1
    values = (colour[:96] / colour[:96].max() * top).astype(dtype)
    exif = Image.Exif()
    exif[274] = orientation
    plain = io.BytesIO()
    image8 = np.rint(values.astype(np.float64) * 255 / top).astype(np.uint8)
    Image.fromarray(image8).save(plain, "PNG", exif=exif)
    data = tiff(values, photometric="rgb", extratags=[(274, 3, 1, orientation, True)])
    rgb, expected = read_photo(data), read_photo(plain.getvalue())
    assert rgb.shape == expected.shape
    assert np.abs(rgb.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("wrong", [(3, 1, 0), (3, 1, 9), (3, 2, (3, 3)), (2, 4, "abc")])
def test_an_invalid_orientation_does_not_matter(colour, wrong):
    tag_type, count, value = wrong
    values = deeper(colour, 16)
    data = tiff(values, photometric="rgb", extratags=[(274, tag_type, count, value, True)])
    assert same(read_photo(data), colour)


def test_cmyk_of_16_bits(colour):
    ink = np.dstack([65535 - colour.astype(np.uint16) * 257, np.zeros(colour.shape[:2], np.uint16)])
    assert np.abs(read_photo(tiff(ink, photometric="separated")).astype(int) - colour).max() <= 1


def raw_file(**options):
    """A TIFF as cameras write it: a thumbnail, with the sensor data in a sub-IFD."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        small = np.full((120, 160, 3), 99, np.uint8)
        writer.write(small, photometric="rgb", subfiletype=1, subifds=1, **options)
        writer.write(np.zeros((40, 60), np.uint16), photometric=32803)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        raw_file(),
        raw_file(extratags=[(50706, 1, 4, b"\1\4\0\0", True)]),
        tiff(np.zeros((9, 9, 3), np.uint8), extratags=[(50706, 1, 4, b"\1\4\0\0", True)]),
        tiff(np.zeros((40, 60), np.uint16), photometric=32803),
        tiff(np.zeros((40, 60, 3), np.uint16), photometric=34892),
    ],
    ids=["NEF", "DNG", "DNG without a thumbnail", "sensor", "linear"],
)
def test_raw_files_of_cameras_are_not_taken_for_their_thumbnails(data):
    with pytest.raises(UnsupportedMedia, match="a camera's raw file, which is not read here"):
        read_photo(data)


def test_pyramids_are_no_raw_files(colour):
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(colour, photometric="rgb", subifds=1)
        writer.write(colour[::2, ::2], photometric="rgb", subfiletype=1)
    assert (read_photo(buffer.getvalue()) == colour).all()
