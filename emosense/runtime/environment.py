"""Environment variables of TensorFlow; programs set them explicitly, no import does."""

from __future__ import annotations

import os


def set_tensorflow_defaults() -> None:
    """Set TensorFlow's environment variables that are not set yet; call it before the import.

    They enable the oneDNN kernels, silence the log, and let GPU memory grow on demand: photos and
    videos are analysed in two processes, which share the GPU.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
