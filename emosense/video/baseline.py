"""Answers relative to a person's own neutral face.

Some faces look sad or angry at rest. A few seconds of a person's neutral face tell by how much the
network's log-odds for it differ from those of neutral faces in general; without that difference,
which is taken for constant, the answers are relative to the person's own neutral (within-subject
baseline correction, as for other physiological signals; log-odds, since a factor on the odds is what a
softmax adds).
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.evaluation.predictions import read_predictions
from emosense.networks.registry import TrainedModel

_LEAST: Final = 1e-6
"""Probability below which no difference is made."""


def centred_log_odds(probabilities: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return the logarithms of probabilities, each row minus its mean (centred log-ratio).

    Args:
        probabilities: (n, 7), in 0..1.

    Returns:
        (n, 7); rows sum to 0. Source: Aitchison 1982, "The statistical analysis of compositional data".
    """
    logs = np.log(np.maximum(np.asarray(probabilities, np.float64), _LEAST))
    return np.asarray(logs - logs.mean(axis=1, keepdims=True))


def neutral_reference(model: TrainedModel) -> npt.NDArray[np.float64]:
    """Return the (7,) mean log-odds of the neutral faces of PublicTest, calibrated.

    Args:
        model: a model of the registry.

    Raises:
        ModelDamaged: the model's predictions are missing or invalid.
    """
    predictions = read_predictions(model, "PublicTest")
    neutral = predictions.labels == EMOTIONS.index("neutral")
    return np.asarray(centred_log_odds(predictions.probabilities[neutral]).mean(axis=0))


def neutral_bias(
    samples: npt.NDArray[np.floating], reference: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return the (7,) bias of a person's log-odds.

    Args:
        samples: (n, 7) probabilities of the person's neutral face, n >= 1.
        reference: (7,) log-odds of neutral faces in general, see :func:`neutral_reference`.
    """
    return np.asarray(centred_log_odds(samples).mean(axis=0) - reference)


def without_bias(
    probabilities: npt.NDArray[np.floating], bias: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return probabilities relative to a person's neutral face.

    Args:
        probabilities: (n, 7), in 0..1.
        bias: (7,), see :func:`neutral_bias`.

    Returns:
        (n, 7); rows sum to 1.

    >>> without_bias(np.array([[0.5, 0.5, 0, 0, 0, 0, 0]]), np.zeros(7)).round(2)[0].tolist()
    [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    logits = centred_log_odds(probabilities) - bias
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))
