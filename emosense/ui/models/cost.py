"""Accuracy against cost, and the speed of the networks on this machine."""

from __future__ import annotations

from typing import Final

import streamlit as st

from emosense.charts.cost import cost_chart
from emosense.errors import EmoSenseError
from emosense.report.tables import FACES_PER_SECOND, MEGABYTES, MFLOPS, PARAMETERS
from emosense.services import services
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.waiting import show_waits
from emosense.ui.models.components import percent, show_chart, show_table
from emosense.ui.models.selection import SelectedModel, Selection
from emosense.ui.session.query_params import query_segments
from emosense.ui.session.user import session_client
from emosense.worker.messages import MeasureThroughput, Throughput

_THROUGHPUTS: Final = "model_throughputs"
_SCORES: Final = {"accuracy": "accuracy", "macro_f1": "F1"}
_COSTS: Final = {
    "flops": MFLOPS,
    "parameters": PARAMETERS,
    "size": MEGABYTES,
    "speed": FACES_PER_SECOND,
}


def faces_per_second(selection: Selection) -> dict[str, float]:
    """Return the throughput in large batches that was measured in this session, by label."""
    throughputs = _throughputs()
    return {
        selected.label: max(throughputs[selected.model.name].faces_per_second.items())[1]
        for selected in selection.models
        if selected.model.name in throughputs
    }


def show_cost(selection: Selection) -> None:
    """Show the chart of a score over a cost."""
    st.header("Accuracy against cost")
    left, right = st.columns(2)
    with left:
        score = query_segments("score", "Score", _SCORES)
    with right:
        cost = query_segments("cost", "Cost", _COSTS)
    st.caption(
        f"{selection.description}. Whiskers: 95 % intervals. Diamonds on the dashed line are the "
        "Pareto front: no other network is as good at a lower cost."
    )
    costs = {
        selected.label: value
        for selected in selection.models
        if (value := _cost(selected, cost, faces_per_second(selection)))
    }
    if not costs:
        st.info("Measure the speed below first.", icon=":material/speed:")
        return
    scores = {selected.label: selected.intervals[score] for selected in selection.models}
    show_chart(
        cost_chart(
            scores,
            costs,
            selection.colours,
            (_SCORES[score], _COSTS[cost]),
            higher_is_cheaper=cost == "speed",
        ),
        f"{_SCORES[score].lower()}-{cost}",
        f"{_SCORES[score]} against {_COSTS[cost]}: "
        + "; ".join(
            f"{label} {percent(scores[label].value)} at {value:,.3g}"
            for label, value in costs.items()
        ),
        deferred=True,
    )


def _cost(selected: SelectedModel, cost: str, speeds: dict[str, float]) -> float | None:
    card = selected.card
    if cost == "flops":
        return None if card.flops is None else card.flops / 1e6
    if cost == "parameters":
        return float(card.parameters)
    return card.weights_megabytes if cost == "size" else speeds.get(selected.label)


def show_speed(selection: Selection) -> None:
    """Show the button that measures, and what was measured."""
    st.header("Speed on this machine")
    throughputs = _throughputs()
    if st.button(
        "Measure",
        icon=":material/speed:",
        key="measure_speed",
        help="Takes a few seconds per model.",
    ):
        for selected in selection.models:
            _measure(selected)
    rows = [
        {
            "model": selected.label,
            "device": measured.device,
            **{
                f"faces/s, {batch_size} at a time": speed
                for batch_size, speed in measured.faces_per_second.items()
            },
        }
        for selected in selection.models
        if (measured := throughputs.get(selected.model.name))
    ]
    if rows:
        show_table(rows, "speed", {name: "%.0f" for name in rows[0] if name.startswith("faces/s")})


def _measure(selected: SelectedModel) -> None:
    spinner = st.spinner(f"Measuring {selected.markdown} ...")
    with spinner, show_waits("request") as on_wait:
        try:
            request = MeasureThroughput(model=selected.model.name)
            client = session_client(services().photos.pool, on_wait)
            _throughputs()[selected.model.name] = client.request(request)
        except EmoSenseError as error:
            st.error(
                f"{selected.markdown}: {escape_markdown(str(error))}",
                icon=":material/error:",
            )


def _throughputs() -> dict[str, Throughput]:
    throughputs: dict[str, Throughput] = st.session_state.setdefault(_THROUGHPUTS, {})
    return throughputs
