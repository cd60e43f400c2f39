"""Shows the results of photos: picture, faces, charts, tables and downloads."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from emosense import export
from emosense.annotate import encode_png
from emosense.charts.photo import probability_chart, verdicts_chart
from emosense.emotions import EMOTIONS
from emosense.errors import EmoSenseError
from emosense.media.images import read_photo
from emosense.results import VERDICTS, Face, PhotoFailure, PhotoResult
from emosense.ui.models import sureness
from emosense.ui.photo_analysis import Analysis
from emosense.ui.photo_why import show_why
from emosense.ui.text import counted, plain
from emosense.worker.client import InferenceWorker

_CHART = {"displayModeBar": False}
_SHOWN_FACES = 12
_FACES_A_ROW = 3


def show_empty() -> None:
    """Explain the page before anything was uploaded."""
    st.info(
        "**Drop one or many photos above**, or try the sample. Every face is found, boxed and "
        "numbered; each gets the probabilities of seven emotions: "
        + ", ".join(EMOTIONS)
        + ". Photos are analysed on the machine that runs this app, are never written to its disk, "
        "and are forgotten when you close this page.",
        icon=":material/add_photo_alternate:",
    )


def show_results(worker: InferenceWorker, analyses: Sequence[Analysis]) -> None:
    """Show everything: a summary first when there are several photos."""
    if len(analyses) > 1:
        _show_summary(analyses)
    for index, analysis in enumerate(analyses):
        if isinstance(analysis.result, PhotoFailure):
            st.error(
                f"**{plain(analysis.photo.name)}**: {analysis.result.message}",
                icon=":material/error:",
            )
        elif len(analyses) == 1:
            _show_photo(worker, analysis, analysis.result, index)
        else:
            with st.expander(_headline(analysis.result), expanded=index < 3):
                _show_photo(worker, analysis, analysis.result, index)
    if any(isinstance(a.result, PhotoResult) for a in analyses):
        _downloads(analyses)


def _show_summary(analyses: Sequence[Analysis]) -> None:
    results = [a.result for a in analyses if isinstance(a.result, PhotoResult)]
    faces = [face for result in results for face in result.faces]
    st.subheader(f"{counted(len(faces), 'face')} in {counted(len(analyses), 'photo')}")
    table, chart = st.columns([3, 2], gap="large")
    with table:
        st.dataframe(
            pd.DataFrame([_summary_row(a) for a in analyses]),
            hide_index=True,
            width="stretch",
            key="photo_summary",
        )
    if faces:
        with chart:
            verdicts = [face.verdict for face in faces]
            st.plotly_chart(
                verdicts_chart(verdicts),
                width="stretch",
                config=_CHART,
                key="photo_counts",
                alt="What is said of the faces: "
                + ", ".join(f"{n} {verdicts.count(n)}" for n in VERDICTS if n in verdicts),
            )


def _summary_row(analysis: Analysis) -> dict[str, object]:
    result = analysis.result
    if isinstance(result, PhotoFailure):
        return {"photo": result.source, "faces": 0, "emotions": "not analysed"}
    names = [face.verdict for face in result.faces]
    told = [f"{names.count(name)} {name}" for name in VERDICTS if name in names]
    return {"photo": result.source, "faces": len(names), "emotions": ", ".join(told) or "none"}


def _show_photo(
    worker: InferenceWorker, analysis: Analysis, result: PhotoResult, index: int
) -> None:
    """One or two faces stand beside the photo, more of them in rows below it."""
    wide = len(result.faces) > 2
    if wide:
        picture, beside = st.columns([4, 1], gap="large")
    else:
        picture, beside = st.columns([3, 2], gap="large")
    with picture:
        st.image(analysis.preview, caption=plain(result.source), alt=_alt(result), width="stretch")
    with beside:
        if not result.faces:
            st.warning(
                "**No face found.** Try a photo where faces are larger or look towards the "
                "camera; in Options switch on *Look for turned faces too* or *Look for small faces "
                "too*, switch off *Strict*, or lower the smallest face.",
                icon=":material/face_retouching_off:",
            )
        if not wide:
            for number in range(1, len(result.faces) + 1):
                _show_face(worker, analysis, result, number, f"{index}-{number}")
        _annotated_download(worker, analysis, result, index)
        st.caption(
            f"Found by {result.engine}; classified by the model {result.model}. "
            + sureness(result.model)
        )
    if wide:
        _show_many_faces(worker, analysis, result, index)


def _show_many_faces(
    worker: InferenceWorker, analysis: Analysis, result: PhotoResult, index: int
) -> None:
    shown = range(1, min(len(result.faces), _SHOWN_FACES) + 1)
    for start in range(0, len(shown), _FACES_A_ROW):
        columns = st.columns(_FACES_A_ROW)
        row = shown[start : start + _FACES_A_ROW]
        for column, number in zip(columns, row, strict=False):
            with column:
                _show_face(worker, analysis, result, number, f"{index}-{number}")
    if len(result.faces) > _SHOWN_FACES:
        with st.expander(f"All {len(result.faces)} faces as a table"):
            st.dataframe(
                _face_table(result), hide_index=True, width="stretch", key=f"faces_{index}"
            )


def _show_face(
    worker: InferenceWorker, analysis: Analysis, result: PhotoResult, number: int, key: str
) -> None:
    face, crop = result.faces[number - 1], analysis.crops[number - 1]
    with st.container(border=True, key=f"face_{key}"):
        left, right = st.columns([1, 2], vertical_alignment="center")
        with left:
            st.image(crop, width=110, alt=f"Face {number}")
        with right:
            told = f"{face.emotion}** &nbsp; {face.probability:.0%}"
            if not face.sure:
                told = f"unsure**  \nperhaps {face.emotion}, {face.probability:.0%}"
            st.markdown(
                f"**{number}. {told}"
                f"  \n<small>face found with {face.detection_score:.0%} certainty</small>",
                unsafe_allow_html=True,
            )
        st.plotly_chart(
            probability_chart(face),
            width="stretch",
            config=_CHART,
            key=f"chart_{key}",
            alt=f"Face {number}: "
            + ", ".join(
                f"{name} {p:.0%}" for name, p in zip(EMOTIONS, face.probabilities, strict=True)
            ),
        )
        show_why(worker, analysis, face, result.model, key)


def _face_table(result: PhotoResult) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "face": number,
                "emotion": face.verdict,
                **{name: f"{p:.0%}" for name, p in zip(EMOTIONS, face.probabilities, strict=True)},
            }
            for number, face in enumerate(result.faces, start=1)
        ]
    )


def _annotated_download(
    worker: InferenceWorker, analysis: Analysis, result: PhotoResult, index: int
) -> None:
    def make() -> bytes:
        try:
            return bytes(worker.ask("annotated", data=analysis.photo.data, result=result))
        except EmoSenseError:
            return encode_png(read_photo(analysis.preview))  # smaller, but the same picture

    stem = result.source.rsplit(".", 1)[0]
    st.download_button(
        "Annotated photo (PNG)",
        make,
        file_name=f"{stem}-emosense.png",
        mime="image/png",
        icon=":material/download:",
        on_click="ignore",
        key=f"png_{index}",
    )


def _downloads(analyses: Sequence[Analysis]) -> None:
    results = [analysis.result for analysis in analyses]
    left, right, _ = st.columns([1, 1, 2])
    left.download_button(
        "All faces as CSV",
        # The mark lets spreadsheets read accents in file names.
        ("\ufeff" + export.to_csv(results)).encode("utf-8"),
        file_name="emosense.csv",
        mime="text/csv",
        icon=":material/table:",
        on_click="ignore",
        width="stretch",
        key="photo_csv",
    )
    right.download_button(
        "All faces as JSON",
        export.to_json(results),
        file_name="emosense.json",
        mime="application/json",
        icon=":material/data_object:",
        on_click="ignore",
        width="stretch",
        key="photo_json",
    )


def _headline(result: PhotoResult) -> str:
    return f"{plain(result.source)}: {counted(len(result.faces), 'face')}"


def _alt(result: PhotoResult) -> str:
    faces = [_told(f, n) for n, f in enumerate(result.faces, start=1)]
    told = ": " + ", ".join(faces[:_SHOWN_FACES]) if faces else ""
    return f"{result.source}, {counted(len(result.faces), 'face')}{told}"


def _told(face: Face, number: int) -> str:
    sure = "" if face.sure else "unsure, perhaps "
    return f"{number} {sure}{face.emotion} {face.probability:.0%}"
