"""The Models page's selection: view, models, test split and duplicates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from emosense.errors import ModelError
from emosense.evaluation.bootstrap import Interval, bootstrap
from emosense.evaluation.predictions import (
    TEST_SPLITS,
    DegradedPredictions,
    Predictions,
    read_degraded,
    read_predictions,
)
from emosense.evaluation_set.result import EvaluationSet
from emosense.filesystem.filenames import abbreviate
from emosense.formatting import pluralize
from emosense.networks.model_card import PREDICTIONS_FILE, ModelCard
from emosense.networks.registry import TrainedModel
from emosense.render.colours import model_colours
from emosense.report.tables import above_chance
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.model_picker import loadable_models, model_labels
from emosense.ui.models.own_set.predictions import MeasuredPredictions, own_predictions
from emosense.ui.models.own_set.session import session_evaluations
from emosense.ui.session.query_params import (
    query_choices,
    query_flag,
    query_segments,
    query_selectbox,
)


@dataclass(frozen=True)
class SelectedModel:
    """A model with its label, its colour and its predictions on the selected images.

    Attributes:
        model: the trained model.
        label: title, unique on the page.
        colour: hex colour in all charts; repeats after seven models.
        predictions: predictions on the selected images.
        intervals: 95 % bootstrap intervals by metric.
        raw: the same predictions before calibration.
        degraded: predictions on degraded faces of the selected images; None if there are none.
        images: (n,) index of each selected image in its test set, from 0.

    >>> from emosense.networks.registry import find_model
    >>> model = find_model("cnn8")
    >>> predictions = read_predictions(model)
    >>> SelectedModel(model, "8L CNN", "#2E9E83", predictions, {}, predictions).card.name
    'cnn8'
    """

    model: TrainedModel
    label: str
    colour: str
    predictions: Predictions
    intervals: dict[str, Interval]
    raw: Predictions
    degraded: DegradedPredictions | None = None
    images: npt.NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, np.intp))

    @property
    def markdown(self) -> str:
        """The label as Markdown: titles of models are foreign text."""
        return escape_markdown(self.label)

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        return self.model.card


@dataclass(frozen=True)
class Selection:
    """The selected models and test images.

    Attributes:
        models: the selected models, in the registry's order.
        split: ``PrivateTest`` or ``PublicTest``, or the key of a test set of the visitor.
        include_duplicates: whether test images with a pixel-identical one in Training count.
        own: the test set of the visitor; None for those of FER2013.

    >>> from emosense.networks.registry import find_model
    >>> model = find_model("cnn8")
    >>> predictions = read_predictions(model)
    >>> selected = SelectedModel(model, "8L CNN", "#2E9E83", predictions, {}, predictions)
    >>> Selection((selected,), "PrivateTest", include_duplicates=True).description
    'PrivateTest, 3,589 images'
    """

    models: tuple[SelectedModel, ...]
    split: str
    include_duplicates: bool
    own: EvaluationSet | None = None

    @property
    def description(self) -> str:
        """Split and number of the images that all metrics are computed on, as Markdown."""
        images = len(self.models[0].predictions)
        if self.own is not None:
            return f"{escape_markdown(self.own.title)}, {pluralize(images, 'face')}"
        duplicates = "" if self.include_duplicates else " without duplicates"
        return f"{self.split}{duplicates}, {images:,} images"

    @property
    def colours(self) -> dict[str, str]:
        """The models' colours by label."""
        return {selected.label: selected.colour for selected in self.models}


_NAMING: Final = ("first", "second", "network", "baseline")
"""Query parameters that name a network: a link to it shows it, whatever it is worth."""


def select_view(views: dict[str, str]) -> str:
    """Show the buttons that select a view.

    Args:
        views: titles by URL value.

    Returns:
        URL value of the selected view.
    """
    return query_segments("view", "View", views, labelled=False)


def select_models(*, with_images: bool) -> Selection | None:
    """Show the selection of models and of test images.

    Args:
        with_images: whether the view is about test images; if not, they cannot be selected.

    Returns:
        The selection, without networks no better than chance unless the visitor wants them; None,
        after a message, if there is nothing to show.
    """
    usable = loadable_models()
    if not usable:
        return None
    labels, colours, names = model_labels(usable), model_colours(list(usable)), list(usable)
    left, middle, right = st.columns([4, 3, 2], vertical_alignment="bottom")
    with left:
        selected_names = query_choices(
            "model",
            names,
            names,
            lambda key: sorted(
                st.pills(
                    "Models",
                    names,
                    selection_mode="multi",
                    format_func=lambda name: escape_markdown(labels[name]),
                    key=key,
                    wrap=True,
                ),
                key=names.index,
            ),
        )
    split, include_duplicates = "PrivateTest", True
    own_sets = session_evaluations().sets if with_images else {}
    if with_images:
        split, include_duplicates = _select_images(middle, right, own_sets)
    own = own_sets.get(split)
    if not selected_names:
        st.info("Choose at least one model above.", icon=":material/touch_app:")
        return None
    models = []
    for name in names:
        if name in selected_names:
            try:
                measured = (
                    _predictions_and_intervals(usable[name], split, include_duplicates)
                    if own is None
                    else own_predictions(usable[name], split, own)
                )
            except ModelError as error:
                st.warning(escape_markdown(str(error)), icon=":material/warning:")
            else:
                models.append(SelectedModel(usable[name], labels[name], colours[name], *measured))
    if not models:
        return None
    images = "these images" if with_images else split
    return Selection(_fold_baselines(models, images), split, include_duplicates, own)


def _fold_baselines(models: Sequence[SelectedModel], images: str) -> tuple[SelectedModel, ...]:
    """Leave out networks no better than chance, in all views alike, unless the visitor wants them."""
    better = above_chance(models)
    folded = [selected for selected in models if selected not in better]
    linked = {st.query_params.get(name) for name in _NAMING}
    if not folded or any(selected.model.name in linked for selected in folded):
        return tuple(models)
    names = ", ".join(selected.markdown for selected in folded)
    verb = "does" if len(folded) == 1 else "do"
    shown = query_flag(
        "chance",
        False,
        lambda key: st.toggle(
            f"Show {names}, which {verb} no better on {images} than always predicting the "
            "majority class",
            key=key,
        ),
    )
    return tuple(models if shown else better)


def select_network(
    parameter: str, label: str, models: Sequence[SelectedModel], default: SelectedModel
) -> SelectedModel:
    """Show a list of models, bound to a query parameter, and return the selected one.

    Args:
        parameter: name of the query parameter.
        label: label above the list.
        models: the models of the list.
        default: the one that is selected at first.
    """
    by_name = {selected.model.name: selected for selected in models}
    titles = {name: selected.label for name, selected in by_name.items()}
    return by_name[query_selectbox(parameter, label, titles, default.model.name)]


def most_accurate(models: Sequence[SelectedModel]) -> SelectedModel:
    """Return the model of the highest accuracy on the selected images."""
    return max(models, key=lambda selected: selected.intervals["accuracy"].value)


def _select_images(
    middle: DeltaGenerator, right: DeltaGenerator, own_sets: Mapping[str, EvaluationSet]
) -> tuple[str, bool]:
    titles = {split: split for split in reversed(TEST_SPLITS)}
    titles |= {key: escape_markdown(abbreviate(own.title, 24)) for key, own in own_sets.items()}
    with middle:
        split = query_segments(
            "part",
            "Images",
            titles,
            help="PublicTest is the validation split, on which models are selected; PrivateTest is "
            'the test split, for the final metrics. Your own are under "Your photos".',
        )
    if split in own_sets:
        return split, True
    with right:
        include_duplicates = query_segments(
            "copies",
            "Duplicates",
            {"yes": "included", "no": "left out"},
            help="Test images that are pixel-identical to one in Training.",
        )
    return split, include_duplicates == "yes"


def _predictions_and_intervals(
    model: TrainedModel, split: str, include_duplicates: bool
) -> MeasuredPredictions:
    version = f"{model.card.files.get(PREDICTIONS_FILE)} {model.card.calibration}"
    result: MeasuredPredictions = _load_and_resample(
        str(model.folder), version, split, include_duplicates
    )
    return result


@st.cache_data(max_entries=64, show_spinner=False)
def _load_and_resample(
    folder: str, version: str, split: str, include_duplicates: bool
) -> MeasuredPredictions:
    """Read predictions and resample them; ``version`` is only part of the cache key."""
    from pathlib import Path

    model = TrainedModel(Path(folder))
    raw = read_predictions(model, split, raw=True)
    images = np.arange(len(raw)) if include_duplicates else np.flatnonzero(~raw.is_duplicate)
    raw = raw.rows(images)
    if len(raw) == 0:
        raise ModelError(f"{model.name}: every image of its {split} has a duplicate in Training.")
    predictions = raw.calibrated(model.calibration)
    degraded = read_degraded(model, split)
    if degraded is not None and not include_duplicates:
        degraded = degraded.without_duplicates()
    return predictions, bootstrap(predictions), raw, degraded, images
