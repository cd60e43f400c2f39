"""Batch normalisation in one kernel: Keras' layer, cheaper on TensorFlow.

On TensorFlow, Keras 3 computes batch normalisation in training from a dozen operations, each of which
reads and writes whole activations, in float32 also under mixed precision. TensorFlow has one kernel for
all of them. XLA, under JAX, fuses them itself.
"""

from __future__ import annotations

from typing import Any, Final

import keras

_BFLOAT16_LANES: Final = 16
"""In bfloat16, oneDNN's kernel takes multiples of so many channels; the one for others is slower than Keras."""


@keras.saving.register_keras_serializable(package="emosense")
class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # keras ships no types
    """:class:`keras.layers.BatchNormalization` whose training step is fused on TensorFlow.

    Only images, (n, h, w, c) with the channels last, are computed by the kernel, in bfloat16 those of 16,
    32, ... channels; everything else, and inference, by Keras.

    >>> layer = FusedBatchNormalization(momentum=0.9)
    >>> tuple(layer(keras.ops.zeros((2, 4, 4, 3)), training=True).shape)
    (2, 4, 4, 3)
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """See :class:`keras.layers.BatchNormalization`."""
        if (
            not training
            or not self.trainable
            or mask is not None
            or len(inputs.shape) != 4
            or self.axis not in (-1, 3)
            or (self.compute_dtype == "bfloat16" and inputs.shape[-1] % _BFLOAT16_LANES)
            or keras.backend.backend() != "tensorflow"
        ):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        empty = tf.zeros([0])
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma.value),
            offset=tf.convert_to_tensor(self.beta.value),
            mean=empty,
            variance=empty,
            epsilon=self.epsilon,
            is_training=True,
        )
        # The kernel returns the unbiased variance; Keras keeps the biased one.
        count = tf.cast(tf.size(inputs) // inputs.shape[-1], tf.float32)
        variance *= (count - 1) / count
        for moving, batch in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + batch * (1 - self.momentum))
        return outputs
