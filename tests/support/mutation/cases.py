"""Cases for fuzzing: which file comes at which number; the same seed always gives the same ones."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from support.corruption import MUTATIONS, photo_files
from support.data import encoded
from support.mutation import bmp, gif, heif, jpeg, matroska, mp4, mpegts, png, riff, tiff
from support.mutation.numbers import Form, Mutator
from support.own_thread import in_own_thread
from support.synthetic_video import head, pasted, wall, write_clip


@dataclass(frozen=True)
class Format:
    """How files of a format are made.

    Attributes:
        ending: of their names.
        weight: how often they come.
        mutators: change a sound file.
        forms: build files from nothing; dear ones, so they come seldom.
    """

    ending: str
    weight: int
    mutators: Sequence[Mutator]
    forms: Sequence[Form] = ()


@dataclass(frozen=True)
class Case:
    """A file: its name, which tells how it was made, its format and its content."""

    name: str
    kind: str
    data: bytes = field(repr=False)


PHOTOS = {
    "jpeg": Format("jpg", 4, jpeg.MUTATORS, jpeg.FORMS),
    "png": Format("png", 4, png.MUTATORS, png.FORMS),
    "tiff": Format("tif", 4, tiff.MUTATORS, tiff.FORMS),
    "webp": Format("webp", 2, riff.WEBP_MUTATORS, riff.WEBP_FORMS),
    "gif": Format("gif", 2, gif.MUTATORS, gif.FORMS),
    "bmp": Format("bmp", 1, bmp.MUTATORS, bmp.FORMS),
    "heif": Format("heic", 2, heif.MUTATORS, heif.FORMS),
    "avif": Format("avif", 2, heif.MUTATORS, heif.FORMS),
}
VIDEOS = {
    "mp4": Format("mp4", 4, mp4.MUTATORS, mp4.FORMS),
    "mov": Format("mov", 2, mp4.MUTATORS, mp4.FORMS),
    "matroska": Format("mkv", 4, matroska.MUTATORS),
    "avi": Format("avi", 2, riff.AVI_MUTATORS),
    "mpegts": Format("ts", 2, mpegts.MUTATORS),
}
FORM_SHARE = 0.025
"""How many of the files are built from nothing: most of those are large."""
LARGE_SHARE = 0.005
"""How many of the others begin as a large file."""


os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder tells of every file otherwise


class Corpus:
    """Makes cases by number.

    Args:
        seed: of all of them.
        astronaut: a photo with one face, (h, w, 3) uint8 RGB.
        folder: where sound videos are made, and kept for the next process.
        form_share: how many of the files are built from nothing.
    """

    def __init__(
        self, seed: int, astronaut: np.ndarray, folder: Path, form_share: float = FORM_SHARE
    ) -> None:
        self._seed = seed
        self._astronaut = astronaut
        self._folder = folder
        self._form_share = form_share

    def photo(self, index: int) -> Case:
        return self._case(index, "photo", PHOTOS, lambda: self._photos, self._large_photo)

    def video(self, index: int) -> Case:
        return self._case(index, "video", VIDEOS, lambda: self._videos, self._large_video)

    def _case(
        self,
        index: int,
        what: str,
        formats: dict[str, Format],
        sound: Callable[[], dict[str, list[bytes]]],
        large: Callable[[random.Random, str], bytes | None],
    ) -> Case:
        rng = random.Random(f"{self._seed}/{what}/{index}")
        kind = rng.choices(list(formats), [f.weight for f in formats.values()])[0]
        form = formats[kind]
        steps: list[str] = []
        data = None
        if form.forms and rng.random() < self._form_share:
            build = rng.choice(form.forms)
            data = build(rng)
            steps.append(build.__name__)
        if data is None and rng.random() < LARGE_SHARE:
            data = large(rng, kind)
            steps += ["large"] if data else []
        if data is None or (rng.random() < 0.3 and len(data) < 3_000_000):
            data = data or rng.choice(sound()[kind])
            for _ in range(rng.choice((1, 1, 1, 2, 3))):
                data = _mutated(rng, data, rng.choice(form.mutators), steps)
        if rng.random() < 0.25 and data:
            mutate = rng.choice(MUTATIONS)
            others = sound()[kind]
            data = _mutated(rng, data, lambda r, d: bytes(mutate(bytearray(d), r, others)), steps)
            steps[-1] = mutate.__name__.strip("_")
        return Case(f"{what}-{index:06}-{'+'.join(steps)}.{form.ending}", kind, data)

    @cached_property
    def _photos(self) -> dict[str, list[bytes]]:
        files = photo_files(self._astronaut)
        photo = Image.fromarray(self._astronaut).resize((256, 256))
        small = photo.resize((128, 128))
        clear = small.convert("RGBA")
        clear.putalpha(90)
        return {
            "jpeg": [
                files["jpg"],
                files["progressive.jpg"],
                encoded(photo.convert("L"), "JPEG"),
                encoded(photo.convert("CMYK"), "JPEG"),
            ],
            "png": [
                files["png"],
                files["palette.png"],
                encoded(clear, "PNG"),
                encoded(np.asarray(small.convert("L"), np.uint16) * 257, "PNG"),
            ],
            "tiff": [
                files["tif"],
                files["raw.tif"],
                encoded(photo, "TIFF", compression="jpeg"),
                encoded(clear, "TIFF", compression="tiff_adobe_deflate"),
                encoded(small.convert("1"), "TIFF", compression="group4"),
                encoded(np.asarray(small.convert("L"), np.uint16) * 257, "TIFF"),
            ],
            "webp": [
                files["webp"],
                encoded(clear, "WEBP", lossless=True),
                encoded(clear, "WEBP", quality=60),
                encoded(small, "WEBP", save_all=True, append_images=[small.rotate(9)]),
            ],
            "gif": [files["gif"], encoded(photo.quantize(), "GIF")],
            "bmp": [files["bmp"], encoded(small.quantize(), "BMP"), encoded(clear, "BMP")],
            "heif": [_heic(photo), _heic(clear)],
            "avif": [
                files["avif"],
                encoded(clear, "AVIF"),
                encoded(small, "AVIF", save_all=True, append_images=[small.rotate(9)]),
            ],
        }

    def _large_photo(self, rng: random.Random, kind: str) -> bytes | None:
        """A photo with a face, of 12 or 80 megapixels."""
        if kind not in ("jpeg", "png", "webp", "tiff"):
            return None
        sides = {"jpeg": (8944, 8944)}.get(kind, (4000, 3000))
        options: dict[str, dict[str, Any]] = {
            "tiff": {"compression": "tiff_adobe_deflate"},
            "png": {"compress_level": 1},
        }

        def make(path: Path) -> None:
            photo = Image.fromarray(self._astronaut).resize(sides, Image.Resampling.BILINEAR)
            if kind in ("png", "webp"):
                photo = photo.convert("RGBA")
            form = kind.upper()
            more: dict[str, dict[str, Any]] = {
                "webp": {"method": 0},
                "jpeg": {"quality": 40},
            } | options
            path.write_bytes(encoded(photo, form, **more[kind]))

        return self._kept(f"large.{kind}", make)

    @cached_property
    def _videos(self) -> dict[str, list[bytes]]:
        background = wall(160, 96)
        face = head(self._astronaut, 64)
        frames = [pasted(background, (face, 50 + 4 * i, 48)) for i in range(10)]
        listed = {
            "mp4": ("libx264", "libx265", "mpeg4", "libsvtav1"),
            "mov": ("libx264", "png", "mjpeg", "prores_ks"),
            "matroska": ("mpeg4", "libvpx", "libvpx-vp9", "libx264"),
            "avi": ("mpeg4", "mjpeg", "rawvideo"),
            "mpegts": ("libx264", "mpeg2video"),
        }
        found: dict[str, list[bytes]] = {}
        for kind, codecs in listed.items():
            for codec in codecs:

                def make(path: Path, codec: str = codec, kind: str = kind) -> None:
                    _write(path, frames, codec, sound=kind == "mp4" and codec == "libx264")

                name = f"sound-{codec}.{VIDEOS[kind].ending}"
                found.setdefault(kind, []).append(self._kept(name, make))
        return found

    def _large_video(self, rng: random.Random, kind: str) -> bytes | None:
        """A film of 40 megapixels, or with many references or many bits."""
        if kind not in ("mp4", "mov", "matroska"):
            return None
        codec, pixels, options = rng.choice(
            (
                ("libx264", "yuv420p", {"g": "1", "preset": "ultrafast"}),
                ("libx264", "yuv444p10le", {"g": "1", "preset": "ultrafast"}),
                ("libx264", "yuv420p", {"refs": "16", "preset": "ultrafast", "bf": "0"}),
                ("libvpx-vp9", "yuv444p", {"cpu-used": "8", "deadline": "realtime"}),
            )
        )
        if codec == "libvpx-vp9" and kind == "mov":
            return None
        name = f"large-{codec}-{pixels}-{'-'.join(options.values())}.{VIDEOS[kind].ending}"

        def make(path: Path) -> None:
            with av.open(str(path), "w") as container:
                stream = container.add_stream(codec, rate=10, options=options)
                stream.width, stream.height, stream.pix_fmt = 8192, 4880, pixels
                stream.codec_context.thread_count = 1
                grey = av.VideoFrame.from_ndarray(np.full((4880, 8192), 90, np.uint8), "gray")
                picture = grey.reformat(format=pixels)
                for _ in range(3):
                    container.mux(stream.encode(picture))
                container.mux(stream.encode(None))

        return self._kept(name, make)

    def _kept(self, name: str, make: Callable[[Path], None]) -> bytes:
        """Return a file that is made once for all processes."""
        path = self._folder / name
        if not path.exists():
            own = self._folder / f"{os.getpid()}-{name}"  # others make it at the same time
            make(own)
            own.rename(path)
        return path.read_bytes()


def _mutated(rng: random.Random, data: bytes, mutate: Mutator, steps: list[str]) -> bytes:
    steps.append(getattr(mutate, "__name__", "bytes"))
    try:
        return mutate(rng, data)
    except Exception:  # what another mutator has left cannot be taken apart: it stays as it is
        steps[-1] = f"not_{steps[-1]}"
        return data


def _heic(photo: Image.Image) -> bytes:
    import pillow_heif

    pillow_heif.register_heif_opener()
    return encoded(photo, "HEIF", quality=60)


@in_own_thread
def _write(path: Path, frames: list[np.ndarray], codec: str, *, sound: bool) -> None:
    if codec in ("png", "prores_ks", "rawvideo"):
        pixels = {"png": "rgb24", "prores_ks": "yuv422p10le", "rawvideo": "bgr24"}[codec]
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = pixels
            for image in frames:
                picture = av.VideoFrame.from_ndarray(image, format="rgb24")
                container.mux(stream.encode(picture.reformat(format=pixels)))
            container.mux(stream.encode(None))
    else:
        write_clip(path, frames, codec=codec, sound=sound)
