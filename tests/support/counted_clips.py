"""Clips whose frames carry their number: as blocks of black and white at the picture's lower edge."""

from fractions import Fraction

import av
import numpy as np

from support.synthetic_video import ORIENTATIONS, show_by, write_clip

BITS = 8
SIDE = 24
WIDTH, HEIGHT = 320, 240

READ = f"""
(picture) => {{
  const canvas = new OffscreenCanvas({WIDTH}, {HEIGHT});
  const context = canvas.getContext("2d", {{ willReadFrequently: true }});
  context.drawImage(picture, 0, 0, {WIDTH}, {HEIGHT});
  let number = 0;
  for (let bit = 0; bit < {BITS}; bit++) {{
    const x = bit * {SIDE} + {SIDE // 2};
    const [light] = context.getImageData(x, {HEIGHT} - {SIDE // 2}, 1, 1).data;
    if (light > 128) number += 1 << bit;
  }}
  return number;
}}
"""
"""A function of the browser that reads the number of a frame."""


def counted(number, seed=0):
    """A picture of 320 x 240 with its number, from 0 to 255."""
    rng = np.random.default_rng(seed)
    image = np.kron(rng.integers(60, 200, (12, 16, 3)), np.ones((20, 20, 1))).astype(np.uint8)
    for bit in range(BITS):
        image[-SIDE:, bit * SIDE : (bit + 1) * SIDE] = 255 * (number >> bit & 1)
    return np.ascontiguousarray(image)


def write_counted(path, form, count=40):
    """Write a clip in one of :data:`FORMS` or :data:`PREVIEWED` and return its path."""
    write = {**FORMS, **PREVIEWED}[form]
    return write(path, [counted(number) for number in range(count)])


def _variable(path, frames):
    rng = np.random.default_rng(3)
    times = np.cumsum(rng.choice([0.02, 0.04, 0.07, 0.15], len(frames))) - 0.02
    return write_clip(path, frames, times=times.tolist())


def _offset(path, frames):
    return write_clip(path, frames, times=[1.5 + number / 25 for number in range(len(frames))])


def _late_picture(path, frames):
    """Sound from 0 on, pictures from half a second on."""
    times = [0.5 + number / 25 for number in range(len(frames))]
    return write_clip(path, frames, times=times, sound=True, seconds=2.5)


def _edited(path, frames):
    """An edit list that leaves out the first ten frames (ISO 14496-12, 8.6.6)."""
    write_clip(path, frames)
    data = bytearray(path.read_bytes())
    at = data.index(b"elst") + 4
    version, entries = data[at], int.from_bytes(data[at + 4 : at + 8], "big")
    assert (version, entries) == (0, 1)
    media_time = int.from_bytes(data[at + 12 : at + 16], "big")
    scale = data.index(b"mdhd") + 4 + 12
    ticks = int.from_bytes(data[scale : scale + 4], "big") // 25
    data[at + 12 : at + 16] = (media_time + 10 * ticks).to_bytes(4, "big")
    path.write_bytes(data)
    return path


def _ten_bit(path, frames):
    """H.264 of 10 bits, with a rate that varies."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p10le"
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.gop_size = 50
        for number, image in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = 30 * number + 200 * (number // 7), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _open_gop(path, frames):
    """Key frames that are followed by frames shown before them, which refer to the last scene."""
    path = path.with_suffix(".ts")
    with av.open(str(path), "w") as container:
        options = {"x264-params": "open-gop=1:keyint=25:bframes=3:b-adapt=0"}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], "yuv420p"
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def _is_mirrored(name):
    a, b, c, d = ORIENTATIONS[name][1]
    return a * d - b * c < 0


def _turned(name):
    def write(path, frames):
        stored, matrix = ORIENTATIONS[name]
        write_clip(path, [np.ascontiguousarray(stored(frame)) for frame in frames])
        return show_by(path, *matrix)

    return write


FORMS = {
    "B-frames": write_clip,
    "29.97": lambda path, frames: write_clip(path, frames, rate=Fraction(30_000, 1001)),
    "variable rate": _variable,
    "start offset": _offset,
    "late picture": _late_picture,
    "edit list": _edited,
    **{
        name: _turned(name) for name in ORIENTATIONS if name != "upright" and not _is_mirrored(name)
    },
}
"""Functions that write frames as a clip that browsers play, by the form of the clip."""

PREVIEWED = {
    "MPEG-4 part 2 in AVI": lambda path, frames: write_clip(
        path.with_suffix(".avi"), frames, codec="mpeg4", sound=True
    ),
    "MJPEG in MKV": lambda path, frames: write_clip(
        path.with_suffix(".mkv"), frames, codec="mjpeg"
    ),
    "variable rate in MKV": lambda path, frames: _variable(path.with_suffix(".mkv"), frames),
    "10 bits": _ten_bit,
    "open GOP in TS": _open_gop,
    "HEVC": lambda path, frames: write_clip(path, frames, codec="libx265"),
    **{name: _turned(name) for name in ORIENTATIONS if _is_mirrored(name)},
}
"""The same of clips that need a preview."""
