"""Trust: what a model's confidence is worth."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emosense.charts.evaluation import coverage_chart, reliability_chart
from emosense.evaluation.predictions import read_predictions
from emosense.evaluation.trust import coverage_curve, ferplus_agreement, reliability
from emosense.ui.dashboard.selection import Selection, ShownModel
from emosense.ui.dashboard.show import percent, show_chart, show_table

_WANTED = (0.8, 0.9)
_SIDE_BY_SIDE = 3


def show(selection: Selection) -> None:
    """Show the view."""
    st.subheader("Does 70 % mean 70 %?")
    st.caption(
        f"{selection.told}, sorted by the model's confidence. On the dotted line confidence and "
        "share of right answers are equal; below it the model is too sure of itself. ECE is the "
        "mean distance; pale bars hold few images."
    )
    models = selection.models
    for start in range(0, len(models), _SIDE_BY_SIDE):
        row = models[start : start + _SIDE_BY_SIDE]
        for column, shown in zip(st.columns(len(row)), row, strict=True):
            with column:
                ece = shown.intervals["ece"]
                told = f"ECE {ece.value:.3f} (95 %: {ece.low:.3f} to {ece.high:.3f})"
                st.markdown(f"**{shown.label}** · {told}")
                show_chart(
                    reliability_chart(reliability(shown.predictions), shown.colour),
                    f"reliability-{shown.model.name}",
                    f"Reliability diagram of {shown.label}: {told}",
                )
    st.subheader("What if it may abstain?")
    st.caption("Accuracy when only the faces that the model is surest of are answered.")
    curves = {shown.label: coverage_curve(shown.predictions) for shown in models}
    show_chart(
        coverage_chart(curves, selection.colours),
        "coverage",
        "Accuracy against coverage: "
        + "; ".join(
            f"{label} answers {percent(curve.coverage_at(0.8))} of the images at 80 % accuracy"
            for label, curve in curves.items()
        ),
    )
    st.subheader("How the score depends on what is counted")
    st.caption(
        f"{selection.part}. Copies are test images that stand pixel by pixel in Training too. "
        "FER+: the share of answers that most of FER+'s ten annotators gave; they and "
        "FER2013's label agree on about two of three images."
    )
    show_table(
        [_row(shown, selection) for shown in models],
        "trust",
        dict.fromkeys(_row(models[0], selection), "%.1f %%") | {"model": "", "ECE": "%.3f"},
    )


def _row(shown: ShownModel, selection: Selection) -> dict[str, Any]:
    everything = read_predictions(shown.model, selection.part)
    agreement = ferplus_agreement(shown.predictions)
    curve = coverage_curve(shown.predictions)
    return {
        "model": shown.label,
        "accuracy": 100 * everything.right.mean(),
        "without copies": 100 * everything.without_copies().right.mean(),
        "agreement with FER+": None if agreement is None else 100 * agreement,
        "ECE": shown.intervals["ece"].value,
        **{
            f"answered at {wanted:.0%} accuracy": 100 * curve.coverage_at(wanted)
            for wanted in _WANTED
        },
    }
