"""The dashboards' selection: models, test split and view."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from emosense.errors import ModelError
from emosense.evaluation.bootstrap import Interval, bootstrap
from emosense.evaluation.predictions import (
    TEST_SPLITS,
    WITHOUT_DUPLICATES,
    Predictions,
    read_predictions,
)
from emosense.networks.model_card import PREDICTIONS_FILE, ModelCard
from emosense.networks.registry import TrainedModel
from emosense.render.colours import model_colours
from emosense.ui.components.model_picker import loadable_models, model_labels
from emosense.ui.session.query_params import query_choices, query_segments


@dataclass(frozen=True)
class SelectedModel:
    """A model as the dashboards show it: under a label of its own, in a colour of its own.

    >>> from emosense.networks.registry import find_model
    >>> model = find_model("cnn8")
    >>> SelectedModel(model, "8L CNN", "#2E9E83", read_predictions(model), {}).card.name
    'cnn8'
    """

    model: TrainedModel
    label: str
    colour: str
    predictions: Predictions
    intervals: dict[str, Interval]

    @property
    def card(self) -> ModelCard:
        """The model's card."""
        return self.model.card


@dataclass(frozen=True)
class Selection:
    """The page's choices.

    Attributes:
        models: the chosen ones, in the registry's order.
        split: ``PrivateTest`` or ``PublicTest``, in words as the cards have it.
        include_duplicates: whether test images with a copy in Training count.

    >>> from emosense.networks.registry import find_model
    >>> model = find_model("cnn8")
    >>> selected = SelectedModel(model, "8L CNN", "#2E9E83", read_predictions(model), {})
    >>> Selection((selected,), "PrivateTest", include_duplicates=True).description
    'PrivateTest, 3,589 images'
    """

    models: tuple[SelectedModel, ...]
    split: str
    include_duplicates: bool

    @property
    def description(self) -> str:
        """The images that all metrics are computed on, in words."""
        images = len(self.models[0].predictions)
        return f"{self.split}{'' if self.include_duplicates else WITHOUT_DUPLICATES}, {images:,} images"

    @property
    def colours(self) -> dict[str, str]:
        """Colour by label."""
        return {selected.label: selected.colour for selected in self.models}


def select_view(views: dict[str, str]) -> str:
    """Show the switch between the views (title by name) and return the chosen name."""
    return query_segments("view", "View", views, labelled=False)


def select_models(*, of_images: bool) -> Selection | None:
    """Show the choice of models and, if the view is about images, of those.

    Returns:
        The selection; None, after a message, if there is nothing to show.
    """
    usable = loadable_models()
    if not usable:
        return None
    labels, colours, names = model_labels(usable), model_colours(list(usable)), list(usable)
    left, middle, right = st.columns([4, 3, 2], vertical_alignment="bottom")
    with left:
        selected = query_choices(
            "model",
            names,
            names,
            lambda key: sorted(
                st.pills(
                    "Models",
                    names,
                    selection_mode="multi",
                    format_func=labels.__getitem__,
                    key=key,
                    wrap=True,
                ),
                key=names.index,
            ),
        )
    split, include_duplicates = (
        _choose_images(middle, right) if of_images else ("PrivateTest", True)
    )
    if not selected:
        st.info("Choose at least one model above.", icon=":material/touch_app:")
        return None
    selected_models = []
    for name in names:
        if name in selected:
            try:
                predictions_and_intervals = _predictions_and_intervals(
                    usable[name], split, include_duplicates
                )
            except ModelError as error:
                st.warning(str(error), icon=":material/warning:")
            else:
                selected_models.append(
                    SelectedModel(
                        usable[name], labels[name], colours[name], *predictions_and_intervals
                    )
                )
    return Selection(tuple(selected_models), split, include_duplicates) if selected_models else None


def _choose_images(middle: DeltaGenerator, right: DeltaGenerator) -> tuple[str, bool]:
    with middle:
        split = query_segments(
            "part",
            "Images",
            {split: split for split in reversed(TEST_SPLITS)},
            help="Models are chosen on PublicTest; PrivateTest gives the final score.",
        )
    with right:
        include_duplicates = query_segments(
            "copies",
            "Duplicates",
            {"yes": "included", "no": "left out"},
            help="Test images that are pixel-identical to one of Training.",
        )
    return split, include_duplicates == "yes"


def _predictions_and_intervals(
    model: TrainedModel, split: str, include_duplicates: bool
) -> tuple[Predictions, dict[str, Interval]]:
    digest = f"{model.card.files.get(PREDICTIONS_FILE)} {model.card.calibration}"
    computed: tuple[Predictions, dict[str, Interval]] = _load_and_resample(
        str(model.folder), digest, split, include_duplicates
    )
    return computed


@st.cache_data(max_entries=64, show_spinner=False)
def _load_and_resample(
    folder: str, digest: str, split: str, include_duplicates: bool
) -> tuple[Predictions, dict[str, Interval]]:
    """Read and resample once per content; ``digest`` is there to be part of the key."""
    from pathlib import Path

    model = TrainedModel(Path(folder))
    predictions = read_predictions(model, split, include_duplicates=include_duplicates)
    if len(predictions) == 0:
        raise ModelError(f"{model.name}: every image of its {split} has a copy in Training.")
    return predictions, bootstrap(predictions)
