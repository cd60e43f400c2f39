"""Tone mapping of HDR (PQ or HLG) and wide-gamut colours to SDR in BT.709.

Sources: ITU-R BT.2100-2 (PQ, which is SMPTE ST 2084, and HLG with its OOTF), BT.2408-7 (reference
white of 203 cd/m2), BT.2390-11, 5.4.1 (EETF, here applied to the maximum of R, G and B), BT.2407-0
(gamut conversion; colours outside BT.709 are clipped), BT.1886 (display gamma of 2.4).
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any, Final

import av
import numpy as np
import numpy.typing as npt

from emosense.filesystem.temporary_folder import TemporaryFolder
from emosense.media.cicp import HDR_TRANSFERS, HLG, PQ
from emosense.media.rgb_bands import bands

Floats = npt.NDArray[np.float32]

_BT2020: Final = 9
_UNSPECIFIED: Final = 2
_REFERENCE_WHITE: Final = 203.0
_PEAK_LUMINANCE: Final = 1000.0
_DISPLAY_GAMMA: Final = 2.4
_LUT_SIZE: Final = 33
_TO_BT709: Final = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]],
    np.float32,
)
"""Matrix from linear BT.2020 to linear BT.709 (BT.2407-0, 2.2)."""


def is_hdr(transfer: int) -> bool:
    """Return whether transfer characteristics (code point of H.273) are PQ or HLG."""
    return transfer in HDR_TRANSFERS


def to_sdr(codes: Floats, transfer: int, primaries: int = _BT2020) -> Floats:
    """Tone-map colours to SDR.

    Args:
        codes: (..., 3) float32 non-linear R'G'B' in 0..1.
        transfer: transfer characteristics (code point of H.273): PQ (16) or HLG (18); all others
            are treated as BT.1886.
        primaries: colour primaries (code point of H.273): BT.2020 (9) or unspecified (2), which is
            treated as BT.2020; all others are treated as BT.709.

    Returns:
        (..., 3) float32 non-linear R'G'B' of BT.709 in 0..1.
    """
    if transfer == PQ:
        light = _pq_eotf(codes)
    elif transfer == HLG:
        light = _hlg_ootf(_hlg_inverse_oetf(codes))
    else:
        light = _REFERENCE_WHITE * codes**_DISPLAY_GAMMA
    if is_hdr(transfer):
        max_rgb = light.max(axis=-1, keepdims=True)
        light = light * _gain(max_rgb)
    return _light_to_sdr(light, primaries)


def _light_to_sdr(light: Floats, primaries: int) -> Floats:
    """Convert linear light in cd/m2, (..., 3), to non-linear R'G'B' of BT.709 in 0..1."""
    linear = light / np.float32(_REFERENCE_WHITE)
    if primaries in (_BT2020, _UNSPECIFIED):
        linear = linear @ _TO_BT709.T
    return np.asarray(np.clip(linear, 0, 1) ** (1 / _DISPLAY_GAMMA), np.float32)


def picture_to_sdr(
    image: npt.NDArray[np.uint8], transfer: int, primaries: int = _BT2020
) -> npt.NDArray[np.uint8]:
    """Tone-map an image to SDR in place, in bands of rows to limit memory.

    Args:
        image: (h, w, 3) uint8 non-linear R'G'B', which is overwritten.
        transfer: transfer characteristics (code point of H.273): PQ (16) or HLG (18).
        primaries: colour primaries; see :func:`to_sdr`.

    Returns:
        The image, (h, w, 3) uint8 RGB of BT.709.
    """
    codes = np.arange(256, dtype=np.float32) / np.float32(255)
    light_of_code = _pq_eotf(codes) if transfer == PQ else _hlg_inverse_oetf(codes)
    gain_of_code = _gain(light_of_code)
    for rows in bands(image.shape[1], image.shape[0]):
        band = image[rows]
        # An image of 8 bits has 256 codes: most of the exponentiations are looked up.
        light = light_of_code[band]
        if transfer == PQ:
            light *= gain_of_code[band.max(axis=-1, keepdims=True)]
        else:
            light = _hlg_ootf(light)
            light *= _gain(light.max(axis=-1, keepdims=True))
        image[rows] = np.rint(255 * _light_to_sdr(light, primaries))
    return image


class FrameToneMapper:
    """Tone-maps decoded HDR frames by a 3D lookup table of 33^3 colours (FFmpeg's filter ``lut3d``).

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
        with TemporaryFolder() as folder:
            lut = folder / "hdr.cube"
            lut.write_text(_cube_lut(transfer, primaries))
            graph = av.filter.Graph()
            source = graph.add(
                "buffer", f"video_size={width}x{height}:pix_fmt=gbrp16le:time_base=1/1"
            )
            # The path is a keyword argument: in one argument string, a colon or quote would end it.
            lut_filter = graph.add("lut3d", file=str(lut), interp="tetrahedral")
            format_filter, self._sink = (
                graph.add("format", "pix_fmts=gbrp16le"),
                graph.add("buffersink"),
            )
            source.link_to(lut_filter)
            lut_filter.link_to(format_filter)
            format_filter.link_to(self._sink)
            graph.configure()  # reads the file
        self._graph, self._source = graph, source

    def rgb(self, frame: Any) -> npt.NDArray[np.uint8]:
        """Scale and tone-map a frame.

        Args:
            frame: decoded HDR frame of any size (PyAV).

        Returns:
            (height, width, 3) uint8 RGB of BT.709.
        """
        width, height, _, _ = self.key
        planes = frame.reformat(
            width=width, height=height, format="gbrp16le", src_colorspace=_BT2020, threads=1
        )
        planes.time_base, planes.pts = Fraction(1), None  # as the graph expects
        self._source.push(planes)
        mapped = self._sink.pull().reformat(format="rgb24", threads=1)
        return np.asarray(mapped.to_ndarray(), np.uint8)


def _pq_eotf(codes: Floats) -> Floats:
    """Map PQ code values to linear light in cd/m2 (BT.2100-2, table 4)."""
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    root = np.maximum(codes, 0) ** (1 / m2)
    return np.asarray(
        10_000 * (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1), np.float32
    )


def _pq_inverse_eotf(light: Floats | float) -> Floats:
    m1, m2 = 2610 / 16384, 2523 / 4096 * 128
    c1, c2, c3 = 3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32
    power = (np.maximum(light, 0) / 10_000) ** m1
    return np.asarray(((c1 + c2 * power) / (1 + c3 * power)) ** m2, np.float32)


def _hlg_inverse_oetf(codes: Floats) -> Floats:
    """Map HLG code values to linear scene light in 0..1 (BT.2100-2, table 5)."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(codes <= 0.5, codes**2 / 3, (np.exp((codes - c) / a) + b) / 12)


def _hlg_ootf(scene: Floats) -> Floats:
    """Map linear scene light, (..., 3), to that of a display of 1,000 cd/m2 (BT.2100-2, table 5)."""
    scene_luminance = scene @ np.array([0.2627, 0.6780, 0.0593])
    return np.asarray(
        _PEAK_LUMINANCE * scene * np.maximum(scene_luminance, 1e-9)[..., np.newaxis] ** 0.2,
        np.float32,
    )


def _gain(max_rgb: Floats) -> Floats:
    """Return the factor by which the EETF changes light whose largest component is given."""
    return np.asarray(_eetf(max_rgb) / np.maximum(max_rgb, 1e-6), np.float32)


def _eetf(light: Floats) -> Floats:
    """Compress linear light from 0..1,000 to 0..203 cd/m2; dark values stay (BT.2390-11, 5.4.1)."""
    source_peak = float(_pq_inverse_eotf(_PEAK_LUMINANCE))
    target_peak = float(_pq_inverse_eotf(_REFERENCE_WHITE)) / source_peak
    knee = 1.5 * target_peak - 0.5
    value = np.minimum(_pq_inverse_eotf(light) / source_peak, 1.0)
    # Below the knee there is no spline; powers of negative values would take most of the time.
    t = np.maximum(value - knee, 0) / (1 - knee)
    spline = (
        (2 * t**3 - 3 * t**2 + 1) * knee
        + (t**3 - 2 * t**2 + t) * (1 - knee)
        + (-2 * t**3 + 3 * t**2) * target_peak
    )
    return _pq_eotf(np.asarray(np.where(value < knee, value, spline) * source_peak, np.float32))


@cache
def _cube_lut(transfer: int, primaries: int) -> str:
    """Return the 3D lookup table in Adobe's .cube format, in which red changes fastest."""
    steps = np.linspace(0, 1, _LUT_SIZE, dtype=np.float32)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    mapped = to_sdr(np.stack([red, green, blue], -1).reshape(-1, 3), transfer, primaries)
    rows = "\n".join(f"{r:.5f} {g:.5f} {b:.5f}" for r, g, b in mapped)
    return f"LUT_3D_SIZE {_LUT_SIZE}\n{rows}\n"
