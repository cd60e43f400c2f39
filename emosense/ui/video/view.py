"""Results on the Video page: progress of jobs, timelines, key moments, downloads."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, Literal

import streamlit as st

from emosense.charts.video import time_share_chart
from emosense.errors import ServerBusy
from emosense.export.formats import EXPORTS
from emosense.formatting import percent, pluralize
from emosense.jobs.encoding_jobs import EncodingJob
from emosense.jobs.video_jobs import VideoJob
from emosense.results import VideoResult
from emosense.ui.components.job_list import show_job_list, show_progress, show_refusal
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.model_picker import confidence_note
from emosense.ui.components.plots import show_plot
from emosense.ui.components.tables import show_dataframe
from emosense.ui.components.waiting import describe_wait
from emosense.ui.player.component import neutral_log_odds, show_player
from emosense.ui.session.downloads import room, within_room
from emosense.ui.video.session import OwnerVideos
from emosense.video.edits import apply_edits
from emosense.video.timeline import Timeline, timelines

_MAX_BARS: Final = 12

Width = Literal["content", "stretch"]


def show_empty() -> None:
    """Explain the page before anything was uploaded."""
    st.info(
        "**Drop a video above.** Faces are found and followed: each person keeps a number, and "
        "gets a timeline of seven emotions, which plays with the video. You get key moments, "
        "everything as CSV, JSON and captions, and a video with boxes. Videos are analysed on the "
        "machine that runs this app and are deleted two minutes after you close the app's last page.",
        icon=":material/video_file:",
    )


def show_jobs(videos: OwnerVideos) -> None:
    """Show all jobs of the session, the newest first."""
    show_job_list(
        videos,
        "video",
        progress=progress,
        title=lambda job: escape_markdown(job.name),
        results=partial(_show_results, videos),
        notices=_show_notices,
        lasting=partial(_show_player, videos),
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


def _show_notices(job: VideoJob) -> None:
    result = job.result
    if job.error is not None:
        st.error(escape_markdown(job.error), icon=":material/error:")
    if result is not None and result.problem and job.error is None:
        st.warning(
            f"The analysis is partial: {escape_markdown(result.problem)}. What was done until then is below.",
            icon=":material/warning:",
        )
    for note in job.notes:
        st.warning(escape_markdown(note), icon=":material/warning:")


def _show_results(videos: OwnerVideos, job: VideoJob, number: int) -> None:
    if job.result is None:
        return
    result = apply_edits(job.result, job.edits)
    person_timelines = timelines(result)
    if person_timelines:
        _show_shares(person_timelines, number)
    else:
        st.warning(
            f"**No face found** in {pluralize(len(result.frames), 'analysed frame')}. Small faces "
            "are found better with fewer frames a second.",
            icon=":material/face_retouching_off:",
        )
    _downloads(videos, job, result, number)
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


def _show_player(videos: OwnerVideos, job: VideoJob, number: int) -> None:
    """Show the player, or what becomes of the preview that it needs."""
    if job.is_finished and job.result is None:
        return
    address = videos.player_address(job)
    preview = videos.previews.get(job.path)
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
        for note in preview.notes if preview is not None else ():
            st.caption(escape_markdown(note))
    elif preview is not None and not preview.is_finished:
        show_progress(
            preview,
            f"preview_cancel_{number}",
            partial(encoding_progress, text="A preview for the browser is being made"),
            videos.cancel_encoding,
            "Do without a preview",
        )
    else:
        reason = "" if preview is None or preview.error is None else f" {preview.error}"
        st.info(
            "Browsers do not play this format, and there is no preview of it."
            + escape_markdown(reason),
            icon=":material/videocam_off:",
        )
        make = partial(videos.make_preview, job)
        _start_button("Make a preview", f"preview_{number}", videos, make)


def encoding_progress(job: EncodingJob, text: str) -> tuple[float, str]:
    """Return the done fraction (0..1) of a job that encodes, and what its progress bar says."""
    if job.wait is not None and not job.time:
        return 0.0, f"{text}. {describe_wait(job.wait, 'video')}"
    if job.seconds_left is not None:
        return job.fraction or 0.0, f"{text}, about {job.seconds_left:.0f} s left"
    return job.fraction or 0.0, f"{text} ..."


def _start_button(
    label: str, key: str, videos: OwnerVideos, start: Callable[[], None], width: Width = "content"
) -> None:
    """Show a button that queues a job, and why it was not taken if it was not."""
    if st.button(label, icon=":material/movie:", key=key, width=width):
        try:
            start()
        except ServerBusy as error:
            show_refusal(videos, key, error)
        else:
            st.rerun()


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


def _read_annotated(job: VideoJob, path: Path) -> bytes:
    """Return the video with boxes, if there is room for it in memory."""
    with room(job.account, path.stat().st_size):
        return path.read_bytes()


def _show_annotated(videos: OwnerVideos, job: VideoJob, result: VideoResult, number: int) -> None:
    """Show the video with boxes as a download, once it is made; else what makes it."""
    annotated = videos.annotated.get(job)
    if annotated is not None and not annotated.is_finished:
        show_progress(
            annotated,
            f"annotated_cancel_{number}",
            partial(encoding_progress, text="The video with boxes is being made"),
            videos.cancel_encoding,
            "Cancel",
        )
        return
    if annotated is not None and annotated.is_ready:
        st.download_button(
            "Video with boxes",
            partial(_read_annotated, job, annotated.target),
            file_name=f"{_stem(job)}-emosense.mp4",
            mime="video/mp4",
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
            key=f"mp4_{number}",
        )
        for note in annotated.notes:
            st.caption(escape_markdown(note))
        if not videos.is_outdated(job):
            return
        st.caption("It was made before the last edits.")
    make = partial(videos.make_annotated, job, result)
    _start_button("Make the video with boxes", f"annotated_{number}", videos, make, "stretch")
    if annotated is not None and annotated.error is not None and not annotated.cancelled.is_set():
        st.error(escape_markdown(annotated.error), icon=":material/error:")


def _stem(job: VideoJob) -> str:
    return job.name.rsplit(".", 1)[0]


def _row(timeline: Timeline) -> dict[str, object]:
    return {
        "person": timeline.label.removeprefix("person "),
        "first seen, s": round(float(timeline.times[0]), 2),
        "seen for, s": round(timeline.visible_seconds, 2),
        "mostly": timeline.dominant,
        **{name: percent(fraction) for name, fraction in timeline.time_share.items()},
    }


def _downloads(videos: OwnerVideos, job: VideoJob, result: VideoResult, number: int) -> None:
    columns = st.columns(4)
    with columns[0]:
        _show_annotated(videos, job, result, number)
    for column, name in zip(columns[1:], ("csv", "json", "vtt"), strict=True):
        export = EXPORTS[name]
        column.download_button(
            export.label,
            within_room(
                job.account, export.memory(result), partial(export.make, result, job.edits)
            ),
            file_name=f"{_stem(job)}{export.suffix}",
            mime=export.media_type,
            icon=":material/download:",
            on_click="ignore",
            width="stretch",
            key=f"{name}_{number}",
        )
