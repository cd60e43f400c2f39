"""Training: how each model learned, epoch by epoch."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import streamlit as st

from emosense.charts.evaluation import learning_chart
from emosense.errors import ModelError
from emosense.networks.model_card import CardRecipe
from emosense.ui.models.components import collapsed_expander, percent, show_chart, show_table
from emosense.ui.models.selection import SelectedModel, Selection


def show(selection: Selection) -> None:
    """Show the view."""
    st.caption(
        "Training figures are means over the running epoch with dropout on; validation is measured "
        "at its end with dropout off, on images that are not learned. The dashed line marks the "
        "epoch whose weights are used: the best validation accuracy."
    )
    for selected in selection.models:
        st.header(selected.label)
        try:
            history = selected.model.history()
        except ModelError as error:
            st.warning(str(error), icon=":material/warning:")
            continue
        card, best = selected.card, selected.card.selected_epoch
        row = history[best - 1]
        split = selected.model.calibration.part
        text = (
            f"Epoch {best} of {len(history)}: validation accuracy {percent(row['val_accuracy'])}"
            + (f" on {split}" if split else "")
        )
        seconds = timedelta(seconds=round(card.training.seconds))
        st.markdown(
            f"{text}, loss {row['val_loss']:.3f}. Trained for {seconds} h on "
            f"{card.training.hardware}. {card.earlier_runs}" + _plateau_note(selected, history)
        )
        if _is_augmented(card.recipe):
            st.caption(
                "Its training figures are of images and answers that were made harder on purpose "
                "(altered, mixed, partly answered by votes or a teacher) and cannot be compared "
                "with validation's, which are of plain ones. Its accuracy on plain training "
                f"images is {percent(card.metrics['Training'].accuracy)}."
            )
        if not card.finished:
            st.info(
                f"{card.epochs_seen} of {card.recipe.epochs} epochs were trained so far.",
                icon=":material/hourglass:",
            )
        show_chart(
            learning_chart(history, best),
            f"training-{selected.model.name}",
            f"{selected.label}: {text}",
        )
        with collapsed_expander("All epochs as a table", f"epochs_{selected.model.name}") as opened:
            if opened:
                show_table(history, f"history-{selected.model.name}")


def _is_augmented(recipe: CardRecipe) -> bool:
    """Return whether a recipe trains on other images or targets than the data's own."""
    targets = ("mixup", "ferplus_share", "teacher", "label_smoothing", "balance")
    return recipe.augmentation != "none" or any(getattr(recipe, name) for name in targets)


def _plateau_note(selected: SelectedModel, history: list[dict[str, Any]]) -> str:
    """Say for how many epochs the network only predicted the majority class."""
    # Of PublicTest; a tenth of Training has Training's shares.
    metrics = selected.card.metrics.get("PublicTest") or selected.card.metrics["Training"]
    supports = [values.support for values in metrics.per_class.values()]
    limit = max(supports) / sum(supports)
    stuck = 0
    while stuck < len(history) and history[stuck]["val_accuracy"] < limit + 0.01:
        stuck += 1
    if stuck == 0:
        return ""
    times = "epoch" if stuck == 1 else f"{stuck} epochs"
    return f" For the first {times} it did no better than always predicting the majority class."
