"""The Training view: learning curves of each model."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import streamlit as st

from emosense.charts.evaluation import learning_chart
from emosense.errors import ModelError
from emosense.networks.model_card import CardRecipe
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.models.components import collapsed_expander, percent, show_chart, show_table
from emosense.ui.models.selection import SelectedModel, Selection


def show(selection: Selection) -> None:
    """Show the view."""
    st.caption(
        "Training metrics are means over the running epoch, with dropout; validation metrics are "
        "measured at its end, without dropout, on images that are not trained on. The dashed line "
        "marks the epoch whose weights are used: the one with the best validation accuracy."
    )
    for selected in selection.models:
        st.header(selected.markdown)
        try:
            history = selected.model.history()
        except ModelError as error:
            st.warning(escape_markdown(str(error)), icon=":material/warning:")
            continue
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
        )
        with collapsed_expander(
            "All epochs as a table", f"epochs_{selected.model.name}"
        ) as expanded:
            if expanded:
                show_table(history, f"history-{selected.model.name}")


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
