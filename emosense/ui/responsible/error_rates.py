"""Per-class error rates of each model, from the models' cards."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from emosense.emotions import EMOTIONS
from emosense.networks.registry import TrainedModel
from emosense.ui.components.markdown import code_span
from emosense.ui.components.tables import show_dataframe

_TEST_SPLIT = "PrivateTest"


def show_error_rates(models: Mapping[str, TrainedModel]) -> None:
    """Show a table of error rates per true class (1 - recall) and over all classes."""
    rows = []
    for model in models.values():
        metrics = model.card.metrics.get(_TEST_SPLIT)
        if metrics:
            error_rates = {"all": 1 - metrics.accuracy}
            error_rates |= {name: 1 - metrics.per_class[name].recall for name in EMOTIONS}
            rounded = {name: round(rate, 2) for name, rate in error_rates.items()}
            rows.append({"model": model.card.title, **rounded})
    if not rows:
        return
    st.markdown(
        f"**Error rates: how often the networks are wrong**, on FER2013's {_TEST_SPLIT}, per true "
        "class (people's label)"
    )
    show_dataframe(
        rows,
        key="error_rates",
        column_config={
            name: st.column_config.NumberColumn(format="percent") for name in ("all", *EMOTIONS)
        },
    )
    commands = ", ".join(
        code_span(f"emosense evaluate {name} --data fer2013.csv") for name in models
    )
    st.caption(f"From the models' cards; {commands} measures them again.")
