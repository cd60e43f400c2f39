"""The faces of a batch, and the filters for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from emosense.jobs.photo_jobs import AnalyzedPhoto
from emosense.results import VERDICTS, Face, PhotoResult


@dataclass(frozen=True)
class BatchFace:
    """A face of a batch.

    Attributes:
        photo: the analysed photo that shows the face.
        number: number of the face in the photo, from 1.
        face: box, landmarks and probabilities.
        crop: the cropped face as JPEG.

    >>> from emosense.results import Box
    >>> face = Face(Box(0, 0, 9, 9), ((0, 0),) * 5, 0.9, (1.0,) + 6 * (0.0,))
    >>> BatchFace(AnalyzedPhoto(PhotoResult("a.jpg", 9, 9, (face,), "cnn8", "")), 1, face, b"").number
    1
    """

    photo: AnalyzedPhoto
    number: int
    face: Face
    crop: bytes


def faces_of(photos: Sequence[AnalyzedPhoto]) -> list[BatchFace]:
    """Return all faces of the photos, in order."""
    return [
        BatchFace(photo, number, face, crop)
        for photo in photos
        if isinstance(photo.result, PhotoResult)
        for number, (face, crop) in enumerate(
            zip(photo.result.faces, photo.crops, strict=True), start=1
        )
    ]


def filter_faces(faces: Sequence[BatchFace], number: int) -> list[BatchFace]:
    """Show filters by verdict, probability and file name; return the faces that pass.

    Args:
        faces: all faces of the job.
        number: number of the job on the page, for widget keys.
    """
    counts = {
        name: sum(item.face.verdict == name for item in faces)
        for name in VERDICTS
        if any(item.face.verdict == name for item in faces)
    }
    verdicts = st.pills(
        "Show",
        list(counts),
        selection_mode="multi",
        format_func=lambda verdict: f"{verdict} · {counts[verdict]}",
        key=f"batch_emotions_{number}",
        help="None chosen shows all.",
        width="stretch",
    )
    left, right = st.columns(2, gap="large", vertical_alignment="bottom")
    with left:
        min_percent = st.slider(
            "Probability from", 0, 100, 0, 5, format="%d %%", key=f"batch_least_{number}"
        )
    with right:
        name_part = st.text_input(
            "Photo's name contains", key=f"batch_name_{number}", icon=":material/search:"
        )
    return [
        item
        for item in faces
        if (not verdicts or item.face.verdict in verdicts)
        and 100 * item.face.probability >= min_percent
        and name_part.strip().lower() in item.photo.result.source.lower()
    ]
