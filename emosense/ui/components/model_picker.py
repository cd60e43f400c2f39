"""The model picker that pages share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import streamlit as st

from emosense import settings
from emosense.errors import ModelError
from emosense.networks.registry import TrainedModel, list_models
from emosense.ui.session.query_params import query_choice

_TEST: Final = "PrivateTest"
_MARGIN: Final = 0.02
"""Less than this above the share of the most frequent emotion is luck on some 3,600 images."""


def loadable_models() -> dict[str, TrainedModel]:
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


def model_labels(models: dict[str, TrainedModel]) -> dict[str, str]:
    """Return each model's title, with its name where the title alone is not enough."""
    titles = Counter(model.card.title for model in models.values())
    return {
        name: model.card.title if titles[model.card.title] == 1 else f"{model.card.title} ({name})"
        for name, model in models.items()
    }


def select_model() -> str | None:
    """Show a picker of all usable models and return the chosen name, or None without any.

    The choice is one for all pages of the session.
    """
    usable = loadable_models()
    if not usable:
        return None
    labels, best = model_labels(usable), recommended(usable)
    # Who cannot tell faces apart is no choice for a photo, but an experiment to look at.
    names = sorted(usable, key=lambda name: _is_majority_baseline(usable[name]))
    default_model = settings.MODEL.text()
    return query_choice(
        "model",
        names,
        default_model if default_model in names else names[0],
        lambda key: str(
            st.selectbox(
                "Model",
                names,
                format_func=lambda name: (
                    labels[name] + _accuracy_note(usable[name], best=name == best)
                ),
                key=key,
                help="How often each is right was counted on the faces of FER2013's final test, "
                "which none of them learned from. The Models page has all figures.",
            )
        ),
        key="model",
    )


def recommended(models: Mapping[str, TrainedModel]) -> str | None:
    """Return the model that is most often right on the validation images, if any was tested."""
    scores = {
        name: metrics.accuracy
        for name, model in models.items()
        if (metrics := model.card.metrics.get("PublicTest"))
    }
    return max(scores, key=scores.__getitem__) if scores else None


def confidence_note(name: str) -> str:
    """Say when the model called ``name`` is unsure, and what its "sure" is worth."""
    models = list_models()
    if name not in models:
        return ""
    model = models[name]
    return model.calibration.describe(f"validation faces of {model.card.data_name}")


def _is_majority_baseline(model: TrainedModel) -> bool:
    """Return whether a model does no better than always naming the most frequent emotion."""
    test = model.card.metrics.get(_TEST)
    if not test:
        return False
    supports = [values.support for values in test.per_class.values()]
    return bool(test.accuracy < max(supports) / sum(supports) + _MARGIN)


def _accuracy_note(model: TrainedModel, *, best: bool) -> str:
    """Say in a visitor's words what a model is worth, and whether its training is still going."""
    card = model.card
    line = " · recommended, most accurate" if best else ""
    if _TEST in card.metrics:
        right = round(100 * card.metrics[_TEST].accuracy)
        line += (
            f" · no better than guessing ({right} of 100 faces)"
            if _is_majority_baseline(model)
            else f" · right for {right} of 100 faces"
        )
    if not card.finished:
        line += f" · {card.epochs_seen} of {card.recipe.epochs} epochs"
    return line
