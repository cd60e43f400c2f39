"""The model picker that pages share."""

from __future__ import annotations

import streamlit as st

from emosense import settings
from emosense.errors import ModelError
from emosense.networks.registry import TrainedModel, list_models


def pick_model(key: str) -> str | None:
    """Show a picker of all usable models and return the chosen name, or None without any."""
    usable: dict[str, TrainedModel] = {}
    for name, model in list_models().items():
        try:
            _ = model.card
        except ModelError as error:
            st.warning(str(error), icon=":material/warning:")
        else:
            usable[name] = model
    if not usable:
        st.error(
            "There is no trained model in models/. Get one back with: git checkout -- models",
            icon=":material/error:",
        )
        return None
    names = list(usable)
    default = settings.MODEL.text()
    chosen = st.selectbox(
        "Model",
        names,
        index=names.index(default) if default in names else 0,
        format_func=lambda name: describe(usable[name]),
        key=key,
        help="Accuracy on FER2013's PrivateTest, as the model's card holds it.",
    )
    return str(chosen)


def describe(model: TrainedModel) -> str:
    """Return one line on a model: title, accuracy, and whether its training is still going."""
    card = model.card
    line = card.title
    if "PrivateTest" in card.metrics:
        line += f" · {card.metrics['PrivateTest']['accuracy']:.1%} on FER2013"
    if card.epochs_seen < card.recipe["epochs"]:
        line += f" · {card.epochs_seen} of {card.recipe['epochs']} epochs"
    return line
