"""The "Your photos" view: a labelled test set of the visitor, and what the networks make of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial
from typing import Any

import streamlit as st

from emosense.charts.evaluation import HEADLINES
from emosense.emotions import EMOTIONS
from emosense.errors import ModelError
from emosense.evaluation_set.result import EvaluationSet
from emosense.export.evaluation_set import to_csv
from emosense.export.memory import CSV_BYTES
from emosense.export.spreadsheet import csv_file
from emosense.formatting import percent, pluralize
from emosense.jobs.evaluation_jobs import DatasetEvaluationJob, EvaluationJob
from emosense.networks.registry import TrainedModel, list_models
from emosense.ui.components.frame import announce
from emosense.ui.components.job_list import show_job_list
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.tables import show_dataframe
from emosense.ui.components.waiting import describe_wait
from emosense.ui.models.own_set.input import upload_and_start
from emosense.ui.models.own_set.predictions import own_predictions
from emosense.ui.models.own_set.session import OWN, session_evaluations
from emosense.ui.session.downloads import within_room
from emosense.ui.session.query_params import set_parameters
from emosense.ui.session.user import session_account

_VIEWS = {
    "overview": ("Overview", ":material/leaderboard:"),
    "confusion": ("Confusion matrix", ":material/grid_on:"),
    "images": ("Images", ":material/image_search:"),
}
_FEW_OF_CLASS = 20
_MAX_LISTED = 500


def show() -> None:
    """Show the view."""
    evaluations = session_evaluations()
    has_upload = upload_and_start(evaluations)
    if not has_upload and not evaluations.jobs:
        st.info(
            "**Does it work on your photos?** Bring labelled ones: a zip archive or a folder with one "
            "folder per emotion, in any language and of any picture size, or photos with a CSV table of "
            "`file` and `label`. Faces are found and cropped as on the Photo page, all networks answer, "
            "and every view of this page shows your photos like FER2013's test images: metrics with "
            "intervals, confusion matrices, calibration, and the images behind each number. FER2013's "
            "own `fer2013.csv` shows the images behind the published metrics. Everything stays in this "
            "session and is removed soon after you leave.",
            icon=":material/photo_library:",
        )
    show_job_list(evaluations, "own_set", progress=_progress, title=_title, results=_show_results)


def _progress(job: EvaluationJob) -> tuple[float, str]:
    fraction = job.fraction or 0.0
    if (wait := job.wait) is not None and not job.done:
        return fraction, describe_wait(wait, "photo")
    text = job.step or "Waiting for the analysis to begin"
    if job.done and job.done < job.total:
        text += f": {job.done:,} of {job.total:,}"
    if job.seconds_left is not None:
        text += f", about {job.seconds_left:.0f} s left"
    return fraction, escape_markdown(text)


def _title(job: EvaluationJob) -> str:
    if isinstance(job, DatasetEvaluationJob):
        images = sum(len(split) for split in job.results.values())
        return f"{escape_markdown(job.name)}: {pluralize(images, 'image')}"
    faces = 0 if job.result is None else len(job.result)
    return f"{escape_markdown(job.name)}: {pluralize(faces, 'labelled face')}"


def _show_results(job: EvaluationJob, number: int) -> None:
    if job.error is not None:
        st.error(escape_markdown(job.error), icon=":material/error:")
        return
    announce(f"{job.name} is evaluated.")
    if job.problem is not None:
        st.warning(
            f"Ended early; what was done until then is below. {escape_markdown(job.problem)}",
            icon=":material/warning:",
        )
    elif job.cancelled.is_set():
        st.warning("Cancelled; what was done until then is below.", icon=":material/warning:")
    for key, title, evaluation_set in _sets(job, number):
        if title:
            st.subheader(title)
        _show_set(key, evaluation_set)


def _sets(job: EvaluationJob, number: int) -> Iterator[tuple[str, str, EvaluationSet]]:
    """Yield (key, heading, test set) of a job."""
    if isinstance(job, DatasetEvaluationJob):
        if job.tested_models:
            _show_tested(job)
        for split, evaluation_set in job.results.items():
            if evaluation_set.probabilities:
                yield f"{OWN}{number}-{split}", split, evaluation_set
    elif job.result is not None:
        yield f"{OWN}{number}", "", job.result


def _show_tested(job: DatasetEvaluationJob) -> None:
    """Show whose metrics the images are behind."""
    models = _readable(job.tested_models)
    _show_removed(job.tested_models, models)
    if not models:
        return
    titles = [model.card.title for model in models.values()]
    st.success(
        f"These are the very images that {escape_markdown(', '.join(titles))} "
        f"{'was' if len(titles) == 1 else 'were'} tested on: they are now behind the metrics of "
        f"{' and '.join(job.results)}.",
        icon=":material/verified:",
    )
    for split in job.results:
        _show_links(split, split)


def _readable(names: Collection[str]) -> dict[str, TrainedModel]:
    """Return those of the networks that are still on the server and can be read, by name."""
    readable = {}
    models = list_models()
    for name in names:
        if name in models:
            try:
                _ = models[name].calibration
            except ModelError:
                continue
            readable[name] = models[name]
    return readable


def _show_removed(names: Collection[str], readable: Collection[str]) -> None:
    """Say which networks were removed from the server since they were evaluated."""
    removed = [name for name in names if name not in readable]
    if removed:
        st.warning(
            f"No longer on this server, or not readable, and left out: "
            f"{escape_markdown(', '.join(removed))}.",
            icon=":material/link_off:",
        )


def _show_set(key: str, evaluation_set: EvaluationSet) -> None:
    _show_outcomes(key, evaluation_set)
    if not len(evaluation_set) or not evaluation_set.probabilities:
        st.info(
            "There is no face of the seven emotions to evaluate. Are the classes above right, and are "
            "the photos perhaps cropped faces already?",
            icon=":material/face_retouching_off:",
        )
        return
    models = _readable(evaluation_set.probabilities)
    _show_removed(evaluation_set.probabilities, models)
    if not models:
        return
    show_dataframe(list(_metric_rows(key, evaluation_set, models)), key=f"own_set_metrics_{key}")
    st.caption(how_little_it_tells(evaluation_set))
    _show_links(key, "")
    _show_download(key, evaluation_set)


def _show_outcomes(key: str, evaluation_set: EvaluationSet) -> None:
    st.caption(
        " · ".join(f"{outcome}: {count:,}" for outcome, count in evaluation_set.counts.items())
    )
    for note in evaluation_set.notes:
        st.caption(escape_markdown(note))
    listed = [row for row in evaluation_set.rows if row.outcome not in ("one face", "cropped face")]
    if listed:
        with st.expander(
            f"{pluralize(len(listed), 'photo')} without a face, with several, left out or not readable",
            icon=":material/rule:",
        ):
            show_dataframe(
                [
                    {
                        "photo": row.name,
                        "class": row.class_name,
                        "outcome": row.outcome,
                        "faces": row.faces,
                        "why": row.message,
                    }
                    for row in listed[:_MAX_LISTED]
                ],
                key=f"own_set_rows_{key}",
            )
            if len(listed) > _MAX_LISTED:
                st.caption(f"The first {_MAX_LISTED}; the CSV file has all.")


def _metric_rows(
    key: str, evaluation_set: EvaluationSet, models: dict[str, TrainedModel]
) -> Iterator[dict[str, Any]]:
    faceless = evaluation_set.faceless
    for model in models.values():
        _, intervals, *_ = own_predictions(model, key, evaluation_set)
        row: dict[str, Any] = {"network": model.card.title}
        for metric, title in HEADLINES.items():
            interval = intervals[metric]
            row[title] = (
                f"{percent(interval.value, 1)} "
                f"({100 * interval.low:.0f} to {100 * interval.high:.0f})"
            )
        row["ECE"] = f"{intervals['ece'].value:.3f}"
        if faceless:
            correct = intervals["accuracy"].value * len(evaluation_set)
            share = correct / (len(evaluation_set) + faceless)
            row["accuracy, no face as wrong"] = percent(share, 1)
        yield row


def how_little_it_tells(evaluation_set: EvaluationSet) -> str:
    """Say how much chance there is in the metrics of a test set, as Markdown."""
    counts = {
        emotion: int((evaluation_set.labels == index).sum())
        for index, emotion in enumerate(EMOTIONS)
    }
    faces = len(evaluation_set)
    # Half of the widest interval of a proportion.
    points = 100 * 0.98 / faces**0.5
    text = (
        f"In brackets 95 % bootstrap intervals. With {pluralize(faces, 'face')} an accuracy is known to "
        f"about ± {points:.0f} points."
    )
    missing = [emotion for emotion, count in counts.items() if not count]
    few = [f"{emotion} ({count})" for emotion, count in counts.items() if 0 < count < _FEW_OF_CLASS]
    if missing:
        text += (
            f" No face is {', '.join(missing)}: means over the seven classes count "
            f"{'it' if len(missing) == 1 else 'them'} as 0."
        )
    if few:
        text += f" Too few to say much: {', '.join(few)}."
    return text


def _show_links(key: str, title: str) -> None:
    with st.container(horizontal=True):
        for view, (label, icon) in _VIEWS.items():
            st.button(
                f"{title}: {label}" if title else label,
                icon=icon,
                key=f"own_set_{view}_{key}",
                on_click=_go_to,
                args=[view, key],
            )


def _go_to(view: str, key: str) -> None:
    set_parameters(view=view, part=None if key == "PrivateTest" else key)


def _show_download(key: str, evaluation_set: EvaluationSet) -> None:
    size = CSV_BYTES * len(evaluation_set.rows) * (1 + len(evaluation_set.probabilities))
    st.download_button(
        "All photos and answers as CSV",
        within_room(session_account(), size, partial(evaluation_set_csv, evaluation_set)),
        file_name="emosense-test-set.csv",
        mime="text/csv",
        icon=":material/download:",
        on_click="ignore",
        key=f"own_set_csv_{key}",
    )


def evaluation_set_csv(evaluation_set: EvaluationSet) -> bytes:
    """Return a test set as a CSV file, with the answers of the networks that can still be read."""
    models = _readable(evaluation_set.probabilities)
    calibrations = {name: model.calibration for name, model in models.items()}
    return csv_file(to_csv(evaluation_set, calibrations))
