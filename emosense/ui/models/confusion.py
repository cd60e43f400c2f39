"""The Confusion matrix view: one matrix per model, and the difference of two."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import streamlit as st

from emosense.charts.confusion import confusion_chart, difference_chart, normalize_rows
from emosense.emotions import EMOTIONS
from emosense.evaluation.metrics import compute_metrics
from emosense.formatting import percent
from emosense.ui.components.frame import dark
from emosense.ui.models.components import collapsed_expander, show_chart, show_table
from emosense.ui.models.images import show_cell_link
from emosense.ui.models.selection import (
    SelectedModel,
    Selection,
    most_accurate,
    select_network,
)
from emosense.ui.session.query_params import query_segments

_CHARTS_PER_ROW = 3


def show(selection: Selection) -> None:
    """Show the view."""
    scale = query_segments("scale", "Cells", {"shares": "% of the true class", "counts": "images"})
    st.caption(f"{selection.description}. Rows are the true classes, columns the predicted ones.")
    models = selection.models
    for start in range(0, len(models), _CHARTS_PER_ROW):
        row = models[start : start + _CHARTS_PER_ROW]
        # The last row has as many columns as the others, so that all charts are equally wide.
        columns = st.columns(min(len(models), _CHARTS_PER_ROW))
        for column, selected in zip(columns, row, strict=False):
            with column:
                st.markdown(f"**{selected.markdown}**")
                confusion = confusion_of(selected)
                caption = _most_frequent_confusion(confusion)
                show_chart(
                    confusion_chart(confusion, normalize=scale == "shares", dark=dark()),
                    f"confusion-{selected.model.name}",
                    f"Confusion matrix of {selected.label}. {caption}",
                    deferred=start > 0,
                )
                st.caption(caption)
    _show_cell(selection)
    _show_table(selection)
    if len(models) > 1:
        show_difference(models)


def confusion_of(selected: SelectedModel) -> npt.NDArray[np.int64]:
    """Return a model's (7, 7) confusion matrix: rows true, columns predicted."""
    predictions = selected.predictions
    return np.array(compute_metrics(predictions.labels, predictions.probabilities).confusion)


def show_difference(models: tuple[SelectedModel, ...]) -> None:
    """Show pickers for two models and the difference of their confusion matrices."""
    st.header("Difference between two models")
    first, second = select_two(models)
    if first is second:
        st.info("Choose two different models.", icon=":material/touch_app:")
        return
    show_difference_chart(first, second)


def show_difference_chart(first: SelectedModel, second: SelectedModel) -> None:
    """Show the confusion matrix of the first model minus that of the second."""
    st.caption(
        f"Blue: {first.markdown} predicts this class more often than {second.markdown}; brown: less "
        "often. In percentage points of the true class; on the diagonal blue is better."
    )
    show_chart(
        difference_chart(
            confusion_of(first), confusion_of(second), (first.label, second.label), dark=dark()
        ),
        f"difference-{first.model.name}-{second.model.name}",
        f"Confusion matrix of {first.label} minus that of {second.label}",
        deferred=True,
    )


def select_two(models: tuple[SelectedModel, ...]) -> tuple[SelectedModel, SelectedModel]:
    """Show two model pickers, bound to the query parameters ``first`` and ``second``.

    Args:
        models: at least two; by default the two most accurate ones are selected.
    """
    ranked = sorted(models, key=lambda selected: -selected.intervals["accuracy"].value)
    selected = []
    for column, (parameter, label), default in zip(
        st.columns(2), (("first", "First"), ("second", "Second")), ranked, strict=False
    ):
        with column:
            selected.append(select_network(parameter, label, models, default))
    first, second = selected
    return first, second


def _show_table(selection: Selection) -> None:
    rows = [
        {"model": selected.label, "true": name, **dict(zip(EMOTIONS, counts, strict=True))}
        for selected in selection.models
        for name, counts in zip(EMOTIONS, confusion_of(selected).tolist(), strict=True)
    ]
    with collapsed_expander("All counts as a table", "confusion_table") as expanded:
        if expanded:
            show_table(rows, "confusion")


def _show_cell(selection: Selection) -> None:
    """Show pickers for a cell of a matrix, and the way to its images."""
    models = selection.models
    st.header("The images of a cell")
    columns = st.columns([2, 2, 2, 2], vertical_alignment="bottom")
    with columns[0]:
        network = select_network("network", "Network", models, most_accurate(models))
    confusion = confusion_of(network)
    true, predicted = most_frequent_confusion(confusion)
    with columns[1]:
        true = str(st.selectbox("True class", EMOTIONS, EMOTIONS.index(true), key="cell_true"))
    with columns[2]:
        predicted = str(
            st.selectbox(
                "Predicted class", EMOTIONS, EMOTIONS.index(predicted), key="cell_predicted"
            )
        )
    with columns[3]:
        count = int(confusion[EMOTIONS.index(true), EMOTIONS.index(predicted)])
        show_cell_link(network, true, predicted, count)


def most_frequent_confusion(confusion: npt.NDArray[np.int64]) -> tuple[str, str]:
    """Return the true and the predicted class of the most frequent confusion, by its share."""
    fractions = normalize_rows(confusion)
    np.fill_diagonal(fractions, 0)
    true, predicted = np.unravel_index(fractions.argmax(), fractions.shape)
    return EMOTIONS[int(true)], EMOTIONS[int(predicted)]


def _most_frequent_confusion(confusion: npt.NDArray[np.int64]) -> str:
    """Return a sentence with the most frequent confusion, as a percentage of its true class."""
    true, predicted = most_frequent_confusion(confusion)
    share = normalize_rows(confusion)[EMOTIONS.index(true), EMOTIONS.index(predicted)]
    return f"Most frequent confusion: {true} predicted as {predicted} ({percent(share)} of {true})."
