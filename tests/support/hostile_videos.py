"""Small videos that would cost much: containers written box by box, frames that grow."""

import io
import struct
from pathlib import Path

import av
import numpy as np
from PIL import Image

from support.own_thread import in_own_thread

MATRIX = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 1 << 30)


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of ISO/IEC 14496-12."""
    joined = b"".join(content)
    return struct.pack(">I4s", len(joined) + 8, kind) + joined


def sample_entry(codec: bytes, width: int, height: int, configuration: bytes = b"") -> bytes:
    """A visual sample entry; PNG and JPEG need no codec configuration."""
    size = struct.pack(">HHIIIH", width, height, 0x480000, 0x480000, 0, 1)
    tail = struct.pack(">HH", 24, 0xFFFF)
    return box(
        codec, bytes(6), struct.pack(">H", 1), bytes(16), size, bytes(32), tail, configuration
    )


def sound_entry(rate: float, channels: int) -> bytes:
    """A sound description (QuickTime, version 2) of 16-bit PCM."""
    head = struct.pack(">HHIHHHHI", 2, 0, 0, 3, 16, 0xFFFE, 0, 0x10000)
    body = struct.pack(">IdIIIIII", 72, rate, channels, 0x7F000000, 16, 0, channels * 2, 1)
    return box(b"sowt", bytes(6), struct.pack(">H", 1), head, body)


def track(kind: bytes, entry: bytes, sizes: tuple[int, int] | list[int], offsets: list[int]):
    """A track; ``sizes`` are those of all samples, or (size of each, number of samples)."""
    if isinstance(sizes, tuple):
        count, stsz = sizes[1], struct.pack(">III", 0, *sizes)
    else:
        count = len(sizes)
        stsz = struct.pack(f">III{count}I", 0, 0, count, *sizes)
    per_chunk = -(-count // len(offsets))
    offset_table = struct.pack(f">II{len(offsets)}I", 0, len(offsets), *offsets)
    tables = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), entry),
        box(b"stts", struct.pack(">IIII", 0, 1, count, 60)),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, per_chunk, 1)),
        box(b"stsz", stsz),
        box(b"stco", offset_table),
    )
    length = min(60 * count, 2**31 - 1)
    handler = {b"vide": box(b"vmhd", struct.pack(">IHHHH", 1, 0, 0, 0, 0))}.get(
        kind, box(b"smhd", bytes(8))
    )
    reference = box(b"dref", struct.pack(">II", 0, 1), box(b"url ", struct.pack(">I", 1)))
    media = box(
        b"mdia",
        box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 600, length, 0x55C4, 0)),
        box(b"hdlr", struct.pack(">II4s", 0, 0, kind), bytes(12), b"t\0"),
        box(b"minf", handler, box(b"dinf", reference), tables),
    )
    header = struct.pack(">IIIIII", 3, 0, 0, 1, 0, length) + bytes(16) + MATRIX
    return box(b"trak", box(b"tkhd", header, struct.pack(">II", 64 << 16, 64 << 16)), media)


def movie(samples: list[bytes], make_tracks) -> bytes:
    """A MOV file; ``make_tracks`` gets the offset of every sample and returns the tracks."""
    start = box(b"ftyp", b"qt  \0\0\2\0qt  ")
    offsets, position = [], len(start) + 8
    for sample in samples:
        offsets.append(position)
        position += len(sample)
    header = struct.pack(">IIIIIIH", 0, 0, 0, 600, 600, 65536, 256) + bytes(10) + MATRIX
    header = box(b"mvhd", header, bytes(24), struct.pack(">I", 9))
    return start + box(b"mdat", *samples) + box(b"moov", header, *make_tracks(offsets))


def png(width: int, height: int, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, "PNG")
    return buffer.getvalue()


def jpeg(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height)).save(buffer, "JPEG")
    return buffer.getvalue()


def picture_movie(path: Path, codec: bytes, pictures: list[bytes], order: list[int]) -> Path:
    """A MOV whose frames are encoded pictures, each of which may be shown many times."""

    def tracks(offsets):
        sizes = [len(pictures[index]) for index in order]
        entry = sample_entry(codec, 64, 64)
        return [track(b"vide", entry, sizes, [offsets[index] for index in order])]

    path.write_bytes(movie(pictures, tracks))
    return path


def many_samples(path: Path, count: int) -> Path:
    """A MOV of a few hundred bytes whose header declares ``count`` frames of a byte."""

    def tracks(offsets):
        return [track(b"vide", sample_entry(b"png ", 64, 64), (1, count), offsets)]

    path.write_bytes(movie([png(64, 64)], tracks))
    return path


def with_sound(path: Path, rate: float, channels: int, packet_bytes: int) -> Path:
    """A MOV of ten small frames with PCM sound of a sample rate and number of channels."""
    picture = png(64, 64)
    samples = [picture, bytes(packet_bytes)]

    def tracks(offsets):
        count = packet_bytes // (2 * channels)
        video = track(b"vide", sample_entry(b"png ", 64, 64), [len(picture)] * 10, offsets[:1] * 10)
        sound = track(b"soun", sound_entry(rate, channels), (2 * channels, count), offsets[1:])
        return [video, sound]

    path.write_bytes(movie(samples, tracks))
    return path


def many_tracks(path: Path, number: int, width: int, height: int) -> Path:
    """A MOV of ``number`` picture tracks, which all show the same picture."""
    picture = png(width, height)

    def tracks(offsets):
        entry = sample_entry(b"png ", width, height)
        return [track(b"vide", entry, [len(picture)] * 3, offsets * 3) for _ in range(number)]

    path.write_bytes(movie([picture], tracks))
    return path


def black_frame(width: int, height: int, pixel_format: str) -> av.VideoFrame:
    frame = av.VideoFrame(width, height, pixel_format)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame


def many_references(path: Path, width: int, height: int, pixel_format: str, count: int) -> Path:
    """An H.264 video whose frames refer to 16 others."""
    with av.open(str(path), "w") as container:
        options = {"preset": "ultrafast", "refs": "16"}
        stream = container.add_stream("libx264", rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        frame = black_frame(width, height, pixel_format)
        for number in range(count):
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def noise(count: int, width: int, height: int):
    """Frames that no encoder makes small."""
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (height, width, 3), np.uint8) for _ in range(count)]


@in_own_thread
def encoded(path: Path, codec: str, frame: av.VideoFrame, options: dict[str, str]) -> bytes:
    """Encode one frame -> its packet; ``path`` is a file to write for it."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options=options)
        stream.width, stream.height = frame.width, frame.height
        stream.pix_fmt = frame.format.name
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with av.open(str(path)) as container:
        return bytes(next(container.demux(video=0)))


def hidden_frames(path: Path, width: int, height: int, order: list[int]) -> Path:
    """A VP8 movie of a frame that is shown (0) and of the same with the bit ``show_frame`` off (1)."""
    frame = black_frame(width, height, "yuv420p")
    shown = encoded(path.with_suffix(".webm"), "libvpx", frame, {"deadline": "realtime"})
    hidden = bytes([shown[0] & ~0x10]) + shown[1:]  # RFC 6386, 9.1
    configuration = box(b"vpcC", bytes([1, 0, 0, 0, 0, 0x82, 1, 1, 1, 0, 0, 0]))

    def tracks(offsets):
        sizes = [len(shown)] * len(order)
        entry = sample_entry(b"vp08", width, height, configuration)
        return [track(b"vide", entry, sizes, [offsets[index] for index in order])]

    path.write_bytes(movie([shown, hidden], tracks))
    return path


def many_frames_in_a_packet(path: Path, width: int, height: int, count: int) -> Path:
    """An AV1 movie of three packets; all but the first hold ``count`` shown frames."""
    single = path.with_suffix(".single.mp4")
    options = {"preset": "12", "svtav1-params": "lp=1"}
    packet = encoded(single, "libsvtav1", black_frame(width, height, "yuv420p"), options)
    packet = packet.removeprefix(b"\x12\0")  # the temporal delimiter
    data = single.read_bytes()
    at = data.index(b"av1C") - 4
    configuration = data[at : at + struct.unpack_from(">I", data, at)[0]]

    def tracks(offsets):
        sizes = [len(packet), len(packet) * count, len(packet) * count]
        entry = sample_entry(b"av01", width, height, configuration)
        return [track(b"vide", entry, sizes, [offsets[0], offsets[1], offsets[1]])]

    path.write_bytes(movie([packet, packet * count], tracks))
    return path
