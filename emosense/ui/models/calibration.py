"""The Calibration view: reliability diagrams, ECE, and selective prediction."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import streamlit as st

from emosense import formatting
from emosense.charts.evaluation import coverage_chart, reliability_chart
from emosense.evaluation.metrics import expected_calibration_error
from emosense.evaluation.predictions import Predictions, ferplus_agreement
from emosense.evaluation.reliability import reliability_bins
from emosense.evaluation.selective import (
    QualityThird,
    coverage_curve,
    quality_thirds,
    selective_accuracy,
)
from emosense.ui.models.components import percent, show_chart, show_table
from emosense.ui.models.selection import SelectedModel, Selection

_TARGET_ACCURACIES = (0.8, 0.9)
_CHARTS_PER_ROW = 3


def show(selection: Selection) -> None:
    """Show the view."""
    st.header("Calibration: does 70 % mean 70 %?")
    st.caption(
        f"{selection.description}, binned by the model's confidence (reliability diagrams). On the dotted line confidence "
        "and accuracy are equal; below it the model is overconfident. The grey line is the network "
        "before temperature scaling (one temperature, fitted on the validation images), the bars what "
        "the app shows. ECE, the expected calibration error, is the mean distance from that line, weighted by "
        "images; pale bars hold few images."
    )
    models = selection.models
    for start in range(0, len(models), _CHARTS_PER_ROW):
        row = models[start : start + _CHARTS_PER_ROW]
        # The last row has as many columns as the others, so that all charts are equally wide.
        columns = st.columns(min(len(models), _CHARTS_PER_ROW))
        for column, selected in zip(columns, row, strict=False):
            with column:
                ece = selected.intervals["ece"]
                uncalibrated = selected.raw
                text = (
                    f"ECE {ece.value:.3f} (95 %: {ece.low:.3f} to {ece.high:.3f}), "
                    f"{_ece(uncalibrated):.3f} before calibration"
                )
                st.markdown(f"**{selected.markdown}** · {text}")
                show_chart(
                    reliability_chart(
                        reliability_bins(selected.predictions),
                        selected.colour,
                        reliability_bins(uncalibrated),
                    ),
                    f"reliability-{selected.model.name}",
                    f"Reliability diagram of {selected.label}: {text}",
                    deferred=start > 0,
                )
    st.header("Selective prediction: what if it may abstain?")
    st.caption(
        "Accuracy when the model predicts only where it is most confident (risk-coverage curve). The "
        'diamond is the abstention threshold: right of it the app shows "unsure". The threshold was '
        "chosen on the validation images without duplicates, for three correct predictions of four."
    )
    curves = {selected.label: coverage_curve(selected.predictions) for selected in models}
    show_chart(
        coverage_chart(
            curves,
            selection.colours,
            {
                selected.label: point
                for selected in models
                if (point := selective_accuracy(selected.predictions, selected.model.calibration))
            },
        ),
        "coverage",
        "Accuracy against coverage: "
        + "; ".join(
            f"{label} answers {percent(curve.coverage_at(0.8))} of the images at 80 % accuracy"
            for label, curve in curves.items()
        ),
        deferred=True,
    )
    show_table(
        [_selective_row(selected) for selected in models],
        "selective-prediction",
        dict.fromkeys(_selective_row(models[0]), "%.1f %%")
        | {"model": "", "temperature": "%.2f"}
        | dict.fromkeys(("ECE", "ECE before"), "%.3f"),
    )
    _show_quality(selection)
    st.header("Accuracy without duplicates, and by FER+'s labels")
    st.caption(
        f"{selection.description}. Duplicates are test images that are pixel-identical to one in Training. "
        "FER+: the fraction of predictions that most of FER+'s ten annotators chose; they and "
        "FER2013's label agree on about two of three images."
    )
    rows = [_accuracy_row(selected) for selected in models]
    show_table(rows, "accuracy", dict.fromkeys(rows[0], "%.1f %%") | {"model": ""})


def _show_quality(selection: Selection) -> None:
    rows = [
        _quality_row(selected, title, thirds)
        for selected in selection.models
        for title, predictions in _measured_faces(selected)
        if (thirds := quality_thirds(predictions, selected.model.calibration)) is not None
    ]
    if not rows:
        return
    st.header("Selective prediction by the quality of the face")
    st.caption(
        f"{selection.description}, split into thirds by the quality score of the faces. Degraded: pasted into "
        "pictures, made small, blurred, dark, hidden and so on, and found again by the detector. In photos "
        "of poor quality a model abstains earlier, so that what it answers is correct as often."
    )
    show_table(rows, "quality", dict.fromkeys(rows[0], "%.1f %%") | {"model": "", "faces": ""})


def _measured_faces(selected: SelectedModel) -> Iterator[tuple[str, Predictions]]:
    yield "as they are", selected.predictions
    if (degraded := selected.degraded) is not None:
        yield "degraded", degraded.predictions.rows(degraded.found)


def _quality_row(
    selected: SelectedModel, faces: str, thirds: tuple[QualityThird, ...]
) -> dict[str, Any]:
    measures = {
        "accuracy": "accuracy",
        "answered": "coverage",
        "accuracy when answered": "selective_accuracy",
    }
    return {
        "model": selected.label,
        "faces": faces,
        **{
            f"{title}, {name} third": 100 * getattr(third, measure)
            for title, measure in measures.items()
            for name, third in zip(("worst", "middle", "best"), thirds, strict=True)
        },
    }


def _ece(predictions: Predictions) -> float:
    return expected_calibration_error(predictions.labels, predictions.probabilities)


def _selective_row(selected: SelectedModel) -> dict[str, Any]:
    calibration, curve = selected.model.calibration, coverage_curve(selected.predictions)
    coverage, accuracy = selective_accuracy(selected.predictions, calibration) or (
        0.0,
        math.nan,
    )
    return {
        "model": selected.label,
        # A threshold above 1 stands for a model that always abstains.
        "abstains below": 100 * min(calibration.thresholds[0], 1.0),
        "in poor quality below": 100 * min(calibration.thresholds[1], 1.0),
        "coverage (answered)": 100 * coverage,
        "accuracy when answered": 100 * accuracy,
        **{
            f"answered at {formatting.percent(target_accuracy)} accuracy": 100
            * curve.coverage_at(target_accuracy)
            for target_accuracy in _TARGET_ACCURACIES
        },
        "temperature": calibration.temperature,
        "ECE": selected.intervals["ece"].value,
        "ECE before": _ece(selected.raw),
    }


def _accuracy_row(selected: SelectedModel) -> dict[str, Any]:
    predictions = selected.predictions
    unique = predictions.without_duplicates()
    agreement = ferplus_agreement(predictions)
    return {
        "model": selected.label,
        "accuracy": 100 * predictions.correct.mean(),
        "without duplicates": 100 * unique.correct.mean() if len(unique) else None,
        "agreement with FER+": None if agreement is None else 100 * agreement,
    }
