"""The Overview: leaderboard, accuracy against cost, and how the networks compare with the paper."""

from __future__ import annotations

import streamlit as st

from emosense.charts.evaluation import HEADLINES, headline_chart
from emosense.evaluation.significance import pairwise_tests
from emosense.report.model import paper_results
from emosense.report.tables import PAIR_FORMATS, SPLIT_FORMATS, pair_rows, split_rows
from emosense.ui.models.components import percent, show_chart, show_table
from emosense.ui.models.cost import faces_per_second, show_cost, show_speed
from emosense.ui.models.leaderboard import show_leaderboard
from emosense.ui.models.selection import Selection


def show(selection: Selection) -> None:
    """Show the view."""
    above, speed, below = st.container(), st.container(), st.container()
    with speed:  # first, as what it measures stands in the table above
        show_speed(selection)
    with above:
        show_leaderboard(selection, faces_per_second(selection))
        show_cost(selection)
    with below:
        _show_pairs(selection)
        _show_headlines(selection)
        _show_splits(selection)


def _show_headlines(selection: Selection) -> None:
    st.header("Headline metrics")
    st.caption(
        f"{selection.description}. Whiskers span the 95 % bootstrap interval. Diamonds are the "
        "paper's figures, by the paper's own recipe on FER2013's test images."
    )
    paper = {
        selected.label: {name: getattr(results, name) for name in HEADLINES}
        for selected in selection.models
        if (results := paper_results(selected.card))
    }
    show_chart(
        headline_chart(
            {selected.label: selected.intervals for selected in selection.models},
            selection.colours,
            paper,
        ),
        "overview",
        "Headline metrics: "
        + "; ".join(
            f"{selected.label} "
            + ", ".join(
                f"{title} {percent(selected.intervals[metric].value)}"
                for metric, title in HEADLINES.items()
            )
            for selected in selection.models
        ),
        deferred=True,
    )


def _show_pairs(selection: Selection) -> None:
    models = {selected.label: selected.predictions for selected in selection.models}
    if len(models) < 2:
        return
    st.header("Is the difference significant?")
    tests = pairwise_tests(models)
    if not tests:
        st.info("No two of these networks were evaluated on the same images.")
        return
    st.caption(
        f"{selection.description}. McNemar's exact test of all pairs on the same images; points: "
        "accuracy of the first minus that of the second. Holm's correction accounts for the number "
        "of pairs; significant: corrected p < 0.05. It holds for these trained networks, not for "
        "other seeds."
    )
    show_table(pair_rows(tests), "mcnemar", PAIR_FORMATS, best={})


def _show_splits(selection: Selection) -> None:
    st.header("Training, validation and test")
    st.caption(
        "As in the paper's Table I, with the weights of the best epoch, without dropout, calibrated. "
        "Validation is PublicTest (empty where the data has none), test is PrivateTest, all images. "
        "The paper's own row is of its recipe."
    )
    show_table(split_rows(selection.models), "table-1", SPLIT_FORMATS)
