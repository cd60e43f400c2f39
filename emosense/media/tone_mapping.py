"""From HDR (PQ or HLG) and wide colour to what an ordinary screen shows.

Sources: ITU-R BT.2100-2 (PQ, which is SMPTE ST 2084, and HLG with its OOTF), BT.2408-7 (reference
white of 203 cd/m2), BT.2390-11, 5.4.1 (tone curve, here on the largest of R, G and B), BT.2407-0
(colours outside BT.709 are clipped), BT.1886 (the screen's gamma of 2.4).
"""

from __future__ import annotations

import tempfile
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt

from emosense.media.cicp import HDR_TRANSFERS, HLG, PQ

Floats = npt.NDArray[np.float32]

_BT2020: Final = 9
_WHITE: Final = 203.0
_PEAK: Final = 1000.0
_SCREEN_GAMMA: Final = 2.4
_GRID: Final = 33
_ROWS: Final = 256
_TO_BT709: Final = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)
"""Linear BT.2020 to linear BT.709 (BT.2407-0, 2.2)."""


def is_hdr(transfer: int) -> bool:
    """Return whether a transfer characteristic (H.273) is one of HDR's."""
    return transfer in HDR_TRANSFERS


def to_sdr(codes: Floats, transfer: int, primaries: int = _BT2020) -> Floats:
    """Tone-map colours.

    Args:
        codes: (..., 3) R'G'B' in 0..1, as they are coded.
        transfer: :data:`~emosense.media.cicp.PQ` or HLG; anything else is taken for BT.1886.
        primaries: BT.2020 (9) or unknown (2) for HDR; others are taken for BT.709.

    Returns:
        (..., 3) R'G'B' of BT.709 in 0..1.
    """
    if transfer == PQ:
        light = _pq_to_light(codes)
    elif transfer == HLG:
        light = _hlg_to_light(codes)
    else:
        light = _WHITE * codes**_SCREEN_GAMMA
    if is_hdr(transfer):
        largest = light.max(axis=-1, keepdims=True)
        light = light * (_tone_curve(largest) / np.maximum(largest, 1e-6))
    light = light / np.float32(_WHITE)
    if primaries in (_BT2020, 2):
        light = light @ _TO_BT709.T
    return np.asarray(np.clip(light, 0, 1) ** (1 / _SCREEN_GAMMA), np.float32)


def picture_to_sdr(
    image: npt.NDArray[np.uint8], transfer: int, primaries: int = _BT2020
) -> npt.NDArray[np.uint8]:
    """Tone-map an (h, w, 3) uint8 picture, some rows at a time; see :func:`to_sdr`."""
    out = np.empty_like(image)
    for top in range(0, len(image), _ROWS):
        rows = image[top : top + _ROWS].astype(np.float32) / np.float32(255)
        out[top : top + _ROWS] = np.rint(255 * to_sdr(rows, transfer, primaries))
    return out


class FrameToneMapper:
    """Tone-maps decoded HDR frames by a table of 33^3 colours (FFmpeg's filter ``lut3d``).

    Args:
        width: width of the frames, in pixels.
        height: height of the frames, in pixels.
        transfer: transfer characteristics; see :func:`to_sdr`.
        primaries: colour primaries; see :func:`to_sdr`.

    >>> white = np.full((4, 4, 3), 255, np.uint8)
    >>> frame = av.VideoFrame.from_ndarray(white, format="rgb24")
    >>> FrameToneMapper(4, 4, PQ, 9).rgb(frame).shape
    (4, 4, 3)
    """

    def __init__(self, width: int, height: int, transfer: int, primaries: int) -> None:
        self.key = (width, height, transfer, primaries)
        with tempfile.TemporaryDirectory(prefix="emosense-") as folder:
            table = Path(folder) / "hdr.cube"
            table.write_text(_cube(transfer, primaries))
            graph = av.filter.Graph()
            source = graph.add(
                "buffer", f"video_size={width}x{height}:pix_fmt=gbrp16le:time_base=1/1"
            )
            # Not within one text: there a colon or quote in the folder's name would end it.
            mapped = graph.add("lut3d", file=str(table), interp="tetrahedral")
            format_filter, self._sink = (
                graph.add("format", "pix_fmts=gbrp16le"),
                graph.add("buffersink"),
            )
            source.link_to(mapped)
            mapped.link_to(format_filter)
            format_filter.link_to(self._sink)
            graph.configure()  # reads the table
        self._graph, self._source = graph, source

    def rgb(self, frame: Any) -> npt.NDArray[np.uint8]:
        """Return a frame of any size as (height, width, 3) uint8 RGB of BT.709."""
        width, height, _, _ = self.key
        planes = frame.reformat(
            width=width, height=height, format="gbrp16le", src_colorspace=_BT2020
        )
        planes.time_base, planes.pts = Fraction(1), None  # as the graph expects
        self._source.push(planes)
        return np.asarray(self._sink.pull().to_ndarray(format="rgb24"), np.uint8)


def _pq_to_light(codes: Floats) -> Floats:
    """Return cd/m2 (BT.2100-2, table 4: EOTF)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = np.maximum(codes, 0) ** (1 / m2)
    return np.asarray(
        10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1), np.float32
    )


def _light_to_pq(light: Floats | float) -> Floats:
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = (np.maximum(light, 0) / 10_000) ** m1
    return np.asarray(((c1 + c2 * power) / (1 + c3 * power)) ** m2, np.float32)


def _hlg_to_light(codes: Floats) -> Floats:
    """Return cd/m2 on a screen of 1,000 (BT.2100-2, table 5: inverse OETF, then OOTF)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(codes <= 0.5, codes**2 / 3, (np.exp((codes - c) / a) + b) / 12)
    luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    return np.asarray(
        _PEAK * scene * np.maximum(luminance, 1e-9)[..., np.newaxis] ** 0.2, np.float32
    )


def _tone_curve(light: Floats) -> Floats:
    """Bring 0..1,000 cd/m2 down to 0..203 and leave what is dark alone (BT.2390-11, 5.4.1)."""
    source = float(_light_to_pq(_PEAK))
    peak = float(_light_to_pq(_WHITE)) / source
    knee = 1.5 * peak - 0.5
    value = np.minimum(_light_to_pq(light) / source, 1.0)
    t = (value - knee) / (1 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * peak
    )
    return _pq_to_light(np.asarray(np.where(value < knee, value, spline) * source, np.float32))


@cache
def _cube(transfer: int, primaries: int) -> str:
    """Return the table as Adobe's .cube text: red changes fastest."""
    steps = np.linspace(0, 1, _GRID, dtype=np.float32)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    mapped = to_sdr(np.stack([red, green, blue], -1).reshape(-1, 3), transfer, primaries)
    rows = "\n".join(f"{r:.5f} {g:.5f} {b:.5f}" for r, g, b in mapped)
    return f"LUT_3D_SIZE {_GRID}\n{rows}\n"
