"""Trust: what a model's confidence is worth."""

from __future__ import annotations

import math
from typing import Any

import streamlit as st

from emosense import formatting
from emosense.charts.evaluation import coverage_chart, reliability_chart
from emosense.evaluation.metrics import expected_calibration_error
from emosense.evaluation.predictions import Predictions, ferplus_agreement, read_predictions
from emosense.evaluation.reliability import reliability_bins
from emosense.evaluation.selective import coverage_curve, selective_accuracy
from emosense.ui.models.components import percent, show_chart, show_table
from emosense.ui.models.selection import SelectedModel, Selection

_WANTED = (0.8, 0.9)
_SIDE_BY_SIDE = 3


def show(selection: Selection) -> None:
    """Show the view."""
    st.header("Does 70 % mean 70 %?")
    st.caption(
        f"{selection.description}, sorted by the model's confidence. On the dotted line confidence and "
        "share of right answers are equal; below it the model is too sure of itself. The grey "
        "line is the network before calibration (one temperature, fitted on the validation images), "
        "the bars what the app shows. ECE is the mean distance; pale bars hold few images."
    )
    models = selection.models
    for start in range(0, len(models), _SIDE_BY_SIDE):
        row = models[start : start + _SIDE_BY_SIDE]
        # As wide in the last row as in the others.
        columns = st.columns(min(len(models), _SIDE_BY_SIDE))
        for column, shown in zip(columns, row, strict=False):
            with column:
                ece, before = shown.intervals["ece"], _raw(shown, selection)
                told = (
                    f"ECE {ece.value:.3f} (95 %: {ece.low:.3f} to {ece.high:.3f}), "
                    f"{_ece(before):.3f} before calibration"
                )
                st.markdown(f"**{shown.label}** · {told}")
                show_chart(
                    reliability_chart(
                        reliability_bins(shown.predictions), shown.colour, reliability_bins(before)
                    ),
                    f"reliability-{shown.model.name}",
                    f"Reliability diagram of {shown.label}: {told}",
                )
    st.header("What if it may abstain?")
    st.caption(
        "Accuracy when only the faces that the model is surest of are answered. The diamond is "
        'where the app draws the line: it says "unsure" of the images to the right of it. The '
        "line was drawn on the validation images without copies, for three right answers of four."
    )
    curves = {shown.label: coverage_curve(shown.predictions) for shown in models}
    show_chart(
        coverage_chart(
            curves,
            selection.colours,
            {
                shown.label: point
                for shown in models
                if (
                    point := selective_accuracy(
                        shown.predictions, shown.model.calibration.threshold
                    )
                )
            },
        ),
        "coverage",
        "Accuracy against coverage: "
        + "; ".join(
            f"{label} answers {percent(curve.coverage_at(0.8))} of the images at 80 % accuracy"
            for label, curve in curves.items()
        ),
    )
    show_table(
        [_sureness(shown, selection) for shown in models],
        "sureness",
        dict.fromkeys(_sureness(models[0], selection), "%.1f %%")
        | {"model": "", "temperature": "%.2f"}
        | dict.fromkeys(("ECE", "ECE before"), "%.3f"),
    )
    st.header("How the score depends on what is counted")
    st.caption(
        f"{selection.split}. Copies are test images that stand pixel by pixel in Training too. "
        "FER+: the share of answers that most of FER+'s ten annotators gave; they and "
        "FER2013's label agree on about two of three images."
    )
    rows = [_score(shown, selection) for shown in models]
    show_table(rows, "trust", dict.fromkeys(rows[0], "%.1f %%") | {"model": ""})


def _raw(shown: SelectedModel, selection: Selection) -> Predictions:
    return read_predictions(
        shown.model, selection.split, include_duplicates=selection.include_duplicates, raw=True
    )


def _ece(predictions: Predictions) -> float:
    return expected_calibration_error(predictions.labels, predictions.probabilities)


def _sureness(shown: SelectedModel, selection: Selection) -> dict[str, Any]:
    calibration, curve = shown.model.calibration, coverage_curve(shown.predictions)
    sure = selective_accuracy(shown.predictions, calibration.threshold) or (0.0, math.nan)
    return {
        "model": shown.label,
        # Above 1 stands for a model that is never sure: none of its answers may be shown as so.
        "unsure below": 100 * min(calibration.threshold, 1.0),
        "sure": 100 * sure[0],
        "right where sure": 100 * sure[1],
        **{
            f"answered at {formatting.percent(wanted)} accuracy": 100 * curve.coverage_at(wanted)
            for wanted in _WANTED
        },
        "temperature": calibration.temperature,
        "ECE": shown.intervals["ece"].value,
        "ECE before": _ece(_raw(shown, selection)),
    }


def _score(shown: SelectedModel, selection: Selection) -> dict[str, Any]:
    everything = read_predictions(shown.model, selection.split)
    fresh = everything.without_duplicates()
    agreement = ferplus_agreement(shown.predictions)
    return {
        "model": shown.label,
        "accuracy": 100 * everything.correct.mean(),
        "without copies": 100 * fresh.correct.mean() if len(fresh) else None,
        "agreement with FER+": None if agreement is None else 100 * agreement,
    }
