from dataclasses import replace

import keras
import numpy as np
import pytest

from emosense.errors import TrainingError
from emosense.networks.architectures import architecture
from emosense.networks.registry import find_model
from emosense.networks.resnet import build_resnet
from emosense.training.initial_weights import load_initial_weights
from emosense.training.net2net import widen
from emosense.training.recipe import default_recipe


def resnet(stem, *widths, name="net"):
    keras.utils.set_random_seed(0)
    network = build_resnet(name, stem, widths, "he_normal", 1.0, folded=True)
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if layer.weights:
            kernel, bias = layer.get_weights()
            scale = 0.3 if layer.name == "emotion" else 1.0  # answers are not saturated
            layer.set_weights([scale * kernel, rng.normal(0, 0.1, bias.shape)])
    return network


@pytest.fixture
def faces():
    return np.random.default_rng(1).random((6, 48, 48, 1), np.float32)


@pytest.mark.parametrize("widths", [(8, 8, 16, 24, 32), (5, 5, 6, 7, 9), (4, 4, 6, 8, 20)])
def test_a_widened_network_answers_as_the_narrow_one(faces, widths):
    narrow = resnet(4, 4, 6, 7, 8)
    wide = widen(narrow, resnet(*widths), noise=0)
    expected = np.asarray(narrow(faces))
    assert expected.max() < 0.999
    np.testing.assert_allclose(np.asarray(wide(faces)), expected, atol=1e-5)


def test_noise_tells_copies_apart(faces):
    narrow = resnet(4, 4, 6, 7, 8)
    answers = {}
    for noise in (0, 0.1):
        wide = widen(narrow, resnet(8, 8, 12, 14, 16), noise=noise)
        answers[noise] = np.asarray(wide(faces))
        kernel = wide.get_layer("conv1").get_weights()[0].reshape(-1, 8)
        assert len(np.unique(kernel, axis=1).T) == (4 if noise == 0 else 8)
    difference = abs(answers[0.1] - answers[0])
    assert 1e-4 < difference.max() < 0.3


def test_the_seed_decides(faces):
    narrow = resnet(4, 4, 6, 7, 8)
    first, second, other = (
        widen(narrow, resnet(9, 9, 9, 9, 9), seed=seed).get_weights() for seed in (1, 1, 2)
    )
    assert all((a == b).all() for a, b in zip(first, second, strict=True))
    assert not all((a == b).all() for a, b in zip(first, other, strict=True))


def test_networks_that_differ_in_more_than_widths_are_refused():
    wide = resnet(8, 8, 12, 14, 16, name="wide")
    with pytest.raises(TrainingError, match=r"at most 8 channels where wide has so many.*9"):
        widen(resnet(9, 9, 12, 14, 16), wide)
    with pytest.raises(TrainingError, match=r"with the layers of wide\. Received: other"):
        widen(resnet(4, 4, 6, name="other"), wide)
    dense = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, name="emotion")])
    convolution = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.Conv2D(2, 3, name="emotion")]
    )
    with pytest.raises(TrainingError, match=r"kernels of \(3, 3\) in emotion\. Received: \(\)"):
        widen(dense, convolution)


def test_l_starts_as_s(faces):
    small = find_model("emosense-s")
    recipe = replace(default_recipe("emosense-l"), start=str(small.folder))
    network = architecture("emosense-l").build()
    load_initial_weights(network, recipe, np.repeat(faces, 4, axis=0))
    answers, expected = np.asarray(network(faces)), np.asarray(small.network()(faces))
    assert abs(answers - expected).max() < 0.2
    assert (answers.argmax(axis=1) == expected.argmax(axis=1)).all()
