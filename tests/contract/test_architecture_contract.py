"""What every architecture must do."""

import keras
import numpy as np
import pytest

from emosense.networks.architectures import ARCHITECTURES
from emosense.networks.backends import OnnxBackend
from emosense.networks.serialization import load_network, save_float16_weights


@pytest.fixture(scope="module", params=ARCHITECTURES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def saved(name, tmp_path_factory):
    """A network as it is trained (with batch normalisation, if any), and as it is kept.

    Each with the path of its weights and what is read from there, to be left as it is.
    """
    keras.utils.set_random_seed(0)
    about, networks = ARCHITECTURES[name], []
    trained = about.build("he_normal")
    for model in {id(m): m for m in (trained, about.without_batch_norm(trained))}.values():
        path = tmp_path_factory.mktemp("network") / "weights.keras"
        save_float16_weights(model, path)
        networks.append((model, path, load_network(path)))
    return networks


class TestNetwork:
    def test_maps_faces_to_probabilities(self, name):
        model = ARCHITECTURES[name].build()
        assert model.input_shape == (None, 48, 48, 1)
        out = np.asarray(model(np.random.default_rng(0).random((3, 48, 48, 1), np.float32)))
        assert out.shape == (3, 7)
        assert out.dtype == np.float32
        np.testing.assert_allclose(out.sum(1), 1, atol=1e-5)

    def test_survives_saving_as_float16(self, saved):
        x = np.random.default_rng(1).random((4, 48, 48, 1), np.float32)
        for model, path, again in saved:
            assert again.count_params() == model.count_params()
            assert path.stat().st_size < 2.2 * model.count_params()
            assert all(str(v.dtype) == "float32" for v in again.weights)
            np.testing.assert_allclose(np.asarray(again(x)), np.asarray(model(x)), atol=5e-3)

    def test_onnx_runtime_computes_the_same(self, saved):
        faces = np.random.default_rng(1).integers(0, 256, (5, 48, 48), np.uint8)
        for _, path, again in saved:
            expected = np.asarray(again([faces[..., np.newaxis] / np.float32(255)]))
            np.testing.assert_allclose(OnnxBackend(path.read_bytes())(faces), expected, atol=2e-5)

    def test_mixed_precision_ends_in_float32(self, name, tmp_path):
        from emosense.training.recipe import Recipe
        from emosense.training.trainer import build_and_compile

        model = build_and_compile(Recipe(name, precision="mixed_bfloat16"), steps=1)
        assert keras.config.dtype_policy().name == "float32"
        assert model.get_layer("conv1").compute_dtype == "bfloat16"
        x = np.random.default_rng(1).random((2, 48, 48, 1), np.float32)
        assert np.asarray(model(x)).dtype == np.float32
        save_float16_weights(model, tmp_path / "w.keras")
        assert load_network(tmp_path / "w.keras").get_layer("conv1").compute_dtype == "float32"
