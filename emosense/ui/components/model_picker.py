"""The model picker that pages share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

import streamlit as st

from emosense import settings
from emosense.errors import ModelError
from emosense.evaluation.metrics import is_majority_baseline
from emosense.networks.registry import TrainedModel, list_models
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.session.query_params import query_choice

_TEST_SPLIT: Final = "PrivateTest"


def loadable_models() -> dict[str, TrainedModel]:
    """Return all models with a readable card, by name; show a warning for every other one."""
    loadable: dict[str, TrainedModel] = {}
    for name, model in list_models().items():
        try:
            _ = model.card
        except ModelError as error:
            st.warning(escape_markdown(str(error)), icon=":material/warning:")
        else:
            loadable[name] = model
    if not loadable:
        st.error(
            "There is no trained model in models/. Get the project's own back with: "
            "git checkout -- models",
            icon=":material/error:",
        )
    return loadable


def model_labels(models: dict[str, TrainedModel]) -> dict[str, str]:
    """Return each model's title, followed by its name if several models have that title."""
    titles = Counter(model.card.title for model in models.values())
    return {
        name: model.card.title if titles[model.card.title] == 1 else f"{model.card.title} ({name})"
        for name, model in models.items()
    }


def select_model() -> str | None:
    """Show a picker of all loadable models, shared by all pages of the session.

    Returns:
        Name of the selected model; None if no model can be loaded.
    """
    models = loadable_models()
    if not models:
        return None
    labels, best = model_labels(models), recommended(models)
    # Models that only predict the majority class come last: they are experiments.
    names = sorted(models, key=lambda name: _is_majority_baseline(models[name]))
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
                    labels[name] + _accuracy_note(models[name], best=name == best)
                ),
                key=key,
                help="Accuracy on the faces of FER2013's final test split, on which none of them was "
                "trained. The Models page has all metrics.",
            )
        ),
        key="model",
    )


def recommended(models: Mapping[str, TrainedModel]) -> str | None:
    """Return the name of the model with the best validation accuracy, or None without any."""
    scores = {
        name: metrics.accuracy
        for name, model in models.items()
        if (metrics := model.card.metrics.get("PublicTest"))
    }
    return max(scores, key=scores.__getitem__) if scores else None


def confidence_note(name: str) -> str:
    """Return, as Markdown, when a model abstains ("unsure") and how accurate it is otherwise.

    Empty if there is no such model.
    """
    models = list_models()
    if name not in models:
        return ""
    model = models[name]
    return model.calibration.describe(
        f"validation faces of {escape_markdown(model.card.data_name)}"
    )


def _is_majority_baseline(model: TrainedModel) -> bool:
    """Return whether a model does no better than always predicting the majority class."""
    metrics = model.card.metrics.get(_TEST_SPLIT)
    if not metrics:
        return False
    supports = [values.support for values in metrics.per_class.values()]
    return is_majority_baseline(metrics.accuracy, supports)


def _accuracy_note(model: TrainedModel, *, best: bool) -> str:
    """Return the test accuracy in plain words, and the epochs if training is unfinished."""
    card = model.card
    note = " · recommended, most accurate" if best else ""
    if _TEST_SPLIT in card.metrics:
        correct = round(100 * card.metrics[_TEST_SPLIT].accuracy)
        note += (
            f" · no better than guessing ({correct} of 100 faces)"
            if _is_majority_baseline(model)
            else f" · right for {correct} of 100 faces"
        )
    if not card.finished:
        note += f" · {card.epochs_seen} of {card.recipe.epochs} epochs"
    return note
