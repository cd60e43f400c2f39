"""Whether this process may see a GPU; asked before any runtime is loaded."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path
from typing import Final

VISIBLE_GPUS: Final = "CUDA_VISIBLE_DEVICES"
"""Environment variable of NVIDIA's driver that says which GPUs a process sees; -1 is none."""

_VISIBLE_AMD_GPUS: Final = "HIP_VISIBLE_DEVICES"


def may_have_gpu() -> bool:
    """Return whether a GPU driver of NVIDIA or AMD exists, or the system is not Linux."""
    if os.environ.get(VISIBLE_GPUS) in ("", "-1"):
        return False
    if sys.platform != "linux" or Path("/dev/kfd").exists():
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def hide_gpu() -> None:
    """Hide the GPU from this process and those that it starts; call it before a runtime is loaded."""
    os.environ[VISIBLE_GPUS] = os.environ[_VISIBLE_AMD_GPUS] = "-1"
