"""Makes video clips from the astronaut photo."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

HEAD = slice(20, 260), slice(110, 350)


def head(astronaut: np.ndarray, side: int = 140, tint: tuple[float, float, float] = (1, 1, 1)):
    """The face with hair and collar, square, in another colour for another person."""
    face = cv2.resize(astronaut[HEAD], (side, side), interpolation=cv2.INTER_AREA)
    return np.clip(face * np.array(tint), 0, 255).astype(np.uint8)


def wall(width: int = 640, height: int = 360, seed: int = 0) -> np.ndarray:
    """A soft background without faces."""
    coarse = np.random.default_rng(seed).integers(60, 160, (6, 10, 3)).astype(np.uint8)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)


def pasted(background: np.ndarray, *faces: tuple[np.ndarray, float, float]) -> np.ndarray:
    """Lay faces onto a picture, each with the place of its centre; the last lies in front."""
    image = background.copy()
    height, width = image.shape[:2]
    for face, x, y in faces:
        side = face.shape[0]
        left, top = round(x - side / 2), round(y - side / 2)
        x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
        if x0 < x1 and y0 < y1:
            image[y0:y1, x0:x1] = face[y0 - top : y1 - top, x0 - left : x1 - left]
    return image


def write_clip(
    path: Path,
    frames,
    rate: int = 25,
    times=None,
    sound: bool = False,
    codec="libx264",
    seconds: float | None = None,
    shape: Fraction | None = None,
):
    """Write frames as a video.

    ``times`` (seconds) makes its frame rate variable; sound is as long as the pictures, or takes
    ``seconds``; ``shape`` is a pixel's width by its height.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate)
        stream.codec_context.time_base = Fraction(1, 1000 if times is not None else rate)
        stream.codec_context.gop_size = 50
        audio = container.add_stream("aac", rate=44_100) if sound else None
        count = 0
        for index, image in enumerate(frames):
            if index == 0:
                stream.height, stream.width = image.shape[:2]
                if shape is not None:
                    stream.codec_context.sample_aspect_ratio = shape
                stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = index if times is None else round(1000 * times[index])
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode(None))
        if audio is not None:
            tone = (
                np.sin(np.arange(round(44_100 * (seconds or count / rate))) * 0.05).astype(
                    np.float32
                )
                * 0.1
            )
            for start in range(0, len(tone), 1024):
                part = av.AudioFrame.from_ndarray(
                    tone[np.newaxis, start : start + 1024], format="fltp", layout="mono"
                )
                part.sample_rate, part.pts = 44_100, start
                container.mux(audio.encode(part))
            container.mux(audio.encode(None))
    return path


def turn_by_metadata(path: Path) -> Path:
    """Mark an MP4's picture track as stored sideways: shown turned 90 degrees clockwise."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4
    matrix = at + (40 if data[at] == 0 else 52)
    one = 1 << 16
    data[matrix : matrix + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def promise_duration(path: Path, seconds: float) -> Path:
    """Make a Matroska file's header promise another duration, its track none."""
    data = bytearray(path.read_bytes().replace(b"DURATION", b"unwanted"))
    at = data.index(b"\x44\x89\x88") + 3
    data[at : at + 8] = struct.pack(">d", 1000 * seconds)
    path.write_bytes(data)
    return path


def hdr_codes(image: np.ndarray, transfer: int) -> np.ndarray:
    """An SDR picture as HDR cameras code it: linear BT.2020 light, white at 203 cd/m2."""
    light = 203 * (image / 255.0) ** 2.4
    to_2020 = np.linalg.inv(
        [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
    )
    light = np.maximum(light @ to_2020.T, 0)
    if transfer == 16:  # PQ; else HLG
        y = (light / 10_000) ** (2610 / 16384)
        return ((3424 / 4096 + 2413 / 128 * y) / (1 + 2392 / 128 * y)) ** (2523 / 32)
    luminance = np.maximum(light @ [0.2627, 0.678, 0.0593], 1e-9)[..., np.newaxis] / 1000
    scene = light / 1000 / luminance ** (0.2 / 1.2)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    )


def show_by(path, a, b, c, d):
    """Write the display matrix [a b / c d] into an MP4's picture track (ISO 14496-12, 8.3.2)."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    matrix = [value << 16 if value >= 0 else value * 65536 for value in (a, b, 0, c, d, 0)]
    matrix[2] = matrix[5] = 0
    data[at : at + 36] = struct.pack(">9i", *matrix, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


# What is stored, made from what is to be seen; and the matrix by which it is shown.
ORIENTATIONS = {
    "upright": (lambda image: image, (1, 0, 0, 1)),
    "mirrored": (lambda image: image[:, ::-1], (-1, 0, 0, 1)),
    "half turn": (lambda image: image[::-1, ::-1], (-1, 0, 0, -1)),
    "upside down mirrored": (lambda image: image[::-1], (1, 0, 0, -1)),
    "transposed": (lambda image: image.transpose(1, 0, 2), (0, 1, 1, 0)),
    "quarter turn": (lambda image: np.rot90(image), (0, 1, -1, 0)),
    "transversed": (lambda image: image[::-1, ::-1].transpose(1, 0, 2), (0, -1, -1, 0)),
    "three quarters": (lambda image: np.rot90(image, -1), (0, -1, 1, 0)),
}


def tracks(path, *parts, default=None):
    """Write several picture tracks: (codec, frames) each."""
    with av.open(str(path), "w") as container:
        streams = []
        for codec, frames in parts:
            stream = container.add_stream(codec, rate=10)
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            streams.append(stream)
        if default is not None:
            for number, stream in enumerate(streams):
                stream.disposition = av.stream.Disposition.default if number == default else 0
        for stream, (_, frames) in zip(streams, parts, strict=True):
            for image in frames:
                picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
    return path


def small(image, side=160):
    return cv2.resize(image, (side, side * 3 // 4))


def write_turned(path, before, after, count):
    """Write a picture ``count`` times, then another of another shape, as one track."""
    with av.open(str(path), "w", options={"live": "1"}) as container:
        stream = container.add_stream("libvpx", rate=10)
        turned = av.CodecContext.create("libvpx", "w")
        turned.time_base, turned.framerate = Fraction(1, 10), 10
        for part, (encoder, picture) in enumerate(((stream, before), (turned, after))):
            encoder.height, encoder.width = picture.shape[:2]
            encoder.pix_fmt = "yuv420p"
            for number in range(count):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = count * part + number, Fraction(1, 10)
                for packet in encoder.encode(frame):
                    packet.stream = stream
                    container.mux(packet)
            for packet in encoder.encode(None):
                packet.stream = stream
                container.mux(packet)


def write_hdr(path, image, transfer, frames=4):
    pixels = np.rint(65535 * np.clip(hdr_codes(image, transfer), 0, 1)).astype(np.uint16)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=10, options={"x265-params": "log-level=none"})
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt = "yuv420p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace = transfer, 9, 9
        for _ in range(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb48le")
            picture = frame.reformat(format="yuv420p10le", dst_colorspace=9)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path
