"""Which test images to look at: filters, and the most confident mistakes first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from emosense.evaluation.predictions import Predictions


def mistakes_first(predictions: Predictions) -> npt.NDArray[np.intp]:
    """Return the order of images in which the most confident mistakes come first.

    Then the correct answers, the least confident first: what a person checks for wrong labels.

    Args:
        predictions: calibrated predictions of n images.

    Returns:
        (n,) indices of the images.

    >>> probabilities = np.float32([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.4, 0.6]])
    >>> labels = np.uint8([1, 1, 1, 1])
    >>> mistakes_first(Predictions(labels, probabilities, np.zeros(4, bool))).tolist()
    [0, 1, 3, 2]
    """
    top = predictions.probabilities.max(axis=1)
    correct = predictions.correct
    return np.lexsort((np.arange(len(top)), np.where(correct, top, -top), correct))


def all_wrong(predictions: Sequence[Predictions]) -> npt.NDArray[np.bool_]:
    """Return for which images every network disagrees with the label.

    Args:
        predictions: predictions of at least one network on the same n images.

    Returns:
        (n,) bool.
    """
    wrong = [np.equal(network.correct, False) for network in predictions]
    return np.asarray(np.all(wrong, axis=0))
