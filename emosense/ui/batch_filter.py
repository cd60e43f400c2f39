"""The faces of a batch, and the choice of those that are shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from emosense.results import VERDICTS, Face, PhotoResult
from emosense.worker.photo_jobs import DonePhoto


@dataclass(frozen=True)
class FoundFace:
    """A face of a batch.

    Attributes:
        photo: where it was found.
        number: of the face in it, from 1.
        face: what was found.
        crop: JPEG.
    """

    photo: DonePhoto
    number: int
    face: Face
    crop: bytes


def faces_of(photos: Sequence[DonePhoto]) -> list[FoundFace]:
    """Return all faces, photo by photo."""
    return [
        FoundFace(photo, number, face, crop)
        for photo in photos
        if isinstance(photo.result, PhotoResult)
        for number, (face, crop) in enumerate(
            zip(photo.result.faces, photo.crops, strict=True), start=1
        )
    ]


def choose_faces(faces: Sequence[FoundFace], number: int) -> list[FoundFace]:
    """Show the filters of job ``number`` and return the faces that pass them."""
    counts = {
        name: sum(found.face.verdict == name for found in faces)
        for name in VERDICTS
        if any(found.face.verdict == name for found in faces)
    }
    wanted = st.pills(
        "Show",
        list(counts),
        selection_mode="multi",
        format_func=lambda verdict: f"{verdict} · {counts[verdict]}",
        key=f"batch_emotions_{number}",
        help="None chosen shows all.",
        width="stretch",
    )
    probability, name = st.columns(2, gap="large", vertical_alignment="bottom")
    with probability:
        least = st.slider(
            "Probability from", 0, 100, 0, 5, format="%d %%", key=f"batch_least_{number}"
        )
    with name:
        part = st.text_input(
            "Photo's name contains", key=f"batch_name_{number}", icon=":material/search:"
        )
    return [
        found
        for found in faces
        if (not wanted or found.face.verdict in wanted)
        and 100 * found.face.probability >= least
        and part.strip().lower() in found.photo.result.source.lower()
    ]
