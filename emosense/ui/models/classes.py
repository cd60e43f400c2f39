"""The Per class view: precision, recall, F1, support, ROC and precision-recall curves."""

from __future__ import annotations

import streamlit as st

from emosense.charts.evaluation import class_chart, precision_recall_chart, roc_chart
from emosense.emotions import EMOTIONS
from emosense.evaluation.curves import class_curves
from emosense.evaluation.metrics import compute_metrics
from emosense.networks.model_card import ClassMetrics
from emosense.ui.models.components import show_chart, show_table
from emosense.ui.models.selection import SelectedModel, Selection
from emosense.ui.session.query_params import query_segments

_METRIC_TITLES = {"f1": "F1", "precision": "precision", "recall": "recall"}


def show(selection: Selection) -> None:
    """Show the view."""
    st.caption(
        f"{selection.description}. Precision: fraction of the predictions of the class that are "
        "correct. Recall: fraction of the images of the class that are predicted as it. F1: their "
        "harmonic mean. Support: number of images of the class."
    )
    metric = query_segments("figure", "Metric", _METRIC_TITLES)
    classes = {
        model.label: compute_metrics(
            model.predictions.labels, model.predictions.probabilities
        ).per_class
        for model in selection.models
    }
    show_chart(
        class_chart(classes, selection.colours, metric),
        f"classes-{metric}",
        f"{_METRIC_TITLES[metric]} per class and model; the table below has the values",
    )
    by_name = {model.model.name: model for model in selection.models}
    titles = {name: model.markdown for name, model in by_name.items()}
    selected = by_name[query_segments("curves", "Metrics and curves of", titles)]
    _show_model(selected, classes[selected.label])


def _show_model(selected: SelectedModel, classes: dict[str, ClassMetrics]) -> None:
    curves = class_curves(selected.predictions)
    name = selected.model.name
    show_table(
        [
            {
                "class": emotion,
                **{
                    title: 100 * getattr(classes[emotion], key)
                    for key, title in _METRIC_TITLES.items()
                },
                "support": classes[emotion].support,
                "ROC AUC": curves[emotion][0].area,
                "average precision": curves[emotion][1].area,
            }
            for emotion in EMOTIONS
        ],
        f"classes-{name}",
        {
            **dict.fromkeys(_METRIC_TITLES.values(), "%.1f %%"),
            "ROC AUC": "%.3f",
            "average precision": "%.3f",
        },
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**ROC curves**, each class against all others (one-vs-rest)")
        show_chart(
            roc_chart({emotion: roc for emotion, (roc, _) in curves.items()}),
            f"roc-{name}",
            f"ROC curves of {selected.label}: "
            + ", ".join(f"{emotion} AUC {roc.area:.2f}" for emotion, (roc, _) in curves.items()),
        )
    with right:
        st.markdown("**Precision-recall curves**, each class against all others (one-vs-rest)")
        show_chart(
            precision_recall_chart({emotion: curve for emotion, (_, curve) in curves.items()}),
            f"precision-recall-{name}",
            f"Precision-recall curves of {selected.label}: "
            + ", ".join(f"{emotion} AP {curve.area:.2f}" for emotion, (_, curve) in curves.items()),
        )
