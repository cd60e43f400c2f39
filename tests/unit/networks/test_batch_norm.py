import keras
import numpy as np
import pytest

from emosense.networks.architectures import architecture
from emosense.networks.summary import layer_summary


def randomised(name):
    """A network whose batch normalisations have statistics, as training leaves them."""
    keras.utils.set_random_seed(0)
    model, rng = architecture(name).build("he_normal"), np.random.default_rng(0)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            size = layer.gamma.shape[0]
            layer.set_weights(
                [
                    rng.uniform(0.3, 0.6, size),
                    rng.normal(0, 0.1, size),
                    rng.normal(0, 0.1, size),
                    rng.uniform(0.5, 2, size),
                ]
            )
    return model


def test_s_keeps_its_budget():
    folded = architecture("emosense-s").without_batch_norm(architecture("emosense-s").build())
    assert folded.count_params() <= 3_000_000
    assert sum(row["flops"] for row in layer_summary(folded)) <= 100e6


@pytest.mark.parametrize("name", ["cnn8-tuned", "emosense-s", "emosense-l"])
def test_merging_batch_normalisation_changes_no_answer(name):
    model = randomised(name)
    folded = architecture(name).without_batch_norm(model)
    assert not any(isinstance(x, keras.layers.BatchNormalization) for x in folded.layers)
    faces = np.random.default_rng(1).random((5, 48, 48, 1), np.float32)
    expected = np.asarray(model(faces))
    assert expected.max() < 0.999  # saturated answers would be equal whatever happens
    np.testing.assert_allclose(np.asarray(folded(faces)), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("name", "layer"), [("cnn8-tuned", "dense1"), ("emosense-s", "stage3_block1_conv2")]
)
@pytest.mark.slow
def test_kept_weights_can_be_trained_further(name, layer):
    about, model = architecture(name), randomised(name)
    folded = about.without_batch_norm(model)
    faces = np.random.default_rng(1).random((64, 48, 48, 1), np.float32)
    expected = np.asarray(folded(faces))
    assert expected.max() < 0.999
    fine_tuned = about.build("he_normal", dropout=0.0)
    about.load_initial_weights(folded, fine_tuned, faces)
    np.testing.assert_allclose(np.asarray(fine_tuned(faces)), expected, atol=1e-4)
    # In training each normalisation takes its statistics from the batch: here, the same faces.
    np.testing.assert_allclose(np.asarray(fine_tuned(faces, training=True)), expected, atol=2e-2)
    kernel = fine_tuned.get_layer(layer).get_weights()[0]
    lengths = np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), axis=0)
    np.testing.assert_allclose(lengths, 2**0.5, rtol=1e-4)


def test_networks_without_batch_normalisation_are_kept_as_they_are():
    model = architecture("cnn4").build()
    assert architecture("cnn4").without_batch_norm(model) is model


def test_darker_and_paler_faces_look_alike():
    model = randomised("emosense-s")
    face = np.random.default_rng(1).random((1, 48, 48, 1), np.float32)
    np.testing.assert_allclose(
        np.asarray(model(0.3 * face + 0.1)), np.asarray(model(face)), atol=0.02
    )
    assert np.isfinite(np.asarray(model(np.zeros_like(face)))).all()
