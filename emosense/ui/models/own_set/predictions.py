"""Predictions on a test set of the visitor with their intervals, kept by his session alone."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import streamlit as st

from emosense.errors import ModelError
from emosense.evaluation.bootstrap import Interval, bootstrap
from emosense.evaluation.predictions import DegradedPredictions, Predictions
from emosense.evaluation_set.result import EvaluationSet
from emosense.networks.registry import TrainedModel
from emosense.networks.temperature_scaling import Calibration
from emosense.ui.models.own_set.session import session_evaluations

MeasuredPredictions = tuple[
    Predictions,
    dict[str, Interval],
    Predictions,
    DegradedPredictions | None,
    npt.NDArray[np.intp],
]
"""Predictions, their intervals, raw ones, those of degraded faces, and the indices of the images."""

_KNOWN: Final = "own_set_predictions"


def own_predictions(model: TrainedModel, key: str, own: EvaluationSet) -> MeasuredPredictions:
    """Return a network's predictions on a test set of the visitor, computed once per session.

    Args:
        model: a network of the registry.
        key: key of the test set in the session.
        own: the test set.

    Raises:
        ModelError: the network was not evaluated on it.
    """
    if model.name not in own.probabilities:
        raise ModelError(f"{model.card.title} was not evaluated on {own.title}.")
    known: dict[tuple[str, str], tuple[Calibration, MeasuredPredictions]] = (
        st.session_state.setdefault(_KNOWN, {})
    )
    for removed in {of_set for of_set, _ in known} - session_evaluations().sets.keys():
        for name in [name for of_set, name in known if of_set == removed]:
            del known[removed, name]
    calibration, measured = known.get((key, model.name), (None, None))
    if measured is None or calibration != model.calibration:
        raw = own.predictions(model.name)
        predictions = raw.calibrated(model.calibration)
        measured = predictions, bootstrap(predictions), raw, None, np.arange(len(raw))
        known[key, model.name] = model.calibration, measured
    return measured
