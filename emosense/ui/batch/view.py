"""Results on the Batch page: progress, filters, charts, faces, table and downloads."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from functools import partial

import streamlit as st

from emosense.charts.batch import probability_histogram
from emosense.charts.photo import verdict_counts_chart
from emosense.emotions import EMOTIONS
from emosense.export import photo as photo_export
from emosense.export.memory import CSV_BYTES, JSON_BYTES, PARQUET_BYTES
from emosense.export.spreadsheet import csv_file
from emosense.formatting import pluralize, probability_percent
from emosense.jobs.photo_jobs import AnalyzedPhoto, PhotoJob
from emosense.results import VERDICTS, PhotoFailure, PhotoResult
from emosense.ui.batch.filter import BatchFace, faces_of, filter_faces
from emosense.ui.batch.labelling import show_labelling
from emosense.ui.batch.session import SessionBatches
from emosense.ui.components.frame import announce
from emosense.ui.components.job_list import show_job_list
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.model_picker import confidence_note
from emosense.ui.components.plots import show_plot
from emosense.ui.components.tables import show_dataframe
from emosense.ui.components.waiting import describe_wait
from emosense.ui.session.downloads import within_room

_FACES_PER_VERDICT = 12
_FACES_OF_SINGLE_VERDICT = 96
_MAX_ROWS_WITH_PICTURES = 1000


def show_empty() -> None:
    """Explain the page before anything was uploaded."""
    st.info(
        "**Drop a few hundred photos or a zip archive above.** You get every face in one table "
        "to filter, the faces of each emotion side by side, how the emotions are distributed, "
        "and everything as CSV, Parquet and JSON. The analysis goes on while you look at other "
        "pages. For thousands of files, or videos among them, there is `emosense batch` on the "
        "command line.",
        icon=":material/photo_library:",
    )


def show_jobs(batches: SessionBatches) -> None:
    """Show all jobs of the session, the newest first."""
    show_job_list(batches, "batch", progress=_progress, title=_title, results=_show_results)


def _progress(job: PhotoJob) -> tuple[float, str]:
    text = f"{len(job.done):,} of {pluralize(job.total, 'photo')}"
    if (wait := job.wait) is not None and not job.done:
        text = describe_wait(wait, "photo")
    elif job.seconds_left is not None:
        text += f", about {job.seconds_left:.0f} s left"
    return len(job.done) / job.total, text


def _title(job: PhotoJob) -> str:
    faces = pluralize(len(faces_of(job.done)), "face")
    return f"{escape_markdown(job.name)}: {faces} in {pluralize(_count_analyzed(job), 'photo')}"


def _count_analyzed(job: PhotoJob) -> int:
    return sum(isinstance(photo.result, PhotoResult) for photo in job.done)


def _show_results(job: PhotoJob, number: int) -> None:
    faces = faces_of(job.done)
    announce(f"{job.name} is analysed: {pluralize(len(faces), 'face')}.")
    if job.problem is not None:
        st.warning(
            f"Ended after {len(job.done)} of {pluralize(job.total, 'photo')}; what was done until "
            f"then is below. {escape_markdown(job.problem)}",
            icon=":material/warning:",
        )
    elif len(job.done) < job.total:
        st.warning(
            f"Cancelled after {len(job.done)} of {pluralize(job.total, 'photo')}; what was done "
            "until then is below.",
            icon=":material/warning:",
        )
    _show_failures_and_empty(job.done)
    visible = faces
    if faces:
        visible = filter_faces(faces, number)
        if visible:
            _show_charts(visible, number)
            _show_by_emotion(visible)
            _show_table(visible, number)
            show_labelling(job.name, faces, visible, number)
        else:
            st.info("No face passes these filters.", icon=":material/filter_alt:")
    if job.done:
        _downloads(job, faces, visible, number)
        speed = f", {len(job.done) / job.duration:.0f} photos/s" if job.duration else ""
        st.caption(
            f"{pluralize(_count_analyzed(job), 'photo')} in {job.duration:.1f} s{speed}. Classified by the "
            f"model {escape_markdown(job.model)}. {confidence_note(job.model)}"
        )


def _show_failures_and_empty(photos: Sequence[AnalyzedPhoto]) -> None:
    failures = [photo.result for photo in photos if isinstance(photo.result, PhotoFailure)]
    without_faces = [
        photo.result.source
        for photo in photos
        if isinstance(photo.result, PhotoResult) and not photo.result.faces
    ]
    if failures:
        with st.expander(
            f"{pluralize(len(failures), 'photo')} could not be analysed", icon=":material/error:"
        ):
            show_dataframe(
                [{"photo": failure.source, "why": failure.message} for failure in failures]
            )
    if without_faces:
        with st.expander(
            f"No face found in {pluralize(len(without_faces), 'photo')}",
            icon=":material/face_retouching_off:",
        ):
            show_dataframe({"photo": without_faces})


def _show_charts(visible: Sequence[BatchFace], number: int) -> None:
    verdicts = [item.face.verdict for item in visible]
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Faces per emotion**")
        show_plot(
            verdict_counts_chart(verdicts),
            key=f"batch_counts_{number}",
            alt=", ".join(
                f"{name} {verdicts.count(name)}" for name in VERDICTS if name in verdicts
            ),
        )
    with right:
        st.markdown("**Top probabilities**")
        show_plot(
            probability_histogram([item.face for item in visible]),
            key=f"batch_probabilities_{number}",
            alt="Histogram of the faces' top probabilities",
        )


def _show_by_emotion(visible: Sequence[BatchFace]) -> None:
    """Show the most probable faces of each verdict; more of them if there is only one verdict."""
    verdicts = [name for name in VERDICTS if any(item.face.verdict == name for item in visible)]
    limit = _FACES_OF_SINGLE_VERDICT if len(verdicts) == 1 else _FACES_PER_VERDICT
    for name in verdicts:
        faces = [item for item in visible if item.face.verdict == name]
        faces.sort(key=lambda item: -item.face.probability)
        note = f", the {limit} most probable" if len(faces) > limit else ""
        st.markdown(f"**{name}** &nbsp; {pluralize(len(faces), 'face')}{note}")
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            for item in faces[:limit]:
                st.image(
                    item.crop,
                    width=76,
                    caption=probability_percent(item.face.probability),
                    alt=f"{item.photo.result.source}, face {item.number}, {name}",
                )


def _show_table(visible: Sequence[BatchFace], number: int) -> None:
    # Streamlit stores a selected row by its index: other rows need a new key, without a selection.
    rows_hash = hash(tuple((id(item.photo), item.number) for item in visible))
    table_column, picture_column = st.columns([3, 2], gap="large")
    with table_column:
        event = show_dataframe(
            [_row(item, with_picture=len(visible) <= _MAX_ROWS_WITH_PICTURES) for item in visible],
            probabilities=("probability", *EMOTIONS),
            pictures=("picture",),
            row_height=48,
            key=f"batch_faces_{number}_{rows_hash}",
            on_select="rerun",
            selection_mode="single-row",
        )
    selected_rows = event["selection"]["rows"]
    with picture_column:
        if not selected_rows:
            st.caption("Choose a row to see its photo here.")
            return
        item = visible[selected_rows[0]]
        st.image(
            item.photo.preview,
            width="stretch",
            caption=f"{escape_markdown(item.photo.result.source)}, face {item.number}",
            alt=f"{item.photo.result.source} with boxes",
        )


def _row(item: BatchFace, *, with_picture: bool) -> dict[str, object]:
    face = item.face
    picture = (
        "data:image/jpeg;base64," + base64.b64encode(item.crop).decode() if with_picture else ""
    )
    return {
        "picture": picture,
        "photo": item.photo.result.source,
        "face": item.number,
        "label": face.verdict,
        "probability": face.probability,
        "note": "perhaps no face" if face.doubtful else "",
        **dict(zip(EMOTIONS, face.probabilities, strict=True)),
    }


def _downloads(
    job: PhotoJob, faces: Sequence[BatchFace], visible: Sequence[BatchFace], number: int
) -> None:
    """Show download buttons for all faces or, if filters hide some, for the visible ones."""
    results = [photo.result for photo in job.done]
    selection = None
    if len(visible) < len(faces):
        numbers: dict[int, set[int]] = {}
        for item in visible:
            numbers.setdefault(id(item.photo), set()).add(item.number)
        selection = [numbers.get(id(photo), set()) for photo in job.done]
    formats = (
        ("CSV", _csv, CSV_BYTES, "csv", "text/csv"),
        ("Parquet", _parquet, PARQUET_BYTES, "parquet", "application/vnd.apache.parquet"),
        ("JSON", _json, JSON_BYTES, "json", "application/json"),
    )
    count = len(faces) + len(results)
    subject = "All" if selection is None else f"The {pluralize(len(visible), 'face')} shown"
    for column, (label, export, size, extension, mime) in zip(st.columns(3), formats, strict=True):
        column.download_button(
            f"{subject} as {label}",
            within_room(job.account, size * count, partial(export, results, selection)),
            file_name=f"emosense-batch.{extension}",
            mime=mime,
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
            key=f"batch_{extension}_{number}",
            disabled=not visible and selection is not None,
        )


def _csv(results: photo_export.Results, selection: photo_export.FaceSelection | None) -> bytes:
    return csv_file(photo_export.to_csv(results, selection))


def _json(results: photo_export.Results, selection: photo_export.FaceSelection | None) -> bytes:
    return photo_export.to_json(results, selection).encode("utf-8")


def _parquet(results: photo_export.Results, selection: photo_export.FaceSelection | None) -> bytes:
    from emosense.export.parquet import photo_rows, to_parquet, to_table

    face_numbers: Sequence[Collection[int] | None] = selection or [None] * len(results)
    rows = [
        row
        for result, numbers in zip(results, face_numbers, strict=True)
        if numbers is None or numbers
        for row in photo_rows(result.source, result, numbers)
    ]
    return to_parquet(to_table(rows))
