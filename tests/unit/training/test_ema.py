"""The average of the weights over the steps of a training."""

import keras
import numpy as np
import pytest

from emosense.training import ema
from emosense.training.export_model import export_model
from emosense.training.recipe import Recipe
from emosense.training.run_directory import RunDirectory
from emosense.training.trainer import train


@pytest.mark.slow
def test_the_average_is_validated_and_exported(small_data, tmp_path):
    recipe = Recipe("cnn4", epochs=2, batch_size=20, ema=0.8)
    state = train(recipe, small_data, tmp_path / "run")
    model = ema.load(RunDirectory(tmp_path / "run").checkpoint(state.best_epoch))
    raw = [w.copy() for w in model.get_weights()]
    images = np.zeros((4, 48, 48, 1), np.float32)
    with ema.averaged_weights(model, images):
        averaged = [w.copy() for w in model.get_weights()]
    assert all((a == b).all() for a, b in zip(raw, model.get_weights(), strict=True))
    assert any(not np.allclose(a, b, atol=1e-4) for a, b in zip(raw, averaged, strict=True))
    export_model(tmp_path / "run", small_data, tmp_path / "model")
    exported = keras.saving.load_model(tmp_path / "model" / "weights.keras", compile=False)
    for actual, expected in zip(exported.get_weights(), averaged, strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-3)


def test_batch_norm_has_the_statistics_of_the_average():
    """Weight decay makes raw weights smaller than their average, and their statistics with them."""
    model = keras.Sequential(
        [
            keras.Input((48, 48, 1)),
            keras.layers.Conv2D(4, 3, name="conv"),
            keras.layers.BatchNormalization(name="conv_norm"),
            keras.layers.GlobalAveragePooling2D(),
        ]
    )
    optimizer = ema.keep_raw_weights(keras.optimizers.SGD(0.1, use_ema=True))
    model.compile(optimizer, "mse")
    rng = np.random.default_rng(0)
    images = rng.random((300, 48, 48, 1), np.float32)
    model.fit(images[:8], np.zeros((8, 4), np.float32), verbose=0)
    averages = optimizer._model_variables_moving_average
    for variable, average in zip(model.trainable_variables, averages, strict=True):
        average.assign(7 * np.asarray(variable) + 0.1)
    before = [weights.copy() for weights in model.get_weights()]
    inner = keras.Model(model.inputs, model.get_layer("conv").output)
    norm = model.get_layer("conv_norm")
    with ema.averaged_weights(model, images):
        activations = np.asarray(inner(images))
        mean, variance = (np.asarray(v) for v in norm.non_trainable_variables[:2])
        np.testing.assert_allclose(mean, activations.mean((0, 1, 2)), rtol=0.02)
        np.testing.assert_allclose(variance, activations.var((0, 1, 2)), rtol=0.05)
    for actual, expected in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(actual, expected)
    assert norm.momentum == 0.99


@pytest.mark.slow
def test_training_goes_on_from_the_raw_weights(small_data, tmp_path):
    """With the average in between, the second epoch would start elsewhere."""
    plain = train(Recipe("cnn4", epochs=2, batch_size=20), small_data, tmp_path / "plain")
    averaged = train(Recipe("cnn4", epochs=2, batch_size=20, ema=0.9), small_data, tmp_path / "ema")
    for actual, expected in zip(plain.history, averaged.history, strict=True):
        assert actual["loss"] == pytest.approx(expected["loss"], rel=1e-5)
    assert plain.history[-1]["val_loss"] != pytest.approx(averaged.history[-1]["val_loss"])
