"""Results of the Video page: progress of jobs, timelines, key moments, downloads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import streamlit as st

from emosense.charts.video import time_share_chart, timeline_chart
from emosense.export import video as video_export
from emosense.export.spreadsheet import csv_file
from emosense.export.webvtt import to_webvtt
from emosense.formatting import percent, pluralize, probability_percent
from emosense.jobs.job import JobState
from emosense.jobs.video_jobs import VideoJob
from emosense.results import VideoResult
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.model_picker import confidence_note
from emosense.ui.components.plots import show_plot
from emosense.ui.video.session import SessionVideos
from emosense.video.timeline import Timeline, timelines

_BARS = 12


def _encoded(make: Callable[[VideoResult], str], result: VideoResult) -> bytes:
    text = make(result)
    return csv_file(text) if make is video_export.to_csv else text.encode("utf-8")


def show_empty() -> None:
    """Explain the page before anything was uploaded."""
    st.info(
        "**Drop a video above.** Faces are found and followed: each person keeps a number, and "
        "gets a timeline of seven emotions. You get the video with boxes and its own sound, "
        "key moments, and everything as CSV, JSON and captions. Videos are analysed on the "
        "machine that runs this app and are deleted when you close the page.",
        icon=":material/video_file:",
    )


def show_jobs(videos: SessionVideos) -> None:
    """Show all jobs of the session, the newest first."""
    for number, job in reversed(list(videos.jobs.items())):
        with st.container(border=True, key=f"job_{number}"):
            if job.is_finished:
                _show_ended(videos, job, number)
            else:
                _show_progress(videos, job, number)


@st.fragment(run_every=0.7)
def _show_progress(videos: SessionVideos, job: VideoJob, number: int) -> None:
    if job.is_finished:
        st.rerun()
    st.markdown(f"**{escape_markdown(job.name)}**")
    if job.state is JobState.WAITING:
        queue_position = videos.position(job)
        text = (
            "after one other video"
            if queue_position <= 1
            else f"after {queue_position} other videos"
        )
        st.progress(0.0, f"Waiting for its turn, {text}")
    else:
        text = f"{pluralize(job.frames_read, 'frame')}"
        if job.frames_read:
            text += f", {job.frames_per_second:.0f} frames/s"
            if job.seconds_left is not None:
                text += f", about {job.seconds_left:.0f} s left"
        else:
            text = "Starting ..."
        st.progress(job.fraction or 0.0, text)
    if st.button(
        "Cancel and keep what is done", icon=":material/stop_circle:", key=f"cancel_{number}"
    ):
        videos.cancel(job)


def _show_ended(videos: SessionVideos, job: VideoJob, number: int) -> None:
    result = job.result
    left, right = st.columns([5, 1], vertical_alignment="center")
    left.header(escape_markdown(job.name))
    if right.button("Remove", icon=":material/delete:", key=f"remove_{number}", width="stretch"):
        videos.remove(number)
        st.rerun()
    if job.error is not None:
        st.error(job.error, icon=":material/error:")
    if result is None:
        return
    if result.problem and job.error is None:
        st.warning(
            f"The analysis is partial: {result.problem}. What was done until then is below.",
            icon=":material/warning:",
        )
    for note in job.notes:
        st.warning(note, icon=":material/warning:")
    lines = timelines(result)
    if lines:
        _show_people(job, result, lines, number)
    else:
        _show_video(job, result, 0.0)
        st.warning(
            f"**No face found** in {pluralize(len(result.frames), 'analysed frame')}. Small faces "
            "are found better with fewer frames a second.",
            icon=":material/face_retouching_off:",
        )
    _downloads(job, result, number)
    duration = (
        f" in {job.duration:.1f} s, {result.frames_read / job.duration:.0f} frames/s"
        if job.duration
        else ""
    )
    st.caption(
        f"{pluralize(len(result.frames), 'frame')} analysed of {result.frames_read:,}{duration}. "
        f"Found by {result.detector or 'YuNet'}; classified by the model {result.model}. "
        + confidence_note(result.model)
    )


def _show_people(
    job: VideoJob, result: VideoResult, lines: tuple[Timeline, ...], number: int
) -> None:
    selected = lines[0]
    if len(lines) > 1:
        people = {
            line.person: line for line in sorted(lines, key=lambda line: -line.visible_seconds)
        }
        person = st.pills(
            "Person",
            list(people),
            format_func=lambda p: f"{p} · {people[p].visible_seconds:.1f} s",
            default=next(iter(people)),
            required=True,
            key=f"person_{number}",
        )
        selected = people[person]
    if _annotated_path(job) is None:
        _show_curves(selected, None, number)
    else:
        end = result.frames[-1].time
        moment = 0.0
        if end > 0:
            _follow_click(number, end)
            moment = st.slider("Moment, in seconds", 0.0, float(end), step=0.1, key=f"at_{number}")
        left, right = st.columns([1, 1], gap="large")
        with left:
            _show_video(job, result, moment)
        with right:
            _show_curves(selected, moment or None, number)
            st.caption("Click a point of a curve to go to that moment of the video.")
    _show_moments(job, selected, number)
    longest = sorted(lines, key=lambda line: -line.visible_seconds)[:_BARS]
    first = "" if len(lines) <= _BARS else f", the {_BARS} people who are seen longest"
    st.markdown(f"**Share of time**{first}")
    show_plot(
        time_share_chart(longest),
        key=f"shares_{number}",
        alt="; ".join(f"person {line.person} mostly {line.dominant}" for line in longest),
    )
    st.dataframe(
        [_row(line) for line in lines],
        hide_index=True,
        width="stretch",
        key=f"people_{number}",
    )


def _show_curves(line: Timeline, moment: float | None, number: int) -> None:
    window = st.segmented_control(
        "Curves",
        [0.0, 0.5, 1.0],
        format_func={0.0: "raw", 0.5: "mean of 0.5 s", 1.0: "mean of 1 s"}.__getitem__,
        default=0.0,
        required=True,
        key=f"window_{number}",
        help="Only the curves change; downloads hold the raw values.",
    )
    show_plot(
        timeline_chart(line, float(window or 0.0), moment),
        key=f"timeline_{number}",
        on_select="rerun",
        selection_mode="points",
        alt=f"Emotions of person {line.person} over time; mostly {line.dominant}",
    )


def _follow_click(number: int, end: float) -> None:
    """Move the slider to the moment that was clicked in the timeline, once per click."""
    event = st.session_state.get(f"timeline_{number}")
    points = event["selection"]["points"] if event else []
    at = min(float(points[0]["x"]), end) if points else None
    if at is not None and at != st.session_state.get(f"clicked_{number}"):
        st.session_state[f"at_{number}"] = at
    st.session_state[f"clicked_{number}"] = at


def _annotated_path(job: VideoJob) -> Path | None:
    """Return the path of the annotated video, if there is one."""
    return job.annotated if job.annotated is not None and job.annotated.is_file() else None


def _show_video(job: VideoJob, result: VideoResult, moment: float) -> None:
    drawn = _annotated_path(job)
    if drawn is None:
        return
    st.video(
        drawn.read_bytes(),
        format="video/mp4",
        start_time=moment,
        subtitles={"emotions": to_webvtt(result)} if result.persons else None,
        alt=f"{job.name} with boxes",
    )


def _show_moments(job: VideoJob, line: Timeline, number: int) -> None:
    key_moments = [moment for moment in job.key_moments if moment.person == line.person]
    if not key_moments:
        return
    st.markdown(f"**Key moments** of person {line.person}: each emotion at its strongest")
    with st.container(horizontal=True, key=f"moments_{number}"):
        for moment in key_moments:
            st.image(
                moment.picture,
                width=120,
                caption=f"{moment.emotion} {probability_percent(moment.probability)} "
                f"at {moment.time:.1f} s",
                alt=f"Person {moment.person}, {moment.emotion}",
            )


def _row(line: Timeline) -> dict[str, object]:
    return {
        "person": line.person,
        "first seen, s": round(float(line.times[0]), 2),
        "seen for, s": round(line.visible_seconds, 2),
        "mostly": line.dominant,
        **{name: percent(fraction) for name, fraction in line.time_share.items()},
    }


def _downloads(job: VideoJob, result: VideoResult, number: int) -> None:
    stem = job.name.rsplit(".", 1)[0]
    columns = st.columns(4)
    drawn = _annotated_path(job)
    if drawn is not None:
        columns[0].download_button(
            "Video with boxes",
            drawn.read_bytes,
            file_name=f"{stem}-emosense.mp4",
            mime="video/mp4",
            icon=":material/movie:",
            on_click="ignore",
            width="stretch",
            key=f"mp4_{number}",
        )
    for column, (label, make, ending, mime) in zip(
        columns[1:],
        (
            ("CSV", video_export.to_csv, "csv", "text/csv"),
            ("JSON", video_export.to_json, "json", "application/json"),
            ("Captions (VTT)", to_webvtt, "vtt", "text/vtt"),
        ),
        strict=True,
    ):
        column.download_button(
            label,
            partial(_encoded, make, result),
            file_name=f"{stem}-emosense.{ending}",
            mime=mime,
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
            key=f"{ending}_{number}",
        )
