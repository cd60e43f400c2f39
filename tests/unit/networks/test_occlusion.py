import numpy as np
import pytest

from emosense.analyzer import Analyzer
from emosense.networks.backends import KerasBackend
from emosense.networks.classifier import EmotionClassifier
from emosense.networks.occlusion import REGIONS, explain
from emosense.networks.registry import find_model, list_models
from emosense.render.explanation import draw_explanation


@pytest.fixture(scope="module")
def analyzer():
    return Analyzer("cnn8")


@pytest.fixture(scope="module")
def face(analyzer, astronaut):
    from emosense.faces.crop import crop_face

    return crop_face(astronaut, analyzer.photo(astronaut).faces[0])


def smile_reader(faces):
    """A synthetic network that is happy where the middle of rows 36 to 43 is bright."""
    bright = faces[:, 36:44, 18:30].mean((1, 2)) / 255
    probabilities = np.full((len(faces), 7), 0.0, np.float32)
    probabilities[:, 3] = 0.1 + 0.8 * bright
    probabilities[:, 6] = 1 - probabilities[:, 3]
    return probabilities


def test_finds_what_a_known_function_looks_at():
    image = np.full((48, 48), 40, np.uint8)
    image[36:44, 18:30] = 250
    explanation = explain(image, smile_reader)
    assert (explanation.emotion, explanation.face.tobytes()) == ("happy", image.tobytes())
    row, column = np.unravel_index(explanation.effect.argmax(), (48, 48))
    assert 34 <= row <= 45
    assert 17 <= column <= 30
    assert explanation.regions["mouth and chin"] > 0.7
    assert explanation.summary.startswith("What speaks for happy: mouth and chin")
    against = explain(image, smile_reader, "neutral")
    np.testing.assert_allclose(against.effect, -explanation.effect, atol=1e-4)


def test_says_so_when_no_part_matters():
    explanation = explain(np.full((48, 48), 90, np.uint8), smile_reader)
    assert explanation.regions == dict.fromkeys(REGIONS, 0.0)
    assert "No single part" in explanation.summary


def test_regions_share_the_support(analyzer, face):
    explanation = explain(face, analyzer.classify)
    assert explanation.emotion == "happy"
    assert sum(explanation.regions.values()) == pytest.approx(1, abs=1e-5)
    assert draw_explanation(explanation, 100).shape == (100, 100, 3)


@pytest.mark.parametrize("name", list_models())
def test_depends_on_the_weights_of_every_registered_network(name, face):
    """Sanity check for attributions: random weights, another picture (arXiv:1810.03292)."""
    model = find_model(name)
    classify = EmotionClassifier(model, "onnx")
    classify._backend = keras_backend = KerasBackend(model)
    explanation = explain(face, classify, "happy")
    before = explanation.effect
    recalls = sorted(c.recall for c in model.card.metrics["PrivateTest"].per_class.values())
    if recalls == [0] * 6 + [1]:  # it gives the same answer to everything: nothing to explain
        assert explanation.summary == "No single part of the face decides for happy."
        return
    rng = np.random.default_rng(0)
    for layer in keras_backend._network.layers:
        layer.set_weights([rng.permuted(w.ravel()).reshape(w.shape) for w in layer.get_weights()])
    after = explain(face, classify, "happy").effect
    assert np.abs(before).max() > 0.1
    with np.errstate(invalid="ignore"):  # NaN if nothing matters any more
        assert not np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.5


def test_a_face_of_a_result_can_be_explained(analyzer, astronaut, astronaut_png):
    (face,) = analyzer.photo(astronaut_png).faces
    explanation = analyzer.explain(astronaut_png, face)
    assert explanation.emotion == face.emotion
    assert explanation.probability == pytest.approx(face.probability, abs=1e-4)


@pytest.mark.parametrize(
    ("image", "emotion", "message"),
    [
        (np.zeros((47, 48), np.uint8), None, r"\(48, 48\).*Received: \(47, 48\)"),
        (np.zeros((48, 48), np.float32), None, "uint8.*Received.*float32"),
        (np.zeros((48, 48), np.uint8), "bored", "angry.*Received: 'bored'"),
    ],
)
def test_refuses(image, emotion, message):
    with pytest.raises(ValueError, match=message):
        explain(image, smile_reader, emotion)
