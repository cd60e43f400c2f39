"""How to reproduce the metrics: commands, seeds and data of each model."""

from __future__ import annotations

import streamlit as st

from emosense.evaluation.bootstrap import RESAMPLES
from emosense.networks.model_card import ModelCard
from emosense.report.reproduction import describe_training
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.models.components import collapsed_expander
from emosense.ui.models.selection import Selection


def show_provenance(selection: Selection) -> None:
    """Show the expander with commands, seeds and data."""
    with collapsed_expander("How to reproduce", "made", ":material/terminal:") as expanded:
        if not expanded:
            return
        for selected in selection.models:
            card = selected.card
            st.markdown(
                f"**{selected.markdown}**: {escape_markdown(describe_training(card))} "
                f"{card.earlier_runs} To train and evaluate again:"
            )
            st.code(reproduction_commands(selection, card), language=None)
        st.markdown(
            "Metrics and charts are computed when the page is opened, from each model's "
            "`predictions.npz` (its probabilities for every test image) and `card.json`. "
            f"95 % intervals: {RESAMPLES:,} bootstrap resamples of the test images. They show how "
            "much a metric depends on the choice of test images, not on the training seed: each "
            "recipe was run once."
        )


def reproduction_commands(selection: Selection, card: ModelCard) -> str:
    """Return the commands that train and evaluate a network of the selection again, one a line."""
    return f"{card.command}\n{evaluate_command(selection, card.name)}"


def evaluate_command(selection: Selection, model: str) -> str:
    """Return the command that repeats the metrics of a network on the selected test set."""
    if selection.own is None:
        return f"emosense evaluate {model} --data fer2013.csv"
    cropped = " --cropped" if "cropped face" in selection.own.counts else ""
    return f"emosense evaluate {model} --data FOLDER --photos{cropped} --predictions answers.csv"
