"""The leaderboard: one table of all selected networks, deltas to a baseline, and where to use one."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from emosense.report.model import label_model, paper_results
from emosense.report.tables import LEADERBOARD_BEST, leaderboard
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.models.components import show_table
from emosense.ui.models.selection import SelectedModel, Selection, select_network
from emosense.ui.navigation import link_to


def show_leaderboard(selection: Selection, faces_per_second: Mapping[str, float]) -> None:
    """Show the table, most accurate network first, and below it what changes it.

    Args:
        selection: networks and test images.
        faces_per_second: measured throughput by label; may be empty.
    """
    st.header("Leaderboard")
    table, controls = st.container(), st.container()
    with controls:
        models = sorted(
            selection.models, key=lambda selected: -selected.intervals["accuracy"].value
        )
        baseline = _show_controls(models)
    with table:
        rows, formats = leaderboard(models, baseline, faces_per_second)
        show_table(rows, "leaderboard", formats, best=LEADERBOARD_BEST, pinned="model")
        _show_notes(selection)


def _show_controls(models: list[SelectedModel]) -> SelectedModel | None:
    """Show where to use a network, and the baseline's picker; return the baseline."""
    baseline = None
    left, photo, video, right = st.columns([3, 2, 2, 3], vertical_alignment="bottom")
    with left:
        used = select_network("use", "Use this network", models, models[0])
    for column, page in ((photo, "photo"), (video, "video")):
        with column:
            link_to(page, model=used.model.name)
    if len(models) > 1:
        in_paper = [selected for selected in models if paper_results(selected.card)]
        with right:
            baseline = select_network(
                "baseline", "Baseline of the differences", models, (in_paper or models)[0]
            )
    return baseline


def _show_notes(selection: Selection) -> None:
    text = (
        f"{selection.description}. ★ marks the best figure of a column; 95 % are bootstrap "
        "intervals. Precision, recall and F1 are means over the seven classes."
    )
    if any(paper_results(selected.card) for selected in selection.models):
        text += (
            " The paper's figures are those of its own training recipe on FER2013's test images: a "
            "network beside them shares the architecture, not the recipe."
        )
    st.caption(text)
    unfinished = [
        escape_markdown(label_model(selected))
        for selected in selection.models
        if not selected.card.finished
    ]
    if unfinished:
        st.caption(f"Still in training: {'; '.join(unfinished)} so far.")
