"""The Comparison view: two models on the same images, with McNemar's test."""

from __future__ import annotations

import streamlit as st

from emosense.emotions import EMOTIONS
from emosense.evaluation.significance import Comparison, compare
from emosense.formatting import format_p_value
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.models.components import percent, show_table
from emosense.ui.models.confusion import select_two, show_difference_chart
from emosense.ui.models.selection import SelectedModel, Selection


def show(selection: Selection) -> None:
    """Show the view."""
    if len(selection.models) < 2:
        st.info("Choose at least two models above.", icon=":material/touch_app:")
        return
    first, second = select_two(selection.models)
    if first is second:
        st.info("Choose two different models.", icon=":material/touch_app:")
        return
    try:
        comparison = compare(first.predictions, second.predictions)
    except ValueError as error:
        st.warning(
            f"These two cannot be compared: {escape_markdown(str(error))}.",
            icon=":material/warning:",
        )
        return
    st.markdown(f"## {verdict(first, second, comparison)}")
    difference, images = comparison.difference, len(first.predictions)
    for column, (label, value) in zip(
        st.columns(3),
        (
            ("Difference in accuracy", f"{100 * difference.value:+.1f} points"),
            (
                "McNemar's test",
                f"p = {format_p_value(comparison.p_value)}".replace("= <", "<"),
            ),
            ("Same prediction", percent(comparison.agreement / images)),
        ),
        strict=True,
    ):
        with column, st.container(border=True):
            st.metric(label, value)
    st.caption(
        f"{selection.description}. 95 % bootstrap interval of the difference: "
        f"{100 * difference.low:+.1f} to {100 * difference.high:+.1f} points, resampled over the same "
        "images. McNemar's exact test: how often two equally accurate models would differ this much "
        "on the images that only one predicts correctly. Both hold for these two trained networks; "
        "training with another seed may change either."
    )
    show_table(
        [
            {
                "": f"{first.label} {outcome}",
                f"{second.label} correct": correct,
                f"{second.label} wrong": wrong,
                "all": correct + wrong,
            }
            for outcome, correct, wrong in (
                ("correct", comparison.both_correct, comparison.only_first),
                ("wrong", comparison.only_second, comparison.both_wrong),
            )
        ],
        "comparison",
    )
    st.header("Where they differ")
    _show_classes(first, second)
    show_difference_chart(first, second)


def _show_classes(first: SelectedModel, second: SelectedModel) -> None:
    first_correct, second_correct = first.predictions.correct, second.predictions.correct
    rows = []
    for class_index, name in enumerate(EMOTIONS):
        of_class = first.predictions.labels == class_index
        rows.append(
            {
                "class": name,
                "images": int(of_class.sum()),
                "both correct": int((of_class & first_correct & second_correct).sum()),
                f"only {first.label}": int((of_class & first_correct & ~second_correct).sum()),
                f"only {second.label}": int((of_class & ~first_correct & second_correct).sum()),
                "both wrong": int((of_class & ~first_correct & ~second_correct).sum()),
            }
        )
    show_table(rows, "comparison-classes")


def verdict(first: SelectedModel, second: SelectedModel, comparison: Comparison) -> str:
    """Return a sentence that says which model is better, if the difference is significant."""
    if comparison.p_value >= 0.05:
        return f"{first.markdown} and {second.markdown}: no difference that these images can show"
    better, worse = (first, second) if comparison.difference.value > 0 else (second, first)
    return f"{better.markdown} is better than {worse.markdown}"
