"""The Overview: headline metrics of all selected models, compared with the paper."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emosense.charts.evaluation import HEADLINES, headline_chart
from emosense.errors import EmoSenseError
from emosense.networks.architectures import ARCHITECTURES
from emosense.services import services
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.waiting import show_waits
from emosense.ui.models.components import percent, show_chart, show_table
from emosense.ui.models.selection import SelectedModel, Selection
from emosense.ui.session.user import session_client
from emosense.worker.messages import MeasureThroughput, Throughput

_THROUGHPUTS = "model_throughputs"
_SPLIT_TITLES = {"Training": "training", "PublicTest": "validation", "PrivateTest": "test"}


def show(selection: Selection) -> None:
    """Show the view."""
    _show_headlines(selection)
    st.header("Headline metrics")
    st.caption(
        f"{selection.description}. Whiskers span the 95 % bootstrap interval. Precision, "
        "recall and F1 are means over the seven classes."
    )
    # Before the chart: Plotly's script takes longest to load.
    _show_metrics(selection)
    show_chart(
        headline_chart(
            {selected.label: selected.intervals for selected in selection.models},
            selection.colours,
            {
                selected.label: accuracy
                for selected in selection.models
                if (accuracy := paper_accuracy(selected)) is not None
            },
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
    )
    st.header("Training, validation and test")
    st.caption(
        "As in the paper's Table I, with the weights of the best epoch, without dropout, calibrated. "
        "Validation is PublicTest (empty where the data has none), test is PrivateTest, all images."
    )
    show_table(
        [_split_row(selected) for selected in selection.models],
        "table-1",
        {
            f"{title} {metric}": "%.1f %%" if metric == "accuracy" else "%.3f"
            for title in _SPLIT_TITLES.values()
            for metric in ("accuracy", "loss")
        },
    )
    _show_speed(selection)


def paper_accuracy(selected: SelectedModel) -> float | None:
    """Return the accuracy in 0..1 that the paper reports for the architecture, or None."""
    architecture = ARCHITECTURES.get(selected.card.network)
    return architecture.paper_accuracy if architecture else None


def _show_headlines(selection: Selection) -> None:
    for column, selected in zip(
        st.columns(max(3, len(selection.models))), selection.models, strict=False
    ):
        accuracy, paper = selected.intervals["accuracy"], paper_accuracy(selected)
        with column, st.container(border=True):
            st.metric(
                f"{selected.markdown}, accuracy",
                percent(accuracy.value),
                "not in the paper"
                if paper is None
                else f"{100 * (accuracy.value - paper):+.1f} points vs. paper",
                delta_color="off" if paper is None else "normal",
                delta_arrow="off" if paper is None else "auto",
            )
            text = f"95 %: {100 * accuracy.low:.1f} to {percent(accuracy.high)}"
            if not selected.card.finished:
                text += (
                    f" · {selected.card.epochs_seen} of {selected.card.recipe.epochs} epochs so far"
                )
            st.caption(text)


def _show_metrics(selection: Selection) -> None:
    rows: list[dict[str, Any]] = []
    for selected in selection.models:
        card, paper = selected.card, paper_accuracy(selected)
        row: dict[str, Any] = {"model": selected.label}
        row["the paper's accuracy"] = None if paper is None else 100 * paper
        for metric, title in HEADLINES.items():
            interval = selected.intervals[metric]
            row[title] = 100 * interval.value
            row[f"{title}, 95 %"] = f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"
        row |= {
            "ECE": selected.intervals["ece"].value,
            "parameters": card.parameters,
            "MFLOPs per face": None if card.flops is None else card.flops / 1e6,
            "weights, MB": card.weights_megabytes,
            "epochs": f"{card.epochs_seen} of {card.recipe.epochs}",
        }
        rows.append(row)
    formats = dict.fromkeys(("the paper's accuracy", *HEADLINES.values()), "%.1f %%")
    formats |= {"ECE": "%.3f", "parameters": "localized", "MFLOPs per face": "%.0f"}
    show_table(rows, "metrics", {**formats, "weights, MB": "%.1f"})


def _split_row(selected: SelectedModel) -> dict[str, Any]:
    row: dict[str, Any] = {"model": selected.label}
    for split, title in _SPLIT_TITLES.items():
        metrics = selected.card.metrics.get(split)
        row[f"{title} accuracy"] = None if metrics is None else 100 * metrics.accuracy
        row[f"{title} loss"] = None if metrics is None else metrics.loss
    return row


def _show_speed(selection: Selection) -> None:
    st.header("Speed on this machine")
    throughputs: dict[str, Throughput] = st.session_state.setdefault(_THROUGHPUTS, {})
    if st.button(
        "Measure",
        icon=":material/speed:",
        key="measure_speed",
        help="Takes a few seconds per model.",
    ):
        for selected in selection.models:
            spinner = st.spinner(f"Measuring {selected.markdown} ...")
            with spinner, show_waits("request") as on_wait:
                try:
                    request = MeasureThroughput(model=selected.model.name)
                    client = session_client(services().photos.pool, on_wait)
                    throughputs[selected.model.name] = client.request(request)
                except EmoSenseError as error:
                    st.error(
                        f"{selected.markdown}: {escape_markdown(str(error))}",
                        icon=":material/error:",
                    )
    rows = [
        {
            "model": selected.label,
            "device": throughputs[selected.model.name].device,
            **{
                f"faces/s, {batch_size} at a time": faces_per_second
                for batch_size, faces_per_second in throughputs[
                    selected.model.name
                ].faces_per_second.items()
            },
        }
        for selected in selection.models
        if selected.model.name in throughputs
    ]
    if rows:
        show_table(rows, "speed", {name: "%.0f" for name in rows[0] if name.startswith("faces/s")})
