"""Per class: precision, recall, F1, support, and the ROC and precision-recall curves."""

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

_METRICS = {"f1": "F1", "precision": "precision", "recall": "recall"}


def show(selection: Selection) -> None:
    """Show the view."""
    st.caption(
        f"{selection.description}. Precision: fraction of the predictions of the class that are "
        "correct. Recall: fraction of the images of the class that are predicted so. F1: their "
        "harmonic mean. Support: images of the class."
    )
    metric = query_segments("figure", "Metric", _METRICS)
    classes = {
        selected_model.label: compute_metrics(
            selected_model.predictions.labels, selected_model.predictions.probabilities
        ).per_class
        for selected_model in selection.models
    }
    show_chart(
        class_chart(classes, selection.colours, metric),
        f"classes-{metric}",
        f"{_METRICS[metric]} per class and model; the table below has the values",
    )
    by_name = {selected_model.model.name: selected_model for selected_model in selection.models}
    titles = {name: selected_model.label for name, selected_model in by_name.items()}
    selected = query_segments("curves", "Metrics and curves of", titles)
    _show_model(by_name[selected], classes[by_name[selected].label])


def _show_model(selected: SelectedModel, classes: dict[str, ClassMetrics]) -> None:
    curves = class_curves(selected.predictions)
    name = selected.model.name
    show_table(
        [
            {
                "class": emotion,
                **{text: 100 * getattr(classes[emotion], key) for key, text in _METRICS.items()},
                "support": classes[emotion].support,
                "ROC area": curves[emotion][0].area,
                "average precision": curves[emotion][1].area,
            }
            for emotion in EMOTIONS
        ],
        f"classes-{name}",
        {
            **dict.fromkeys(_METRICS.values(), "%.1f %%"),
            "ROC area": "%.3f",
            "average precision": "%.3f",
        },
    )
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**ROC**, each class against all others")
        show_chart(
            roc_chart({emotion: pair[0] for emotion, pair in curves.items()}),
            f"roc-{name}",
            f"ROC curves of {selected.label}: "
            + ", ".join(f"{e} area {pair[0].area:.2f}" for e, pair in curves.items()),
        )
    with right:
        st.markdown("**Precision and recall**, each class against all others")
        show_chart(
            precision_recall_chart({emotion: pair[1] for emotion, pair in curves.items()}),
            f"precision-recall-{name}",
            f"Precision-recall curves of {selected.label}: "
            + ", ".join(f"{e} AP {pair[1].area:.2f}" for e, pair in curves.items()),
        )
