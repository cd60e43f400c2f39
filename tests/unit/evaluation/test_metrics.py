import numpy as np
import pytest
from sklearn import metrics as reference

from emosense.emotions import EMOTIONS
from emosense.evaluation.metrics import compute_metrics, expected_calibration_error


@pytest.fixture(scope="module")
def predictions():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, 500)
    logits = rng.normal(size=(500, 7))
    logits[np.arange(500), labels] += 1
    probabilities = np.exp(logits)
    return labels, probabilities / probabilities.sum(1, keepdims=True)


def test_equals_scikit_learn(predictions):
    labels, probabilities = predictions
    metrics = compute_metrics(labels, probabilities)
    top = probabilities.argmax(1)
    assert metrics.accuracy == pytest.approx(reference.accuracy_score(labels, top))
    p, r, f, s = reference.precision_recall_fscore_support(labels, top)
    assert metrics.macro_precision == pytest.approx(p.mean())
    assert metrics.macro_recall == pytest.approx(r.mean())
    assert metrics.macro_f1 == pytest.approx(f.mean())
    for i, name in enumerate(EMOTIONS):
        actual = metrics.per_class[name]
        assert (actual.precision, actual.recall, actual.f1) == pytest.approx((p[i], r[i], f[i]))
        assert actual.support == s[i]
    assert metrics.confusion == reference.confusion_matrix(labels, top).tolist()
    assert metrics.loss == pytest.approx(reference.log_loss(labels, probabilities), rel=1e-6)


def test_calibration_error_by_hand():
    # Two predictions at .8 of which one is correct, two at .6 that are both correct.
    probabilities = np.zeros((4, 7))
    probabilities[:, 0] = [0.8, 0.8, 0.6, 0.6]
    probabilities[:, 1] = 1 - probabilities[:, 0]
    labels = np.array([0, 1, 0, 0])
    by_hand = 0.5 * abs(0.5 - 0.8) + 0.5 * abs(1.0 - 0.6)
    assert expected_calibration_error(labels, probabilities) == pytest.approx(by_hand)


def test_a_class_that_never_occurs_counts_zero():
    probabilities = np.eye(7)[[0, 0, 1]]
    result = compute_metrics(np.array([0, 0, 1]), probabilities)
    assert result.accuracy == 1
    assert result.per_class["disgust"].f1 == 1
    assert result.per_class["sad"].f1 == 0
    assert result.macro_f1 == pytest.approx(2 / 7)


def test_refuses_what_does_not_fit():
    with pytest.raises(ValueError, match="Received"):
        compute_metrics(np.array([0]), np.zeros((2, 7)))
    with pytest.raises(ValueError, match="n >= 1"):
        compute_metrics(np.array([], int), np.zeros((0, 7)))
