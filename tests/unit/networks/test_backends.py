import subprocess
import sys

import keras
import numpy as np
import pytest

from emosense.analyzer import Analyzer
from emosense.networks.backends import KerasBackend, OnnxBackend, create_backend
from emosense.networks.classifier import EmotionClassifier
from emosense.networks.keras_to_onnx import UnsupportedLayer, keras_to_onnx
from emosense.networks.registry import find_model, list_models
from emosense.runtime.device import device_label

FACES = np.random.default_rng(0).integers(0, 256, (70, 48, 48), np.uint8)


@pytest.mark.parametrize("name", list_models())
def test_both_backends_give_the_same_answers(name):
    onnx = EmotionClassifier(find_model(name), "opencv")
    with keras.device("cpu"):  # a GPU multiplies with fewer digits
        in_keras = EmotionClassifier(find_model(name), "keras")
        expected = in_keras(FACES)
    assert onnx.label == "ONNX Runtime, CPU"
    assert in_keras.label == f"Keras, {device_label()}"
    np.testing.assert_allclose(onnx(FACES), expected, atol=2e-4)


def test_the_backend_setting_reaches_the_network():
    assert Analyzer("cnn8", "keras")._classifier.label.startswith("Keras")
    for backend in ("onnx", "opencv"):
        assert Analyzer("cnn8", backend)._classifier.label == "ONNX Runtime, CPU"


def saved(tmp_path, *layers):
    path = tmp_path / "network.keras"
    inputs = keras.Input((48, 48, 1))
    x = inputs
    for layer in layers:
        x = layer(x)
    keras.Model(inputs, x).save(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (keras.layers.DepthwiseConv2D(3), "DepthwiseConv2D"),
        (keras.layers.Conv2D(4, 3, dilation_rate=2), "dilation_rate"),
        (keras.layers.Conv2D(4, 3, activation="gelu"), "activation gelu"),
        (keras.layers.ReLU(max_value=6), "max_value"),
        (keras.layers.LayerNormalization(), "axis"),
    ],
)
def test_what_is_unknown_is_not_guessed(layer, message, tmp_path):
    archive = saved(tmp_path, layer, keras.layers.Flatten(), keras.layers.Dense(7))
    with pytest.raises(UnsupportedLayer, match=message):
        keras_to_onnx(archive)


def test_another_number_of_classes_is_refused(tmp_path):
    archive = saved(tmp_path, keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax"))
    with pytest.raises(UnsupportedLayer, match="output"):
        OnnxBackend(archive)


def test_unsupported_networks_run_in_keras(small_run, monkeypatch):
    def fail(archive):
        raise UnsupportedLayer("Swirl")

    monkeypatch.setattr("emosense.networks.keras_to_onnx.keras_to_onnx", fail)
    runtime = create_backend(find_model("tiny", [small_run / "models"]), "opencv")
    assert isinstance(runtime, KerasBackend)
    assert runtime(FACES).shape == (70, 7)


def test_without_a_gpu_neither_keras_nor_tensorflow_is_loaded(astronaut_png, tmp_path):
    (tmp_path / "a.png").write_bytes(astronaut_png)
    code = (
        "import sys; from emosense import Analyzer; from emosense.runtime import gpu;"
        "gpu.may_have_gpu = lambda: False;"
        "print(Analyzer('cnn8').photo(sys.argv[1]).faces[0].emotion);"
        "print(sorted({'keras', 'tensorflow', 'jax', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "a.png")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split("\n")[:2] == ["happy", "[]"]
