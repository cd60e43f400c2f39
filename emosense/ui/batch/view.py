"""Results of the Batch page: progress, filters, charts, faces, table and downloads."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from functools import partial

import streamlit as st

from emosense.charts.batch import probability_histogram
from emosense.charts.photo import verdict_counts_chart
from emosense.emotions import EMOTIONS
from emosense.export import photo as photo_export
from emosense.export.spreadsheet import csv_file
from emosense.formatting import pluralize, probability_percent
from emosense.jobs.photo_jobs import AnalyzedPhoto, PhotoJob
from emosense.results import VERDICTS, PhotoFailure, PhotoResult
from emosense.ui.batch.filter import BatchFace, faces_of, filter_faces
from emosense.ui.batch.session import SessionBatches
from emosense.ui.components.frame import announce
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.model_picker import confidence_note
from emosense.ui.components.plots import show_plot
from emosense.ui.components.tables import percent_table

_SHOWN = 12
_SHOWN_ALONE = 96
_PICTURED = 1000


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
    for number, job in reversed(list(batches.jobs.items())):
        with st.container(border=True, key=f"batch_{number}"):
            if job.is_finished:
                _show_ended(batches, job, number)
            else:
                _show_progress(batches, job, number)


@st.fragment(run_every=0.7)
def _show_progress(batches: SessionBatches, job: PhotoJob, number: int) -> None:
    if job.is_finished:
        st.rerun()
    st.markdown(f"**{escape_markdown(job.name)}**")
    done, left = len(job.done), job.seconds_left
    text = f"{done:,} of {pluralize(job.total, 'photo')}"
    if left is not None:
        text += f", about {left:.0f} s left"
    st.progress(done / job.total, text)
    if st.button(
        "Cancel and keep what is done", icon=":material/stop_circle:", key=f"batch_cancel_{number}"
    ):
        batches.cancel(job)


def _show_ended(batches: SessionBatches, job: PhotoJob, number: int) -> None:
    faces = faces_of(job.done)
    title, remove = st.columns([5, 1], vertical_alignment="center")
    read = sum(isinstance(photo.result, PhotoResult) for photo in job.done)
    text = f"{pluralize(len(faces), 'face')} in {pluralize(read, 'photo')}"
    title.header(f"{escape_markdown(job.name)}: {text}")
    announce(f"{job.name} is analysed: {pluralize(len(faces), 'face')}.")
    if remove.button(
        "Remove", icon=":material/delete:", key=f"batch_remove_{number}", width="stretch"
    ):
        batches.remove(number)
        st.rerun()
    if len(job.done) < job.total:
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
        else:
            st.info("No face passes these filters.", icon=":material/filter_alt:")
    if job.done:
        _downloads(job, faces, visible, number)
        speed = f", {len(job.done) / job.duration:.0f} photos/s" if job.duration else ""
        st.caption(
            f"{pluralize(read, 'photo')} in {job.duration:.1f} s{speed}. Classified by the "
            f"model {job.model}. {confidence_note(job.model)}"
        )


def _show_failures_and_empty(photos: Sequence[AnalyzedPhoto]) -> None:
    failures = [p.result for p in photos if isinstance(p.result, PhotoFailure)]
    without = [
        p.result.source for p in photos if isinstance(p.result, PhotoResult) and not p.result.faces
    ]
    if failures:
        with st.expander(
            f"{pluralize(len(failures), 'photo')} could not be analysed", icon=":material/error:"
        ):
            st.dataframe(
                [{"photo": failure.source, "why": failure.message} for failure in failures],
                hide_index=True,
                width="stretch",
            )
    if without:
        with st.expander(
            f"No face found in {pluralize(len(without), 'photo')}",
            icon=":material/face_retouching_off:",
        ):
            st.dataframe({"photo": without}, hide_index=True, width="stretch")


def _show_charts(visible: Sequence[BatchFace], number: int) -> None:
    verdicts = [item.face.verdict for item in visible]
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**What the faces express**")
        show_plot(
            verdict_counts_chart(verdicts),
            key=f"batch_counts_{number}",
            alt=", ".join(f"{n} {verdicts.count(n)}" for n in VERDICTS if n in verdicts),
        )
    with right:
        st.markdown("**How probable that is**")
        show_plot(
            probability_histogram([item.face for item in visible]),
            key=f"batch_probabilities_{number}",
            alt="Histogram of the faces' top probabilities",
        )


def _show_by_emotion(visible: Sequence[BatchFace]) -> None:
    """Show the most probable faces of each verdict; many more when there is only one."""
    verdicts = [name for name in VERDICTS if any(f.face.verdict == name for f in visible)]
    limit = _SHOWN_ALONE if len(verdicts) == 1 else _SHOWN
    for name in verdicts:
        faces = [item for item in visible if item.face.verdict == name]
        faces.sort(key=lambda item: -item.face.probability)
        more = f", the {limit} most probable" if len(faces) > limit else ""
        st.markdown(f"**{name}** &nbsp; {pluralize(len(faces), 'face')}{more}")
        with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
            for item in faces[:limit]:
                st.image(
                    item.crop,
                    width=76,
                    caption=probability_percent(item.face.probability),
                    alt=f"{item.photo.result.source}, face {item.number}, {name}",
                )


def _show_table(visible: Sequence[BatchFace], number: int) -> None:
    # A chosen row is kept by its position: other rows are another table, without a choice.
    rows = hash(tuple((id(item.photo), item.number) for item in visible))
    table, picture = st.columns([3, 2], gap="large")
    with table:
        event = st.dataframe(
            percent_table(
                [_row(item, pictured=len(visible) <= _PICTURED) for item in visible],
                ("probability", *EMOTIONS),
            ),
            hide_index=True,
            width="stretch",
            row_height=48,
            key=f"batch_faces_{number}_{rows}",
            on_select="rerun",
            selection_mode="single-row",
            column_config={"picture": st.column_config.ImageColumn("", width=56)},
        )
    selected = event["selection"]["rows"]
    with picture:
        if not selected:
            st.caption("Choose a row to see its photo here.")
            return
        item = visible[selected[0]]
        st.image(
            item.photo.preview,
            width="stretch",
            caption=f"{escape_markdown(item.photo.result.source)}, face {item.number}",
            alt=f"{item.photo.result.source} with boxes",
        )


def _row(item: BatchFace, *, pictured: bool) -> dict[str, object]:
    face = item.face
    picture = "data:image/jpeg;base64," + base64.b64encode(item.crop).decode() if pictured else ""
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
    """Offer all rows; or, while a filter holds some back, those of the faces that are shown."""
    results = [photo.result for photo in job.done]
    only = None
    if len(visible) < len(faces):
        passed: dict[int, set[int]] = {}
        for item in visible:
            passed.setdefault(id(item.photo), set()).add(item.number)
        only = [passed.get(id(photo), set()) for photo in job.done]
    kinds = (
        ("CSV", partial(_csv, results, only), "csv", "text/csv"),
        ("Parquet", partial(_parquet, results, only), "parquet", "application/vnd.apache.parquet"),
        ("JSON", partial(_json, results, only), "json", "application/json"),
    )
    subject = "All" if only is None else f"The {pluralize(len(visible), 'face')} shown"
    for column, (label, make, ending, mime) in zip(st.columns(3), kinds, strict=True):
        column.download_button(
            f"{subject} as {label}",
            make,
            file_name=f"emosense-batch.{ending}",
            mime=mime,
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
            key=f"batch_{ending}_{number}",
            disabled=not visible and only is not None,
        )


def _csv(results: photo_export.Results, only: photo_export.FaceSelection | None) -> bytes:
    return csv_file(photo_export.to_csv(results, only))


def _json(results: photo_export.Results, only: photo_export.FaceSelection | None) -> bytes:
    return photo_export.to_json(results, only).encode("utf-8")


def _parquet(results: photo_export.Results, only: photo_export.FaceSelection | None) -> bytes:
    from emosense.export.parquet import photo_rows, to_parquet, to_table

    every: Sequence[Collection[int] | None] = only or [None] * len(results)
    rows = [
        row
        for result, numbers in zip(results, every, strict=True)
        if numbers is None or numbers
        for row in photo_rows(result.source, result, numbers)
    ]
    return to_parquet(to_table(rows))
