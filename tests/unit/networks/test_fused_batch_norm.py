import keras
import numpy as np
import pytest
import tensorflow as tf

from emosense.networks.fused_batch_norm import FusedBatchNormalization


def trained_step(layer, inputs):
    """Outputs, gradients and weights after one training step of a batch normalisation."""
    layer.build(inputs.shape)
    rng = np.random.default_rng(0)
    channels = inputs.shape[-1]
    layer.set_weights(
        [
            rng.uniform(0.5, 2, channels),
            rng.normal(0, 1, channels),
            rng.normal(0, 1, channels),
            rng.uniform(0.5, 2, channels),
        ]
    )
    x = tf.Variable(inputs)
    weights = tf.constant(rng.normal(0, 1, inputs.shape), tf.float32)
    with tf.GradientTape() as tape:
        outputs = layer(x, training=True)
        loss = tf.reduce_sum(tf.cast(outputs, tf.float32) * weights)
    gradients = tape.gradient(loss, [x, *(v.value for v in layer.trainable_variables)])
    return outputs, gradients, layer.get_weights()


@pytest.mark.parametrize(
    ("policy", "tolerance"),
    [("float32", 1e-4), ("mixed_bfloat16", 0.05)],
    ids=["float32", "bfloat16"],
)
@pytest.mark.parametrize("shape", [(6, 5, 4, 32), (6, 5, 4, 3), (8, 3)])
def test_a_training_step_equals_that_of_keras(policy, tolerance, shape):
    inputs = np.random.default_rng(1).normal(3, 2, shape).astype(np.float32)
    options = {"momentum": 0.9, "epsilon": 1e-3, "dtype": policy}
    expected = trained_step(keras.layers.BatchNormalization(**options), inputs)
    fused = trained_step(FusedBatchNormalization(**options), inputs)
    assert fused[0].dtype == expected[0].dtype
    for ours, theirs in zip(tf.nest.flatten(fused), tf.nest.flatten(expected), strict=True):
        ours, theirs = (np.asarray(tf.cast(a, tf.float32)) for a in (ours, theirs))
        np.testing.assert_allclose(ours, theirs, atol=tolerance * max(1, abs(theirs).max()))


def test_the_kernel_is_used(monkeypatch):
    calls = []
    kernel = tf.raw_ops.FusedBatchNormV3
    monkeypatch.setattr(
        tf.raw_ops, "FusedBatchNormV3", lambda **kwargs: calls.append(1) or kernel(**kwargs)
    )
    layer = FusedBatchNormalization()
    images = np.ones((2, 4, 4, 24), np.float32)
    layer(images, training=True)
    assert calls == [1]
    layer(images, training=False)
    FusedBatchNormalization(dtype="mixed_bfloat16")(images, training=True)
    layer.trainable = False
    layer(images, training=True)
    assert calls == [1]
    FusedBatchNormalization(dtype="mixed_bfloat16")(images[..., :16], training=True)
    assert calls == [1, 1]


def test_a_saved_network_has_it_again(tmp_path):
    network = keras.Sequential([keras.Input((4, 4, 2)), FusedBatchNormalization(momentum=0.7)])
    network.save(tmp_path / "network.keras")
    (layer,) = keras.saving.load_model(tmp_path / "network.keras").layers
    assert type(layer) is FusedBatchNormalization and layer.momentum == 0.7
