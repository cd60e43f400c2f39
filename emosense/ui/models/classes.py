"""The Per class view: precision, recall, F1, support, ROC and precision-recall curves."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt
import streamlit as st

from emosense.charts.curves import precision_recall_chart, roc_chart
from emosense.charts.evaluation import class_chart
from emosense.emotions import EMOTIONS
from emosense.evaluation.bootstrap import Interval, class_bootstrap
from emosense.evaluation.curves import Curve, class_curves, macro_curves
from emosense.evaluation.metrics import compute_metrics
from emosense.evaluation.predictions import Predictions
from emosense.report.tables import CLASS_FORMATS, CLASS_TITLES, class_rows
from emosense.ui.models.components import show_chart, show_table
from emosense.ui.models.selection import Selection
from emosense.ui.session.query_params import query_segments

_MACRO = "macro"


def show(selection: Selection) -> None:
    """Show the view."""
    st.caption(
        f"{selection.description}. Precision: fraction of the predictions of the class that are "
        "correct. Recall: fraction of the images of the class that are predicted as it. F1: their "
        "harmonic mean. Support: number of images of the class. Whiskers: 95 % bootstrap intervals."
    )
    metric = query_segments("figure", "Metric", CLASS_TITLES)
    classes = {
        model.label: compute_metrics(
            model.predictions.labels, model.predictions.probabilities
        ).per_class
        for model in selection.models
    }
    # What is cached is shared by all sessions: nothing of somebody's own photos.
    resample = _class_intervals if selection.own is None else class_bootstrap
    intervals = {model.label: resample(model.predictions) for model in selection.models}
    show_chart(
        class_chart(classes, intervals, selection.colours, metric),
        f"classes-{metric}",
        f"{CLASS_TITLES[metric]} per class and model; the table below has the values",
    )
    curves = {model.label: class_curves(model.predictions) for model in selection.models}
    if len(selection.models) > 1:
        _show_comparison(selection, curves)
    st.header("One network, all classes")
    by_name = {model.model.name: model for model in selection.models}
    titles = {name: model.markdown for name, model in by_name.items()}
    selected = by_name[query_segments("curves", "Metrics and curves of", titles)]
    show_table(class_rows(selected), f"classes-{selected.model.name}", CLASS_FORMATS)
    _show_curves(curves[selected.label], None, selected.model.name, f"of {selected.label}")


def _class_intervals(predictions: Predictions) -> dict[str, dict[str, Interval]]:
    intervals: dict[str, dict[str, Interval]] = _resample(
        predictions, predictions.labels, predictions.predicted
    )
    return intervals


@st.cache_data(max_entries=64, show_spinner=False)
def _resample(
    _predictions: Predictions, labels: npt.NDArray[Any], predicted: npt.NDArray[Any]
) -> dict[str, dict[str, Interval]]:
    """Resample the predictions; ``labels`` and ``predicted`` are the cache key."""
    return class_bootstrap(_predictions)


def _show_comparison(
    selection: Selection, curves: dict[str, dict[str, tuple[Curve, Curve]]]
) -> None:
    st.header("One class, all networks")
    titles = {_MACRO: "mean of all"} | {emotion: emotion for emotion in EMOTIONS}
    emotion = query_segments("class", "Class", titles)
    of_class = {
        label: macro_curves(by_class) if emotion == _MACRO else by_class[emotion]
        for label, by_class in curves.items()
    }
    _show_curves(of_class, selection.colours, emotion, f"of {titles[emotion]}, by network")


def _show_curves(
    curves: dict[str, tuple[Curve, Curve]],
    colours: dict[str, str] | None,
    name: str,
    subject: str,
) -> None:
    """Show ROC and precision-recall curves side by side.

    Args:
        curves: both curves, by emotion or by model label.
        colours: line colours by label; None for those of the emotions.
        name: part of the charts' names.
        subject: what the curves are of, for screen readers.
    """
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**ROC curves**, each class against all others (one-vs-rest)")
        show_chart(
            roc_chart({label: roc for label, (roc, _) in curves.items()}, colours),
            f"roc-{name}",
            f"ROC curves {subject}: "
            + ", ".join(f"{label} AUC {roc.area:.2f}" for label, (roc, _) in curves.items()),
            deferred=True,
        )
    with right:
        st.markdown("**Precision-recall curves**, each class against all others (one-vs-rest)")
        show_chart(
            precision_recall_chart({label: pr for label, (_, pr) in curves.items()}, colours),
            f"precision-recall-{name}",
            f"Precision-recall curves {subject}: "
            + ", ".join(f"{label} AP {pr.area:.2f}" for label, (_, pr) in curves.items()),
            deferred=True,
        )
