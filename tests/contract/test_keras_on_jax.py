"""The Keras path on a second backend: in a process of its own, since Keras chooses once."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

CODE = """
import json, sys
import keras
import numpy as np
from emosense.analyzer import Analyzer
from emosense.faces.backends.keras import KerasYuNet
from emosense.faces.backends.onnx import OnnxYuNet
from emosense.media.images import read_photo
from emosense.networks.backends import KerasBackend, create_backend
from emosense.networks.registry import find_model
from emosense.runtime.device import has_gpu
from emosense.runtime.gpu_driver import hide_gpu
from emosense.samples import sample_photo

hide_gpu()
image = np.ascontiguousarray(read_photo(sample_photo())[:480, :, ::-1])
boxes = []
in_keras, in_onnx = KerasYuNet(), OnnxYuNet()
for images in (image[None], np.stack([image, image[:, ::-1], image[::-1]]), image[None, :320]):
    pairs = zip(in_keras.detect(images, 0.5), in_onnx.detect(images, 0.5), strict=True)
    boxes += [float(np.abs(found - expected).max()) for found, expected in pairs]
faces = np.random.default_rng(0).integers(0, 256, (5, 48, 48), np.uint8)
probabilities = []
for name in sys.argv[1:]:
    model = find_model(name)
    network, expected = KerasBackend(model), create_backend(model, "onnx")
    for count in (5, 1, 3):
        difference = network(faces[:count]) - expected(faces[:count])
        probabilities.append(float(np.abs(difference).max()))
analyzer = Analyzer("emosense-s", "keras")
print(json.dumps({
    "backend": keras.backend.backend(),
    "loaded": sorted({"tensorflow", "jax", "torch"} & set(sys.modules)),
    "labels": [analyzer.detector, analyzer.network_backend],
    "emotion": analyzer.photo(sample_photo()).faces[0].emotion,
    "gpu": has_gpu(),
    "boxes": boxes,
    "probabilities": probabilities,
}))
"""


@pytest.fixture(scope="module")
def answers():
    done = subprocess.run(
        [sys.executable, "-c", CODE, "cnn8", "emosense-s"],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_jax_computes_and_the_labels_say_where(answers):
    assert (answers["backend"], answers["loaded"]) == ("jax", ["jax"])
    assert answers["labels"] == ["YuNet (Keras, CPU)", "Keras, CPU"]
    assert (answers["emotion"], answers["gpu"]) == ("happy", False)


def test_jax_detects_as_onnx_runtime_does_whatever_the_batch(answers):
    assert len(answers["boxes"]) == 5
    assert max(answers["boxes"]) < 0.02  # pixels


def test_jax_classifies_as_onnx_runtime_does_whatever_the_batch(answers):
    assert len(answers["probabilities"]) == 6
    assert max(answers["probabilities"]) < 2e-4
