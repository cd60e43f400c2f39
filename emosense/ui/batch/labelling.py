"""Labels for the faces of a batch, which become a test set on the Models page."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any, Final, TypeAlias

import numpy as np
import streamlit as st

from emosense.emotions import EMOTIONS
from emosense.errors import ServerBusy
from emosense.evaluation_set.labels import Label
from emosense.formatting import pluralize
from emosense.jobs.evaluation_jobs import CropEvaluationJob
from emosense.ui.batch.filter import BatchFace
from emosense.ui.components.job_list import show_refusal
from emosense.ui.components.model_picker import loadable_models
from emosense.ui.components.tables import edit_column
from emosense.ui.models.own_set.session import session_evaluations
from emosense.ui.navigation import go_to

_FaceKey: TypeAlias = tuple[str, int]
"""Name of a photo, and number of a face in it."""

_NO_LABEL: Final = ""
_MAX_ROWS: Final = 300


def show_labelling(
    name: str, faces: Sequence[BatchFace], visible: Sequence[BatchFace], number: int
) -> None:
    """Show an expander with the faces to label, and the button that makes a test set of them.

    Args:
        name: name of the batch.
        faces: all faces of the batch.
        visible: the faces that pass the filters.
        number: number of the job on the page, for widget keys.
    """
    with st.expander(
        "Label faces, and compare all networks on them",
        icon=":material/label:",
        key=f"batch_labelling_{number}",
        on_change="rerun",
    ) as expander:
        if expander.open:
            labels: dict[_FaceKey, str] = st.session_state.setdefault(f"batch_labels_{number}", {})
            listed = visible[:_MAX_ROWS]
            _show_editor(labels, listed, len(visible), number)
            _show_start(name, labels, faces, listed, number)


def _show_editor(
    labels: dict[_FaceKey, str], faces: Sequence[BatchFace], count: int, number: int
) -> None:
    """Show the table in which faces are labelled, and keep their labels.

    Args:
        labels: the labels of all faces of the batch, which is changed.
        faces: the faces that are listed.
        count: number of faces that pass the filters.
        number: number of the job on the page, for widget keys.
    """
    st.caption(
        "Say what the faces express: without looking at the answers, if the comparison is to be fair. "
        + (
            f"The first {_MAX_ROWS} of {count} faces are listed; filter for others."
            if count > len(faces)
            else ""
        )
    )
    keys = [_key(item) for item in faces]
    editor = f"batch_label_editor_{number}_{hash(tuple(keys))}"
    # What an editor is given must not change while it is edited; its edits are kept beside. Streamlit
    # drops them once it is not shown: one that comes back begins with the labels that there are.
    place = f"batch_label_initial_{number}"
    shown, initial = st.session_state.get(place, ("", []))
    if shown != editor or editor not in st.session_state:
        initial = [labels.get(key, _NO_LABEL) for key in keys]
        st.session_state[place] = editor, initial
    edited = edit_column(
        {
            "face": [_picture(item) for item in faces],
            "photo": [item.photo.result.source for item in faces],
            "label": initial,
        },
        "label",
        [_NO_LABEL, *EMOTIONS],
        titles={"photo": "Photo", "label": "Expresses"},
        pictures=["face"],
        row_height=64,
        key=editor,
    )
    labels.update(zip(keys, edited, strict=True))


def _show_start(
    name: str,
    labels: Mapping[_FaceKey, str],
    faces: Sequence[BatchFace],
    listed: Sequence[BatchFace],
    number: int,
) -> None:
    """Show the button that makes a test set of all labelled faces, whether they are listed or not."""
    labelled = [(item, labels.get(_key(item), _NO_LABEL)) for item in faces]
    labelled = [(item, label) for item, label in labelled if label in EMOTIONS]
    here = {_key(item) for item in listed}
    others = sum(_key(item) not in here for item, _ in labelled)
    if others:
        st.caption(f"{pluralize(others, 'labelled face')} not listed here will be used as well.")
    if st.button(
        f"Compare the networks on {pluralize(len(labelled), 'labelled face')}",
        type="primary",
        icon=":material/leaderboard:",
        key=f"batch_label_start_{number}",
        disabled=not labelled,
    ):
        _start(name, labelled)


def _key(item: BatchFace) -> _FaceKey:
    return item.photo.result.source, item.number


def _start(name: str, labelled: Sequence[tuple[BatchFace, str]]) -> None:
    job = CropEvaluationJob(
        name=f"{name}, labelled",
        models=list(loadable_models()),
        labels=[
            Label(f"{item.photo.result.source}, face {item.number}", emotion)
            for item, emotion in labelled
        ],
        emotions=[emotion for _, emotion in labelled],
        crops=np.array([item.photo.inputs[item.number - 1] for item, _ in labelled]),
        quality=np.array([_quality(item) for item, _ in labelled], np.float32),
        pictures=tuple(item.crop for item, _ in labelled),
    )
    evaluations = session_evaluations()
    try:
        evaluations.submit(job)
    except ServerBusy as error:
        show_refusal(evaluations, "own_set", error)
        return
    go_to("models", view="own")


def _quality(item: BatchFace) -> tuple[Any, ...]:
    quality = item.face.quality
    return (np.nan,) * 8 if quality is None else astuple(quality)[:8]


def _picture(item: BatchFace) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(item.crop).decode()
