"""Answers relative to a person's neutral face: a constant bias goes, and nothing else."""

import numpy as np
import pytest

from emosense.emotions import EMOTIONS
from emosense.networks.registry import find_model
from emosense.video.baseline import (
    centred_log_odds,
    neutral_bias,
    neutral_reference,
    without_bias,
)


def softmax(logits):
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


@pytest.fixture
def logits():
    """Log-odds of 200 faces of somebody without any bias."""
    return np.random.default_rng(0).normal(0, 1.5, (200, 7))


def test_a_constant_bias_is_removed_and_nothing_else(logits):
    rng = np.random.default_rng(1)
    reference = rng.normal(0, 1, 7)
    reference -= reference.mean()
    bias = rng.normal(0, 1, 7)
    # At rest the person shows what neutral faces show, but for the bias; moments differ a little.
    moments = rng.normal(0, 0.3, (100, 7))
    moments -= moments.mean(axis=0)
    at_rest = softmax(reference + moments + bias)
    found = neutral_bias(at_rest, reference)
    np.testing.assert_allclose(found, bias - bias.mean(), atol=1e-9)
    np.testing.assert_allclose(
        without_bias(softmax(logits + bias), found), softmax(logits), atol=1e-9
    )


def test_without_a_bias_nothing_changes(logits):
    reference = centred_log_odds(softmax(logits)).mean(axis=0)
    bias = neutral_bias(softmax(logits), reference)
    np.testing.assert_allclose(without_bias(softmax(logits), bias), softmax(logits), atol=1e-9)


def test_certain_answers_stay_finite():
    certain = np.eye(7)[[3, 6]]
    relative = without_bias(certain, neutral_bias(certain[:1], np.zeros(7)))
    assert np.isfinite(relative).all()
    np.testing.assert_allclose(relative.sum(axis=1), 1)


def test_neutral_faces_of_the_test_set_are_neutral_in_general():
    reference = neutral_reference(find_model("emosense-s"))
    assert reference.sum() == pytest.approx(0, abs=1e-9)
    assert EMOTIONS[int(reference.argmax())] == "neutral"
