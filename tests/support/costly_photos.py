"""Small files whose decoding would cost much: headers that declare it, without the data for it."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

SIDE = 8944
"""Side of a square of 80 megapixels."""


def png_chunk(kind, body):
    checksum = zlib.crc32(body, zlib.crc32(kind))
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


def png(width, height, depth=8, colour_type=2, *, before=b"", after=b""):
    """Return a black PNG, with chunks before and after its pixels."""
    samples = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour_type]
    row = bytes((width * depth * samples + 7) // 8 + 1)
    rows = max(1, 2**20 // len(row))
    compressor = zlib.compressobj(9)
    pixels = b"".join(
        compressor.compress(row * min(rows, height - top)) for top in range(0, height, rows)
    )
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + before
        + png_chunk(b"IDAT", pixels + compressor.flush())
        + after
        + png_chunk(b"IEND", b"")
    )


def webp_canvas(width, height):
    """Return the header of a lossless WebP; at most 16,384 pixels a side."""
    bits = struct.pack("<I", (width - 1) | (height - 1) << 14 | 1 << 28)
    body = b"VP8L" + struct.pack("<I", 6) + b"\x2f" + bits + b"\0"
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def webp_animation(width, height):
    """Return an animation whose canvas is much larger than its frame of 16 x 16 pixels."""
    frame = encoded(Image.new("RGB", (16, 16)), "WEBP", lossless=True)[12:]
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"VP8X" + struct.pack("<I", 10) + bytes((2, 0, 0, 0)) + size
    body += b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    picture = bytes(6) + (15).to_bytes(3, "little") * 2 + bytes(4) + frame
    body += b"ANMF" + struct.pack("<I", len(picture)) + picture
    return b"RIFF" + struct.pack("<I", 4 + len(body)) + b"WEBP" + body


def encoded(image, file_format, **options):
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def jpeg(segments=b"", size=(64, 64), **options):
    """Return a black JPEG with more segments after its first marker."""
    data = encoded(Image.new("RGB", size), "JPEG", **options)
    return data[:2] + segments + data[2:]


def jpeg_segment(marker, body):
    return bytes((0xFF, marker)) + struct.pack(">H", len(body) + 2) + body


def progressive_jpeg(side, scans):
    """Return a progressive JPEG in grey that refines all of its coefficients ``scans`` times."""
    blocks = ((side + 7) // 8) ** 2
    runs = "0" * 15 * -(-blocks // 16384)  # end-of-band runs of 16,384 blocks
    runs = runs.ljust(-(-len(runs) // 8) * 8, "1")
    data = bytes(int(runs[i : i + 8], 2) for i in range(0, len(runs), 8)).replace(
        b"\xff", b"\xff\0"
    )

    def table(kind, symbol):
        return jpeg_segment(0xC4, bytes([kind, 1] + [0] * 15) + symbol)

    def scan(first, last, approximation):
        return jpeg_segment(0xDA, bytes((1, 1, 0, first, last, approximation)))

    frame = struct.pack(">BHHB", 8, side, side, 1) + b"\1\x11\0"
    return (
        b"\xff\xd8"
        + jpeg_segment(0xDB, bytes([0] + [1] * 64))
        + jpeg_segment(0xC2, frame)
        + table(0, b"\0")
        + table(0x10, b"\xe0")
        + scan(0, 0, 0)
        + bytes((blocks + 7) // 8)
        + scan(1, 63, 0x0D)
        + data
        + (scan(1, 63, 1) + data) * scans
        + b"\xff\xd9"
    )


def tiff(width, height, *, parts, part=b"", bits=8, samples=1, photometric=1, **layout):
    """Return a TIFF compressed by Deflate whose strips or tiles are all the same data.

    ``layout`` has ``rows`` (per strip) or ``tile`` (width and height), ``sample_format``, ``order``.
    """
    order = layout.get("order", "<")
    tile, rows = layout.get("tile"), layout.get("rows", height)
    entries = [
        *((256, "I", [width]), (257, "I", [height]), (258, "H", [bits] * samples)),
        *((259, "H", [8]), (262, "H", [photometric]), (277, "H", [samples])),
        (339, "H", [layout.get("sample_format", 1)] * samples),
    ]
    tags = (324, 325) if tile else (273, 279)
    entries += [(322, "I", [tile[0]]), (323, "I", [tile[1]])] if tile else [(278, "I", [rows])]
    entries += [(tags[0], "I", [0] * parts), (tags[1], "I", [len(part)] * parts)]
    start = 14 + 12 * len(entries)
    size = sum(_outside(order, code, values) for _, code, values in entries)
    entries = [
        (tag, code, [start + size] * parts if tag == tags[0] else values)
        for tag, code, values in entries
    ]
    directory, outside = struct.pack(order + "H", len(entries)), b""
    for tag, code, values in sorted(entries):
        value = struct.pack(f"{order}{len(values)}{code}", *values)
        directory += struct.pack(order + "HHI", tag, {"H": 3, "I": 4}[code], len(values))
        if len(value) <= 4:
            directory += value.ljust(4, b"\0")
        else:
            directory += struct.pack(order + "I", start + len(outside))
            outside += value
    signature = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(order + "I", 8)
    return signature + directory + bytes(4) + outside + part


def _outside(order, code, values):
    size = struct.calcsize(f"{order}{len(values)}{code}")
    return size if size > 4 else 0


def deflated(size):
    compressor = zlib.compressobj(9)
    zeros = bytes(2**20)
    parts = [
        compressor.compress(zeros[: min(2**20, size - start)]) for start in range(0, size, 2**20)
    ]
    return b"".join(parts) + compressor.flush()


def tiff_strips(width, height, rows=64, *, bits=8, samples=3, **layout):
    """Return a black TIFF whose strips cover its picture once."""
    part = deflated(width * rows * bits // 8 * samples)
    photometric = 2 if samples > 2 else 1
    return tiff(
        *(width, height),
        parts=-(-height // rows),
        part=part,
        bits=bits,
        samples=samples,
        photometric=photometric,
        rows=rows,
        **layout,
    )


def bmp_rle(width, height, data, bits=8):
    """Return a BMP compressed by RLE8 or RLE4."""
    palette = bytes(range(256)) * 4 if bits == 8 else bytes(64)
    start = 54 + len(palette)
    info = (40, width, height, 1, bits, 1 if bits == 8 else 2, len(data), 0, 0)
    return (
        b"BM"
        + struct.pack("<IHHI", start + len(data), 0, 0, start)
        + struct.pack("<IiiHHIIii", *info)
        + struct.pack("<II", len(palette) // 4, 0)
        + palette
        + data
    )


def box(kind, *parts):
    """Return a box of the ISO base media file format."""
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def heic_grid(tile, columns, rows, size=None, extent=100):
    """Return the header of a HEIC of tiles that each are ``tile`` pixels wide and high."""
    count = columns * rows
    width, height = size or (tile * columns, tile * rows)
    tiles = range(2, 2 + count)
    entries = [
        box(b"infe", struct.pack(">IHH4sB", 2 << 24, number, 0, kind, 0))
        for number, kind in [(1, b"grid"), *((number, b"hvc1") for number in tiles)]
    ]
    locations = b"".join(struct.pack(">HHHII", number, 0, 1, 0, extent) for number in (1, *tiles))
    sizes = [
        box(b"ispe", struct.pack(">III", 0, *pair)) for pair in ((tile, tile), (width, height))
    ]
    of_item = struct.pack(">HBB", 1, 1, 2) + b"".join(
        struct.pack(">HBB", number, 1, 1) for number in tiles
    )
    meta = box(
        b"meta",
        bytes(4),
        box(b"pitm", bytes(4), struct.pack(">H", 1)),
        box(b"iinf", struct.pack(">IH", 0, count + 1), *entries),
        box(b"iloc", struct.pack(">I", 0), b"\x44\0", struct.pack(">H", count + 1), locations),
        box(b"iprp", box(b"ipco", *sizes), box(b"ipma", struct.pack(">II", 0, count + 1), of_item)),
        box(
            b"iref",
            bytes(4),
            box(b"dimg", struct.pack(f">HH{count}H", 1, count, *tiles)),
        ),
    )
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + meta


def noise(width, height, channels=3):
    """Return an (h, w, channels) uint8 array of noise."""
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)
