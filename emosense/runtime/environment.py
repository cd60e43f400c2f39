"""Environment variables of TensorFlow, for the programs that load it: never set by an import."""

from __future__ import annotations

import os


def set_tensorflow_defaults() -> None:
    """Set what TensorFlow reads when it is loaded, where nobody has set it otherwise.

    Its optimised kernels are on and its log is off. Photos and videos have a process each, so that
    neither may take the whole GPU for itself.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
