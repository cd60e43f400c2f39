"""The Images view: the test images behind a figure, with the answers of all networks."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import streamlit as st

from emosense.emotions import EMOTIONS
from emosense.evaluation.mistakes import all_wrong, mistakes_first
from emosense.export.memory import CSV_BYTES
from emosense.export.spreadsheet import csv_file, spreadsheet_csv
from emosense.formatting import pluralize
from emosense.results import FaceQuality
from emosense.ui.components.tables import show_dataframe
from emosense.ui.models.image_detail import show_image
from emosense.ui.models.selection import (
    SelectedModel,
    Selection,
    most_accurate,
    select_network,
)
from emosense.ui.models.shown_images import ShownImages, shown_images
from emosense.ui.session.downloads import within_room
from emosense.ui.session.query_params import query_number, query_selectbox, set_parameters
from emosense.ui.session.user import session_account

_ANY: Final = "any"
_PER_PAGE: Final = 50
_ANSWERS: Final = {
    "all": "all images",
    "wrong": "wrong",
    "correct": "correct",
    "sure-wrong": "sure and wrong",
    "unsure": "unsure",
    "all-wrong": "every network wrong",
}
_QUALITIES: Final = {
    "any": "any",
    "good": "without flags",
    "poor": "with any flag",
    "small": "small",
    "blurred": "blurred",
    "dark": "dark",
    "overexposed": "overexposed",
    "low contrast": "low contrast",
    "turned away": "turned away",
    "cut off": "cut off",
}


def show(selection: Selection) -> None:
    """Show the view."""
    images = shown_images(selection)
    if images is None:
        show_how_to_bring_images(selection)
        return
    network = select_network("network", "Network", images.models, most_accurate(images.models))
    shown = _filtered(images, network)
    if not len(shown):
        st.info("No image passes these filters.", icon=":material/filter_alt:")
        return
    _show_list(images, network, shown)


def show_how_to_bring_images(selection: Selection) -> None:
    """Say how the images of a shipped test split are shown."""
    st.info(
        f"FER2013's images may not be passed on, so the {selection.split} images are not part of this app. "
        'Bring your own copy of **fer2013.csv** under "Your photos": once it is recognised by its '
        "fingerprint, the images behind every number are shown here, most confident mistake first. Test "
        "sets of your own are shown at once.",
        icon=":material/image_search:",
    )
    st.button(
        "Your photos",
        icon=":material/upload:",
        key="images_bring",
        on_click=set_parameters,
        kwargs={"view": "own"},
    )


def show_cell_link(network: SelectedModel, true: str, predicted: str, count: int) -> None:
    """Show a button that leads to the images of a confusion cell.

    Args:
        network: the network.
        true: the cell's true class.
        predicted: its predicted class.
        count: number of its images.
    """
    st.button(
        f"Show {pluralize(count, 'image')}",
        icon=":material/image_search:",
        key="confusion_images",
        disabled=not count,
        on_click=_open_cell,
        args=[network.model.name, true, predicted],
    )


def _open_cell(network: str, true: str, predicted: str) -> None:
    set_parameters(
        view="images",
        network=network,
        true=true,
        predicted=predicted,
        answer=None,
        quality=None,
        page=None,
    )


def _filtered(images: ShownImages, network: SelectedModel) -> npt.NDArray[np.intp]:
    """Show the filters; return the images that pass, the most confident mistakes first."""
    predictions = network.predictions
    emotions = {_ANY: _ANY, **{emotion: emotion for emotion in EMOTIONS}}
    columns = st.columns(4)
    with columns[0]:
        true = query_selectbox("true", "Label", emotions, _ANY)
    with columns[1]:
        predicted = query_selectbox("predicted", "Answer", emotions, _ANY)
    with columns[2]:
        answer = query_selectbox("answer", "Which", _ANSWERS, "all")
    with columns[3]:
        quality = query_selectbox("quality", "Quality of the face", _QUALITIES, _ANY)
    passed = np.ones(len(predictions), bool)
    if true != _ANY:
        passed &= predictions.labels == EMOTIONS.index(true)
    if predicted != _ANY:
        passed &= predictions.predicted == EMOTIONS.index(predicted)
    passed &= _answered(answer, images.models, network)
    if quality != _ANY:
        passed &= np.array([_has_quality(each, quality) for each in images.qualities])
    order = mistakes_first(predictions)
    return order[passed[order]]


def _answered(
    answer: str, models: Sequence[SelectedModel], network: SelectedModel
) -> npt.NDArray[np.bool_]:
    predictions = network.predictions
    if answer == "all-wrong":
        return all_wrong([selected.predictions for selected in models])
    if answer in ("wrong", "correct"):
        return np.equal(predictions.correct, answer == "correct")
    sure = predictions.sure(network.model.calibration)
    if answer == "sure-wrong":
        return sure & ~predictions.correct
    return ~sure if answer == "unsure" else np.full(len(predictions), True)


def _has_quality(quality: FaceQuality | None, wanted: str) -> bool:
    if quality is None:
        return False
    if wanted in ("good", "poor"):
        return bool(quality.flags) == (wanted == "poor")
    return wanted in quality.flags


def _show_list(images: ShownImages, network: SelectedModel, shown: npt.NDArray[np.intp]) -> None:
    pages = -(-len(shown) // _PER_PAGE)
    page = 1
    heading, pager = st.columns([3, 1], vertical_alignment="bottom")
    heading.markdown(
        f"**{pluralize(len(shown), 'image')}**, the most confident mistakes of {network.markdown} first"
    )
    if pages > 1:
        with pager:
            page = query_number(
                "page",
                1,
                pages,
                1,
                lambda key: int(st.number_input(f"Page of {pages}", 1, pages, key=key)),
            )
    listed = shown[(page - 1) * _PER_PAGE : page * _PER_PAGE]
    table, detail = st.columns([3, 2], gap="large")
    sure = network.predictions.sure(network.model.calibration)
    with table:
        event = show_dataframe(
            [_row(images, network, int(image), sure=bool(sure[image])) for image in listed],
            pictures=("picture",),
            probabilities=("probability",),
            row_height=64,
            height=640,
            key=f"images_{hash((network.model.name, listed.tobytes()))}",
            on_select="rerun",
            selection_mode="multi-row",
        )
        selected = [int(listed[row]) for row in event["selection"]["rows"]]
        _show_exports(images, network, shown, selected)
    with detail:
        if selected:
            show_image(images, network, selected[-1])
        else:
            st.caption(
                "Choose a row to see the image with the answers of all networks. Several chosen rows can "
                "be exported, for instance to check their labels."
            )


def _row(images: ShownImages, network: SelectedModel, image: int, *, sure: bool) -> dict[str, Any]:
    predictions, picture = network.predictions, images.picture(image)
    kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
    quality = images.qualities[image]
    right = sum(bool(selected.predictions.correct[image]) for selected in images.models)
    return {
        "picture": f"data:image/{kind};base64,{base64.b64encode(picture).decode()}",
        "label": EMOTIONS[int(predictions.labels[image])],
        "answer": EMOTIONS[int(predictions.predicted[image])],
        "probability": float(predictions.probabilities[image].max()),
        "sure": "sure" if sure else "unsure",
        "networks right": f"{right} of {len(images.models)}",
        "quality": "" if quality is None else ", ".join(quality.flags) or "good",
        "file": images.name(image),
    }


def _show_exports(
    images: ShownImages,
    network: SelectedModel,
    shown: npt.NDArray[np.intp],
    selected: Sequence[int],
) -> None:
    exports = {f"The {pluralize(len(shown), 'image')} of the list as CSV": shown.tolist()}
    if selected:
        exports = {
            f"The {pluralize(len(selected), 'chosen image')} as CSV": list(selected),
            **exports,
        }
    with st.container(horizontal=True):
        for number, (label, chosen) in enumerate(exports.items()):
            st.download_button(
                label,
                within_room(
                    session_account(),
                    CSV_BYTES * len(chosen) * len(images.models),
                    partial(images_csv, images, chosen),
                ),
                file_name="emosense-images.csv",
                mime="text/csv",
                icon=":material/download:",
                on_click="ignore",
                key=f"images_csv_{number}",
            )


def images_csv(images: ShownImages, chosen: Sequence[int]) -> bytes:
    """Return a list of images to check: names, labels and the answers of all networks, as CSV."""
    columns = ["file", "label", "checked label"]
    for selected in images.models:
        columns += [f"{selected.model.name} emotion", f"{selected.model.name} probability"]
    rows = []
    for image in chosen:
        row: dict[str, Any] = {
            "file": images.name(image),
            "label": EMOTIONS[int(images.models[0].predictions.labels[image])],
            "checked label": "",
        }
        for selected in images.models:
            probabilities = selected.predictions.probabilities[image]
            row[f"{selected.model.name} emotion"] = EMOTIONS[int(probabilities.argmax())]
            row[f"{selected.model.name} probability"] = round(float(probabilities.max()), 4)
        rows.append(row)
    return csv_file(spreadsheet_csv(columns, rows))
