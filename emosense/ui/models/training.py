"""The Training view: learning curves of each model."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import streamlit as st

from emosense.charts.learning import learning_chart, learning_comparison_chart
from emosense.errors import ModelError
from emosense.networks.model_card import CardRecipe
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.models.components import collapsed_expander, percent, show_chart, show_table
from emosense.ui.models.selection import SelectedModel, Selection
from emosense.ui.session.query_params import query_segments


def show(selection: Selection) -> None:
    """Show the view."""
    st.caption(
        "Training metrics are means over the running epoch, with dropout; validation metrics are "
        "measured at its end, without dropout, on images that are not trained on. The dashed line "
        "marks the epoch whose weights are used: the one with the best validation accuracy."
    )
    comparison = st.container()
    histories: dict[str, list[dict[str, Any]]] = {}
    for selected in selection.models:
        st.header(selected.markdown)
        try:
            history = selected.model.history()
        except ModelError as error:
            st.warning(escape_markdown(str(error)), icon=":material/warning:")
            continue
        histories[selected.label] = history
        card, best_epoch = selected.card, selected.card.selected_epoch
        metrics = history[best_epoch - 1]
        split = selected.model.calibration.part
        text = (
            f"Epoch {best_epoch} of {len(history)}: validation accuracy {percent(metrics['val_accuracy'])}"
            + (f" on {escape_markdown(split)}" if split else "")
        )
        duration = timedelta(seconds=round(card.training.seconds))
        st.markdown(
            f"{text}, loss {metrics['val_loss']:.3f}. Trained for {duration} h on "
            f"{escape_markdown(card.training.hardware)}. {card.earlier_runs}"
            + _plateau_note(selected, history)
        )
        if _is_augmented(card.recipe):
            st.caption(
                "Its training metrics are measured on augmented images and softened labels (altered "
                "or mixed images; labels smoothed, or partly from votes or a teacher network) and "
                "cannot be compared with the validation metrics. Its accuracy on the unaltered "
                f"training images is {percent(card.metrics['Training'].accuracy)}."
            )
        if not card.finished:
            st.info(
                f"{card.epochs_seen} of {card.recipe.epochs} epochs were trained so far.",
                icon=":material/hourglass:",
            )
        show_chart(
            learning_chart(history, best_epoch),
            f"training-{selected.model.name}",
            f"{selected.label}: {text}",
            deferred=len(selection.models) > 1,
        )
        with collapsed_expander(
            "All epochs as a table", f"epochs_{selected.model.name}"
        ) as expanded:
            if expanded:
                show_table(history, f"history-{selected.model.name}")
    if len(histories) > 1:
        with comparison:
            _show_comparison(selection, histories)


def _show_comparison(selection: Selection, histories: dict[str, list[dict[str, Any]]]) -> None:
    st.header("All networks")
    left, right = st.columns(2)
    with left:
        metric = query_segments("learning", "Metric", {"accuracy": "accuracy", "loss": "loss"})
    with right:
        axis = query_segments("over", "Over", {"epochs": "epochs", "time": "training time"})
    timed = {
        label: history
        for label, history in histories.items()
        if axis == "epochs" or all("seconds" in row for row in history)
    }
    st.caption(
        "Solid: validation; dotted: training. Training metrics of recipes with augmentation cannot "
        "be compared with those without. Time is that of the machine that each network was trained "
        "on, and of the last run alone where it was fine-tuned or distilled."
    )
    if not timed:
        st.info("These networks have no record of their times.")
        return
    show_chart(
        learning_comparison_chart(timed, selection.colours, metric, by_time=axis == "time"),
        f"learning-{metric}-{axis}",
        f"Validation {metric} at the last epoch: "
        + ", ".join(f"{label} {rows[-1][f'val_{metric}']:.3f}" for label, rows in timed.items()),
    )


def _is_augmented(recipe: CardRecipe) -> bool:
    """Return whether a recipe alters the training images or their targets."""
    options = ("mixup", "ferplus_share", "teacher", "label_smoothing", "balance")
    return recipe.augmentation != "none" or any(getattr(recipe, name) for name in options)


def _plateau_note(selected: SelectedModel, history: list[dict[str, Any]]) -> str:
    """Return a sentence on the first epochs in which only the majority class was predicted."""
    # Without PublicTest, validation is a tenth of Training, with the same class frequencies.
    metrics = selected.card.metrics.get("PublicTest") or selected.card.metrics["Training"]
    supports = [values.support for values in metrics.per_class.values()]
    baseline = max(supports) / sum(supports)
    epochs = 0
    while epochs < len(history) and history[epochs]["val_accuracy"] < baseline + 0.01:
        epochs += 1
    if epochs == 0:
        return ""
    first = "epoch" if epochs == 1 else f"{epochs} epochs"
    return f" For the first {first} it did no better than always predicting the majority class."
