"""Which device the Keras backend computes on, and how a function runs fastest there."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


@cache
def has_gpu() -> bool:
    """Whether the Keras backend sees a GPU.

    Loads the backend only where there may be one: that takes seconds.
    """
    if not _may_have_gpu():
        return False
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return bool(tf.config.list_physical_devices("GPU"))
    if backend == "jax":
        import jax

        return any(device.platform == "gpu" for device in jax.devices())
    if backend == "torch":
        import torch

        return bool(torch.cuda.is_available())
    return False


def _may_have_gpu() -> bool:
    """Whether NVIDIA's or AMD's driver is here, or the system is one that brings its own."""
    if sys.platform != "linux" or Path("/dev/kfd").exists():
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


def device_label() -> str:
    """Return ``GPU`` or ``CPU``, for people."""
    return "GPU" if has_gpu() else "CPU"


def compiled_call(function: Callable[[Any], Any]) -> Callable[[npt.NDArray[np.generic]], Any]:
    """Compile a function of one array for the backend.

    On TensorFlow a ``tf.function`` without XLA (XLA convolutions are an order of magnitude
    slower on CPUs), retraced for new image sizes but not for new batch sizes; on JAX ``jit``.
    """
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        traced: dict[tuple[int, ...], Any] = {}

        def call(array: npt.NDArray[np.generic]) -> Any:
            inner = array.shape[1:]
            if inner not in traced:
                signature = [tf.TensorSpec((None, *inner), array.dtype)]
                traced[inner] = tf.function(function, input_signature=signature)
            return traced[inner](tf.convert_to_tensor(array))

        return call
    if backend == "jax":
        import jax

        jitted: Callable[[Any], Any] = jax.jit(function)
        return jitted
    return lambda array: function(keras.ops.convert_to_tensor(array))
