"""Device of the Keras backend (GPU or CPU), and compilation of functions for it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from emosense.runtime.gpu_driver import may_have_gpu


@cache
def has_gpu() -> bool:
    """Return whether the Keras backend has a GPU.

    Loads the backend, which takes seconds, only if the machine may have a GPU.
    """
    if not may_have_gpu():
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


def device_label() -> str:
    """Return ``GPU`` or ``CPU``, as results and pages name the device."""
    return "GPU" if has_gpu() else "CPU"


def gpu_name() -> str:
    """Return the product name of the first GPU of the Keras backend; empty without one."""
    if not has_gpu():
        return ""
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        first = tf.config.list_physical_devices("GPU")[0]
        return str(tf.config.experimental.get_device_details(first).get("device_name", ""))
    if backend == "jax":
        import jax

        return str(next(device for device in jax.devices() if device.platform == "gpu").device_kind)
    import torch

    return str(torch.cuda.get_device_name(0))


def compiled_call(function: Callable[[Any], Any]) -> Callable[[npt.NDArray[np.generic]], Any]:
    """Compile a function of one array for the Keras backend.

    TensorFlow uses ``tf.function`` without XLA (XLA convolutions are an order of magnitude
    slower on CPUs), retraced for new image sizes but not for new batch sizes; JAX uses ``jit``,
    which compiles for each new shape; other backends run the function eagerly.

    Args:
        function: maps a tensor with the batch dimension first to a tensor.

    Returns:
        The compiled function; it takes a NumPy array.
    """
    import keras

    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        traced: dict[tuple[int, ...], Any] = {}

        def call(array: npt.NDArray[np.generic]) -> Any:
            item_shape = array.shape[1:]
            if item_shape not in traced:
                signature = [tf.TensorSpec((None, *item_shape), array.dtype)]
                traced[item_shape] = tf.function(function, input_signature=signature)
            return traced[item_shape](tf.convert_to_tensor(array))

        return call
    if backend == "jax":
        import jax

        jitted: Callable[[Any], Any] = jax.jit(function)
        return jitted
    return lambda array: function(keras.ops.convert_to_tensor(array))
