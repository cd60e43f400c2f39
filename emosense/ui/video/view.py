"""Results on the Video page: progress of jobs, timelines, key moments, downloads."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import streamlit as st

from emosense.charts.video import time_share_chart, timeline_chart
from emosense.errors import NoRoom
from emosense.export import video as video_export
from emosense.export.spreadsheet import csv_file
from emosense.export.webvtt import to_webvtt
from emosense.formatting import percent, pluralize, probability_percent
from emosense.jobs.video_jobs import VideoJob
from emosense.results import VideoResult
from emosense.ui import streamlit_internals
from emosense.ui.components.job_list import show_job_list
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.model_picker import confidence_note
from emosense.ui.components.plots import show_plot
from emosense.ui.components.tables import show_dataframe
from emosense.ui.components.waiting import describe_wait
from emosense.ui.player.component import neutral_log_odds, show_player
from emosense.ui.session.downloads import (
    CAPTION_BYTES,
    CSV_BYTES,
    JSON_BYTES,
    room,
    room_to_show,
    within_room,
)
from emosense.ui.video.session import SessionVideos
from emosense.video.edits import apply_edits
from emosense.video.timeline import Timeline, timelines

_MAX_BARS = 12


def _export(to_text: Callable[[VideoResult], str], result: VideoResult) -> bytes:
    text = to_text(result)
    return csv_file(text) if to_text is video_export.to_csv else text.encode("utf-8")


def show_empty() -> None:
    """Explain the page before anything was uploaded."""
    st.info(
        "**Drop a video above.** Faces are found and followed: each person keeps a number, and "
        "gets a timeline of seven emotions. You get the video with boxes and its own sound, "
        "key moments, and everything as CSV, JSON and captions. Videos are analysed on the "
        "machine that runs this app and are deleted two minutes after you close the page.",
        icon=":material/video_file:",
    )


def show_jobs(videos: SessionVideos) -> None:
    """Show all jobs of the session, the newest first."""
    show_job_list(
        videos,
        "video",
        progress=progress,
        title=lambda job: escape_markdown(job.name),
        results=partial(_show_results, videos),
        running=partial(_show_player, videos),
    )


def progress(job: VideoJob) -> tuple[float, str]:
    """Return the done fraction (0..1) of a job, and what its progress bar says."""
    wait = job.wait
    if not job.frames_read or job.begins_again:
        text = "Starting ..." if wait is None else describe_wait(wait, "video")
        if job.begins_again:
            text = f"It has given way to another video and begins again later. {text}"
        return job.fraction or 0.0, text
    text = f"{pluralize(job.frames_read, 'frame')}, {job.frames_per_second:.0f} frames/s"
    if wait is not None:  # the text would change every other second
        text += f"; taking turns with {pluralize(wait.ahead, 'video')}"
    if job.seconds_left is not None:
        text += f", about {job.seconds_left:.0f} s left"
    return job.fraction or 0.0, text


def _show_results(videos: SessionVideos, job: VideoJob, number: int) -> None:
    result = job.result
    if job.error is not None:
        st.error(escape_markdown(job.error), icon=":material/error:")
    if result is None:
        return
    if result.problem and job.error is None:
        st.warning(
            f"The analysis is partial: {escape_markdown(result.problem)}. What was done until then is below.",
            icon=":material/warning:",
        )
    for note in job.notes:
        st.warning(escape_markdown(note), icon=":material/warning:")
    has_player = _show_player(videos, job, number)
    result = apply_edits(result, job.edits)
    person_timelines = timelines(result)
    if person_timelines:
        if not has_player:
            _show_person(job, result, person_timelines, number)
        _show_shares(person_timelines, number)
    else:
        if not has_player:
            _show_video(job, result, 0.0)
        st.warning(
            f"**No face found** in {pluralize(len(result.frames), 'analysed frame')}. Small faces "
            "are found better with fewer frames a second.",
            icon=":material/face_retouching_off:",
        )
    _downloads(job, result, number)
    speed = (
        f" in {job.duration:.1f} s, {result.frames_read / job.duration:.0f} frames/s"
        if job.duration
        else ""
    )
    st.caption(
        f"{pluralize(len(result.frames), 'frame')} analysed of {result.frames_read:,}{speed}. "
        f"Detected by {escape_markdown(result.detector or 'YuNet')}; classified by the model "
        f"{escape_markdown(result.model)}. " + confidence_note(result.model)
    )


def _show_player(videos: SessionVideos, job: VideoJob, number: int) -> bool:
    """Show the player; return whether there is one, which depends on the format."""
    address = videos.addresses.get(job)
    if address is not None:
        show_player(
            address,
            name=job.name,
            width=job.info.width,
            height=job.info.height,
            frames_per_second=job.info.frames_per_second or 25.0,
            duration=job.info.duration,
            neutral=neutral_log_odds(job.model),
            key=f"player_{number}",
        )
    return address is not None


def _show_person(
    job: VideoJob, result: VideoResult, person_timelines: tuple[Timeline, ...], number: int
) -> None:
    """Show a person's curves and the video with boxes, where browsers do not play the clip itself."""
    by_duration = sorted(person_timelines, key=lambda timeline: -timeline.visible_seconds)
    selected = person_timelines[0]
    if len(person_timelines) > 1:
        by_person = {timeline.person: timeline for timeline in by_duration}
        person = st.pills(
            "Person",
            list(by_person),
            format_func=lambda person: f"{person} · {by_person[person].visible_seconds:.1f} s",
            default=next(iter(by_person)),
            required=True,
            key=f"person_{number}",
        )
        selected = by_person[person]
    if _annotated_path(job) is None:
        _show_timeline(selected, None, number)
    else:
        end = result.frames[-1].time
        time = 0.0
        if end > 0:
            _follow_click(number, end)
            time = st.slider("Moment, in seconds", 0.0, float(end), step=0.1, key=f"time_{number}")
        left, right = st.columns([1, 1], gap="large")
        with left:
            _show_video(job, result, time)
        with right:
            _show_timeline(selected, time or None, number)
            st.caption("Click a point of a curve to go to that moment of the video.")
    _show_key_moments(job, selected, number)


def _show_shares(person_timelines: tuple[Timeline, ...], number: int) -> None:
    by_duration = sorted(person_timelines, key=lambda timeline: -timeline.visible_seconds)
    longest = by_duration[:_MAX_BARS]
    note = "" if len(by_duration) <= _MAX_BARS else f", the {_MAX_BARS} people visible longest"
    st.markdown(f"**Share of time per emotion**{note}")
    show_plot(
        time_share_chart(longest),
        key=f"shares_{number}",
        alt="; ".join(f"{timeline.label} mostly {timeline.dominant}" for timeline in longest),
    )
    show_dataframe([_row(timeline) for timeline in person_timelines], key=f"people_{number}")


def _show_timeline(timeline: Timeline, cursor: float | None, number: int) -> None:
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
        timeline_chart(timeline, float(window or 0.0), cursor),
        key=f"timeline_{number}",
        on_select="rerun",
        selection_mode="points",
        alt=f"Emotions of person {timeline.person} over time; mostly {timeline.dominant}",
    )


def _follow_click(number: int, end: float) -> None:
    """Move the slider to the time that was clicked in the timeline, once per click."""
    event = st.session_state.get(f"timeline_{number}")
    points = event["selection"]["points"] if event else []
    clicked_time = min(float(points[0]["x"]), end) if points else None
    if clicked_time is not None and clicked_time != st.session_state.get(f"clicked_{number}"):
        st.session_state[f"time_{number}"] = clicked_time
    st.session_state[f"clicked_{number}"] = clicked_time


def _annotated_path(job: VideoJob) -> Path | None:
    """Return the path of the annotated video, or None if there is none."""
    return job.annotated if job.annotated is not None and job.annotated.is_file() else None


def _show_video(job: VideoJob, result: VideoResult, start_time: float) -> None:
    path = _annotated_path(job)
    if path is None:
        return
    size = path.stat().st_size
    # When the page runs again, its video is stored already: no room has to be found for it.
    is_stored = size in streamlit_internals.media_sizes().get(job.account.session, ())
    try:
        with nullcontext() if is_stored else room_to_show(job.account, size):
            st.video(
                path.read_bytes(),
                format="video/mp4",
                start_time=start_time,
                subtitles={"emotions": to_webvtt(result)} if result.persons else None,
                alt=f"{job.name} with boxes",
            )
    except NoRoom:
        st.info(
            f"The video with boxes has {size / 2**20:.0f} MB and is not shown, as this page holds much "
            "already. You can download it below, or remove other results.",
            icon=":material/memory:",
        )


def _read_annotated(job: VideoJob, path: Path) -> bytes:
    """Return the annotated video, if there is room for it; whoever sees it may download it, too."""
    size = path.stat().st_size
    is_shown = size in streamlit_internals.media_sizes().get(job.account.session, ())
    with room(job.account, size, shown=is_shown):
        return path.read_bytes()


def _show_key_moments(job: VideoJob, timeline: Timeline, number: int) -> None:
    key_moments = [moment for moment in job.key_moments if moment.person == timeline.person]
    if not key_moments:
        return
    st.markdown(
        f"**Key moments** of person {timeline.person}: each emotion at its highest probability"
    )
    with st.container(horizontal=True, key=f"moments_{number}"):
        for moment in key_moments:
            st.image(
                moment.picture,
                width=120,
                caption=f"{moment.emotion} {probability_percent(moment.probability)} "
                f"at {moment.time:.1f} s",
                alt=f"Person {moment.person}, {moment.emotion}",
            )


def _row(timeline: Timeline) -> dict[str, object]:
    return {
        "person": timeline.label.removeprefix("person "),
        "first seen, s": round(float(timeline.times[0]), 2),
        "seen for, s": round(timeline.visible_seconds, 2),
        "mostly": timeline.dominant,
        **{name: percent(fraction) for name, fraction in timeline.time_share.items()},
    }


def _downloads(job: VideoJob, result: VideoResult, number: int) -> None:
    stem = job.name.rsplit(".", 1)[0]
    columns = st.columns(4)
    path = _annotated_path(job)
    if path is not None:
        columns[0].download_button(
            "Video with boxes",
            partial(_read_annotated, job, path),
            file_name=f"{stem}-emosense.mp4",
            mime="video/mp4",
            icon=":material/movie:",
            on_click="ignore",
            width="stretch",
            key=f"mp4_{number}",
        )
    count = len(result.frames) + sum(len(frame.faces) for frame in result.frames)
    for column, (label, to_text, size, extension, mime) in zip(
        columns[1:],
        (
            ("CSV", video_export.to_csv, CSV_BYTES, "csv", "text/csv"),
            ("JSON", video_export.to_json, JSON_BYTES, "json", "application/json"),
            ("Captions (VTT)", to_webvtt, CAPTION_BYTES, "vtt", "text/vtt"),
        ),
        strict=True,
    ):
        column.download_button(
            label,
            within_room(job.account, size * count, partial(_export, to_text, result)),
            file_name=f"{stem}-emosense.{extension}",
            mime=mime,
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
            key=f"{extension}_{number}",
        )
