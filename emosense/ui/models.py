"""The model picker that pages share."""

from __future__ import annotations

from collections import Counter

import streamlit as st

from emosense import settings
from emosense.errors import ModelError
from emosense.networks.registry import TrainedModel, list_models
from emosense.ui.kept import kept


def usable_models() -> dict[str, TrainedModel]:
    """Return all models whose card can be read, by name; say what is wrong with the others."""
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
            "There is no trained model in models/. Get the project's own back with: "
            "git checkout -- models",
            icon=":material/error:",
        )
    return usable


def labels_of(models: dict[str, TrainedModel]) -> dict[str, str]:
    """Return each model's title, with its name where the title alone is not enough."""
    titles = Counter(model.card.title for model in models.values())
    return {
        name: model.card.title if titles[model.card.title] == 1 else f"{model.card.title} ({name})"
        for name, model in models.items()
    }


def pick_model(key: str) -> str | None:
    """Show a picker of all usable models and return the chosen name, or None without any."""
    usable = usable_models()
    if not usable:
        return None
    labels = labels_of(usable)
    names = list(usable)
    kept(key, settings.MODEL.text())
    if st.session_state[key] not in names:  # unknown, or gone since
        st.session_state[key] = names[0]
    chosen = st.selectbox(
        "Model",
        names,
        format_func=lambda name: labels[name] + _worth(usable[name]),
        key=key,
        help="Accuracy on the final test (FER2013's PrivateTest) and the work for one face, from "
        "the model's card.",
    )
    return str(chosen)


def sureness(name: str) -> str:
    """Say when the model called ``name`` is unsure, and what its "sure" is worth."""
    models = list_models()
    if name not in models:
        return ""
    model = models[name]
    return model.calibration.told(f"validation faces of {model.card.data_name}")


def _worth(model: TrainedModel) -> str:
    """Say how accurate a model is, what it costs, and whether its training is still going."""
    card = model.card
    line = ""
    if "PrivateTest" in card.metrics:
        line += f" · {card.metrics['PrivateTest']['accuracy']:.1%} on {card.data_name}"
    if card.flops:
        line += f" · {card.flops / 1e6:.0f} MFLOPs a face"
    if not card.finished:
        line += f" · {card.epochs_seen} of {card.recipe['epochs']} epochs"
    return line
