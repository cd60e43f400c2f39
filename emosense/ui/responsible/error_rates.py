"""Error rates of each model per class, from the models' cards."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from emosense.emotions import EMOTIONS
from emosense.networks.registry import TrainedModel

_PART = "PrivateTest"


def show_error_rates(models: Mapping[str, TrainedModel]) -> None:
    """Show a table: of the faces that people labelled so, how many were read as something else."""
    rows = []
    for model in models.values():
        test = model.card.metrics.get(_PART)
        if test:
            wrong = {"all": 1 - test.accuracy}
            wrong |= {name: 1 - test.per_class[name].recall for name in EMOTIONS}
            rounded = {name: round(fraction, 2) for name, fraction in wrong.items()}
            rows.append({"model": model.card.title, **rounded})
    if not rows:
        return
    st.markdown(f"**How often the networks are wrong**, on FER2013's {_PART}, by people's label")
    st.dataframe(
        rows,
        hide_index=True,
        width="stretch",
        key="error_rates",
        column_config={
            name: st.column_config.NumberColumn(format="percent") for name in ("all", *EMOTIONS)
        },
    )
    commands = ", ".join(f"`emosense evaluate {name} --data fer2013.csv`" for name in models)
    st.caption(f"From the models' cards; measured again with {commands}.")
