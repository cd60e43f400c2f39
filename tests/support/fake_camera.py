"""A camera for Chromium: a file of frames that show a face, each with its number."""

from pathlib import Path

import cv2
import numpy as np

from support.synthetic_video import head, pasted, wall

WIDTH, HEIGHT, RATE = 640, 480, 30
BITS = 8
SIDE = 24

READ = f"""
(picture) => {{
  const canvas = new OffscreenCanvas({WIDTH}, {HEIGHT});
  const context = canvas.getContext("2d", {{ willReadFrequently: true }});
  context.drawImage(picture, 0, 0, {WIDTH}, {HEIGHT});
  const {{ data }} = context.getImageData(0, {HEIGHT} - {SIDE // 2}, {BITS * SIDE}, 1);
  let number = 0;
  for (let bit = 0; bit < {BITS}; bit++) {{
    if (data[4 * (bit * {SIDE} + {SIDE // 2})] > 128) number += 1 << bit;
  }}
  return number;
}}
"""
"""A function of the browser that reads the number of a frame."""


def camera_flags(path: Path | None) -> list[str]:
    """Flags of Chromium for a camera that shows a file; None gives a camera of Chromium's own."""
    flags = ["--use-fake-device-for-media-stream"]
    return flags if path is None else [*flags, f"--use-file-for-fake-video-capture={path}"]


def write_camera(path: Path, astronaut, *, with_face: bool = True) -> Path:
    """Write 256 frames (YUV4MPEG2), of 640 x 480 pixels: a face that moves to and fro."""
    face = head(astronaut, 200)
    background = wall(WIDTH, HEIGHT)
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg\n".encode())
        for number in range(2**BITS):
            x = WIDTH / 2 + 100 * np.sin(4 * np.pi * number / 2**BITS)
            image = pasted(background, (face, x, 200)) if with_face else background.copy()
            for bit in range(BITS):
                image[-SIDE:, bit * SIDE : (bit + 1) * SIDE] = 255 * (number >> bit & 1)
            file.write(b"FRAME\n")
            file.write(cv2.cvtColor(image, cv2.COLOR_RGB2YUV_I420).tobytes())
    return path
