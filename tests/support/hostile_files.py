"""Photos and videos that cost much and weigh little, for attackers to upload."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from pathlib import Path

import av
import numpy as np

from support.mutation import bmp, boxes, gif, heif, jpeg, mp4, png, riff, tiff
from support.mutation.cases import PHOTOS, VIDEOS, Corpus
from support.mutation.numbers import Form

_FORMS: tuple[tuple[str, Form], ...] = (
    ("jpg", jpeg.large_progressive),
    ("jpg", jpeg.large_baseline),
    ("png", png.large),
    ("tif", tiff.large),
    ("webp", riff.large_webp),
    ("gif", gif.large),
    ("bmp", bmp.large),
    ("heic", heif.grid),
)


def write_hostile_files(folder: Path, astronaut: np.ndarray, of_each: int = 3) -> None:
    """Write photos to ``folder/photos``, videos to ``folder/videos``; mutated ones among them."""
    photos, videos, bases = (folder / name for name in ("photos", "videos", "bases"))
    for made in (photos, videos, bases):
        made.mkdir(parents=True)
    for ending, form in _FORMS:
        for number in range(of_each):
            data = form(random.Random(number))
            (photos / f"{form.__module__.rsplit('.')[-1]}-{number}.{ending}").write_bytes(data)
    corpus = Corpus(1, astronaut, bases)
    rng = random.Random(1)
    for kind in ("jpeg", "png", "webp"):
        large = corpus._large_photo(rng, kind)
        (photos / f"face.{PHOTOS[kind].ending}").write_bytes(large or b"")
    for number in range(8 * of_each):
        case = corpus.photo(number)
        (photos / case.name[-80:]).write_bytes(case.data)
        case = corpus.video(number)
        (videos / case.name[-80:]).write_bytes(case.data)
    for number in range(of_each):
        (videos / f"changing-{number}.mov").write_bytes(
            mp4.changing_pictures(random.Random(number))
        )
    (videos / "endless.mp4").write_bytes(endless(bases / "black.mp4"))
    for name in ("libx264-yuv444p10le-1-ultrafast", "libvpx-vp9-yuv444p-8-realtime"):
        found = bases / f"large-{name}.{VIDEOS['mp4'].ending}"
        if found.exists():
            (videos / found.name).write_bytes(found.read_bytes())


def endless(path: Path, times: int = 200_000) -> bytes:
    """One black key frame of 40 megapixels, shown many times: 31 hours of work in a megabyte."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"preset": "ultrafast", "g": "1"})
        stream.width, stream.height, stream.pix_fmt = 8192, 4880, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.full((4880, 8192), 16, np.uint8), "gray")
        for packet in (*stream.encode(frame.reformat(format="yuv420p")), *stream.encode(None)):
            container.mux(packet)
    with av.open(str(path)) as container:
        samples = [bytes(packet) for packet in container.demux(video=0) if packet.size]
    (configuration,) = boxes.find(boxes.parse(path.read_bytes()), b"avcC")
    entry = mp4.sample_entry(b"avc1", 8192, 4880, configuration)
    return mp4.movie(samples, [0] * times, 8192, 4880, entry)


def archive(paths: list[Path]) -> bytes:
    """Return a zip of files, with one that is a bomb itself."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for path in paths:
            made.write(path, path.name)
        made.writestr("zeros.jpg", bytes(60 * 2**20))
        made.writestr("header.png", b"\x89PNG\r\n\x1a\n" + struct.pack(">I4s", 13, b"IHDR"))
    return buffer.getvalue()
