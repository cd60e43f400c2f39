"""Results on the Photo page: annotated photos, faces, charts, tables and downloads."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePath
from typing import Final, Literal

import streamlit as st

from emosense.charts.photo import probability_chart, verdict_counts_chart
from emosense.emotions import EMOTIONS
from emosense.errors import WorkerDied
from emosense.export import photo as photo_export
from emosense.export.memory import CSV_BYTES, JSON_BYTES
from emosense.export.spreadsheet import csv_file
from emosense.formatting import percent, pluralize, probability_percent
from emosense.results import VERDICTS, Face, PhotoFailure, PhotoResult
from emosense.ui.components.frame import announce
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.model_picker import confidence_note
from emosense.ui.components.pictures import show_picture
from emosense.ui.components.plots import show_plot
from emosense.ui.components.tables import show_dataframe
from emosense.ui.photo.analysis import UploadAnalysis
from emosense.ui.photo.explanation_view import show_explanation
from emosense.ui.session.downloads import room, within_room
from emosense.worker.lanes import PoolClient
from emosense.worker.messages import AnnotatePhoto

_FACES_PER_PAGE: Final = 12
_FACES_PER_ROW: Final = 3
_EXPANDED_PHOTOS: Final = 3


def show_empty() -> None:
    """Explain the page before anything was uploaded."""
    st.info(
        "**Drop one or many photos above**, or try the sample. Every face is found, boxed and "
        "numbered; each gets the probabilities of seven emotions: "
        + ", ".join(EMOTIONS)
        + ". Photos are analysed on the machine that runs this app, are never written to its disk, "
        "and are forgotten two minutes after you close this page.",
        icon=":material/add_photo_alternate:",
    )


def show_results(client: PoolClient, analyses: Sequence[UploadAnalysis]) -> None:
    """Show all photos with their faces, and downloads; several photos get a summary first."""
    results = [a.result for a in analyses if isinstance(a.result, PhotoResult)]
    announce(_screen_reader_text(analyses))
    expand_all = False
    if len(analyses) > 1:
        _show_summary(analyses)
        if len(results) > _EXPANDED_PHOTOS:
            expand_all = st.toggle("Expand all photos", key="photo_expand")
    for index, analysis in enumerate(analyses):
        if isinstance(analysis.result, PhotoFailure):
            st.error(
                f"**{escape_markdown(analysis.photo.name)}**: {escape_markdown(analysis.result.message)}",
                icon=":material/error:",
            )
        elif len(analyses) == 1:
            _show_photo(client, analysis, analysis.result, index, single=True)
        else:
            with st.expander(
                f"{escape_markdown(analysis.result.source)}: {headline(analysis.result)}",
                expanded=expand_all or index < _EXPANDED_PHOTOS,
                key=f"photo_{index}_{expand_all}",
                on_change="rerun",  # the content of collapsed photos is not built
            ) as expander:
                if expander.open:
                    _show_photo(client, analysis, analysis.result, index)
    if results:
        _downloads(client, analyses)


def _summary_title(analyses: Sequence[UploadAnalysis]) -> str:
    results = [a.result for a in analyses if isinstance(a.result, PhotoResult)]
    faces = sum(len(result.faces) for result in results)
    text = f"{pluralize(faces, 'face')} in {pluralize(len(results), 'photo')}"
    if failed := len(analyses) - len(results):
        text += f", {pluralize(failed, 'file')} could not be read"
    return text


def _screen_reader_text(analyses: Sequence[UploadAnalysis]) -> str:
    """Return the announcement of the results for screen readers."""
    results = [a.result for a in analyses if isinstance(a.result, PhotoResult)]
    text = f"Analysed {pluralize(len(results), 'photo')}."
    if failed := len(analyses) - len(results):
        text += f" Not readable: {pluralize(failed, 'file')}."
    return text + "".join(f" {r.source}: {headline(r)}." for r in results[:_FACES_PER_PAGE])


def _show_summary(analyses: Sequence[UploadAnalysis]) -> None:
    results = [a.result for a in analyses if isinstance(a.result, PhotoResult)]
    faces = [face for result in results for face in result.faces]
    st.header(_summary_title(analyses))
    table, chart = st.columns([3, 2], gap="large")
    with table:
        show_dataframe(
            [_summary_row(a) for a in analyses],
            pictures=("picture",),
            row_height=48,
            key="photo_summary",
        )
    if faces:
        with chart:
            verdicts = [face.verdict for face in faces]
            show_plot(
                verdict_counts_chart(verdicts),
                key="photo_counts",
                alt="Faces per verdict: "
                + ", ".join(f"{n} {verdicts.count(n)}" for n in VERDICTS if n in verdicts),
            )


def _summary_row(analysis: UploadAnalysis) -> dict[str, object]:
    result = analysis.result
    if isinstance(result, PhotoFailure):
        return {"picture": "", "photo": result.source, "faces": 0, "emotions": "not analysed"}
    names = [face.verdict for face in result.faces]
    return {
        "picture": analysis.thumbnail,
        "photo": result.source,
        "faces": len(names),
        "emotions": verdict_counts(names) or "none",
    }


def _show_photo(
    client: PoolClient,
    analysis: UploadAnalysis,
    result: PhotoResult,
    index: int,
    *,
    single: bool = False,
) -> None:
    """Show a photo with its faces: up to two beside it, more in rows below it."""
    many = len(result.faces) > 2
    if many:
        picture, side_column = st.columns([4, 1], gap="large")
    else:
        picture, side_column = st.columns([3, 2], gap="large")
    with picture:
        show_picture(analysis.preview, f"picture_{index}", _alt_text(result))
        if single:
            st.caption(escape_markdown(result.source))
    with side_column:
        if not result.faces:
            st.warning(
                "**No face found.** Try a photo where faces are larger or smaller in the picture, "
                "or look towards the camera; in Options switch on *Look for turned faces too* or "
                "*Look for small faces too*, switch off *Strict*, or lower the smallest face.",
                icon=":material/face_retouching_off:",
            )
        if not many:
            for number in range(1, len(result.faces) + 1):
                _show_face(client, analysis, result, number, f"{index}-{number}")
        _annotated_download(client, analysis, result, index)
        st.caption(
            f"Detected by {escape_markdown(result.detector)}; classified by the model "
            f"{escape_markdown(result.model)}. " + confidence_note(result.model)
        )
    if many:
        _show_many_faces(client, analysis, result, index)


def _show_many_faces(
    client: PoolClient, analysis: UploadAnalysis, result: PhotoResult, index: int
) -> None:
    key = f"photo_cards_{analysis.photo.digest}"
    limit = max(_FACES_PER_PAGE, st.session_state.get(key, 0))
    visible = range(1, min(len(result.faces), limit) + 1)
    for start in range(0, len(visible), _FACES_PER_ROW):
        columns = st.columns(_FACES_PER_ROW)
        row = visible[start : start + _FACES_PER_ROW]
        for column, number in zip(columns, row, strict=False):
            with column:
                _show_face(client, analysis, result, number, f"{index}-{number}")
    hidden = len(result.faces) - len(visible)
    if hidden and st.button(
        f"Show {min(hidden, _FACES_PER_PAGE)} more of {pluralize(len(result.faces), 'face')}",
        icon=":material/expand_more:",
        key=f"photo_more_{index}",
    ):
        st.session_state[key] = limit + _FACES_PER_PAGE
        st.rerun()
    if len(result.faces) > _FACES_PER_PAGE:
        with st.expander(f"All {len(result.faces)} faces as a table"):
            show_dataframe(
                _face_rows(result),
                probabilities=(*EMOTIONS, "detection", "quality"),
                key=f"faces_{index}",
            )


def _show_face(
    client: PoolClient, analysis: UploadAnalysis, result: PhotoResult, number: int, key: str
) -> None:
    face, crop = result.faces[number - 1], analysis.crops[number - 1]
    probability = probability_percent(face.probability)
    with st.container(border=True, key=f"face_{key}"):
        left, right = st.columns([1, 2], vertical_alignment="center")
        with left:
            show_picture(crop, f"crop_{key}", f"Face {number}", width=110)
        with right:
            prediction = f"{face.emotion}** &nbsp; {probability}"
            if not face.sure:
                prediction = f"unsure**  \nperhaps {face.emotion}, {probability}"
            detection_note = f"face detection score {probability_percent(face.detection_score)}"
            if face.doubtful:
                detection_note += ": **perhaps no face**"
            st.markdown(f"**{number}. {prediction}")
            st.caption("  \n".join([detection_note, *quality_notes(face)]))
        show_plot(
            probability_chart(face),
            key=f"chart_{key}",
            alt=f"Face {number}: "
            + ", ".join(
                f"{name} {probability_percent(p)}"
                for name, p in zip(EMOTIONS, face.probabilities, strict=True)
            ),
        )
        show_explanation(client, analysis, face, result.model, key)


def quality_notes(face: Face) -> list[str]:
    """Return, in words, how good a face's picture is, and how often such answers were correct."""
    notes = []
    if face.quality is not None:
        flags = "".join(f", **{flag}**" for flag in face.flags)
        notes.append(f"quality {probability_percent(face.quality.score)}{flags}")
    if face.expected_accuracy is not None:
        notes.append(
            "of test faces answered like this, in this quality, "
            f"{percent(face.expected_accuracy)} were right"
        )
    return notes


def _face_rows(result: PhotoResult) -> list[dict[str, object]]:
    return [
        {
            "face": number,
            "emotion": face.verdict,
            **dict(zip(EMOTIONS, face.probabilities, strict=True)),
            "detection": face.detection_score,
            "quality": None if face.quality is None else face.quality.score,
            "note": ", ".join(_notes(face)),
        }
        for number, face in enumerate(result.faces, start=1)
    ]


def _notes(face: Face) -> list[str]:
    return [*(["perhaps no face"] if face.doubtful else []), *face.flags]


def _annotated_download(
    client: PoolClient, analysis: UploadAnalysis, result: PhotoResult, index: int
) -> None:
    st.download_button(
        "Annotated photo (PNG)",
        within_room(client.account, 0, lambda: _annotated(client, analysis, "PNG")),
        file_name=f"{PurePath(result.source).stem}-emosense.png",
        mime="image/png",
        icon=":material/download:",
        on_click="ignore",
        key=f"png_{index}",
    )


def _annotated(
    client: PoolClient, analysis: UploadAnalysis, image_format: Literal["PNG", "JPEG"]
) -> bytes:
    assert isinstance(analysis.result, PhotoResult)
    request = AnnotatePhoto(
        data=analysis.photo.data, result=analysis.result, image_format=image_format
    )
    try:
        file = client.request(request)
    except WorkerDied:  # another session's file may have caused it: retry once
        file = client.request(request)
    return file


def _downloads(client: PoolClient, analyses: Sequence[UploadAnalysis]) -> None:
    results = [analysis.result for analysis in analyses]
    analyzed = [a for a in analyses if isinstance(a.result, PhotoResult)]
    count = len(results) + sum(len(r.faces) for r in results if isinstance(r, PhotoResult))
    columns = st.columns(3 if len(analyzed) > 1 else 2)
    columns[0].download_button(
        "All faces as CSV",
        within_room(
            client.account, CSV_BYTES * count, lambda: csv_file(photo_export.to_csv(results))
        ),
        file_name="emosense.csv",
        mime="text/csv",
        icon=":material/table:",
        on_click="ignore",
        width="stretch",
        key="photo_csv",
    )
    columns[1].download_button(
        "All faces as JSON",
        within_room(
            client.account,
            JSON_BYTES * count,
            lambda: photo_export.to_json(results).encode("utf-8"),
        ),
        file_name="emosense.json",
        mime="application/json",
        icon=":material/data_object:",
        on_click="ignore",
        width="stretch",
        key="photo_json",
    )
    if len(analyzed) > 1:
        columns[2].download_button(
            "All photos with boxes (zip)",
            lambda: _archive(client, analyzed, results),
            file_name="emosense.zip",
            mime="application/zip",
            icon=":material/folder_zip:",
            on_click="ignore",
            width="stretch",
            key="photo_zip",
        )


def _archive(
    client: PoolClient,
    analyzed: Sequence[UploadAnalysis],
    results: Sequence[PhotoResult | PhotoFailure],
) -> bytes:
    """Return a zip archive of the annotated photos (JPEG) and a CSV table of all faces."""
    buffer = io.BytesIO()
    stems: Counter[str] = Counter()
    with room(client.account) as holding, zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("emosense.csv", csv_file(photo_export.to_csv(results)))
        for analysis in analyzed:
            # Some programs take a backslash in an archive for a folder.
            stem = PurePath(analysis.photo.name.replace("\\", "/")).stem
            stems[stem] += 1
            suffix = f"-{stems[stem]}" if stems[stem] > 1 else ""
            picture = _annotated(client, analysis, "JPEG")
            # Before it grows; an eighth more, since a growing BytesIO takes that on stock.
            holding.resize((buffer.tell() + len(picture)) * 9 // 8)
            archive.writestr(f"{stem}{suffix}-emosense.jpg", picture)
    return buffer.getvalue()  # no copy: CPython hands the buffer itself out


def headline(result: PhotoResult) -> str:
    """Return a short description of a photo's faces, e.g. ``happy 98 %``."""
    if not result.faces:
        return "no face found"
    if len(result.faces) == 1:
        return _face_text(result.faces[0])
    counts = verdict_counts([face.verdict for face in result.faces])
    return f"{pluralize(len(result.faces), 'face')}: {counts}"


def verdict_counts(verdicts: Sequence[str]) -> str:
    """Return the number of each verdict as text, e.g. ``2 happy, 1 sad``."""
    return ", ".join(f"{verdicts.count(name)} {name}" for name in VERDICTS if name in verdicts)


def _alt_text(result: PhotoResult) -> str:
    faces = [f"{n} {_face_text(face)}" for n, face in enumerate(result.faces, start=1)]
    text = ": " + ", ".join(faces[:_FACES_PER_PAGE]) if faces else ""
    return f"{result.source}, {pluralize(len(result.faces), 'face')}{text}"


def _face_text(face: Face) -> str:
    prefix = "" if face.sure else "unsure, perhaps "
    note = " (perhaps no face)" if face.doubtful else ""
    return f"{prefix}{face.emotion} {probability_percent(face.probability)}{note}"
