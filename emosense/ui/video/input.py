"""Video upload of the Video page, its sample and the analysis options."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from emosense import settings
from emosense.errors import EmoSenseError, NoRoom, ServerBusy
from emosense.formatting import pluralize
from emosense.media.formats import VIDEO_FORMATS
from emosense.results import VideoInfo
from emosense.samples import SAMPLE_CLIP_NAME, SAMPLE_CREDIT
from emosense.services import services
from emosense.ui.components.job_list import show_refusal
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.model_picker import select_model
from emosense.ui.components.pictures import show_picture
from emosense.ui.components.upload_kinds import group_by_kind, redirect_uploads
from emosense.ui.components.upload_limits import within_limit
from emosense.ui.components.waiting import show_waits
from emosense.ui.session.owner import owner_account
from emosense.ui.session.query_params import query_choice, query_flag
from emosense.ui.session.user import session_client
from emosense.ui.video.session import OwnerVideos, Upload
from emosense.video.cost import duration_notice
from emosense.video.options import VideoOptions
from emosense.video.time_range import parse_time
from emosense.worker.lanes import PoolClient

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_FRAME_RATES = {"1": 1.0, "3": 3.0, "5": 5.0, "10": 10.0, "20": 20.0, "every frame": None}
_SAMPLE = "video_sample"


def upload_videos(videos: OwnerVideos) -> list[Upload]:
    """Show the uploader and the sample button.

    Returns:
        The opened videos; none without an upload. What cannot be opened is reported.
    """
    limit = settings.MAX_VIDEO_MB.whole()
    uploaded = st.file_uploader(
        f"One or several videos ({VIDEO_FORMATS}), up to {limit} MB each",
        max_upload_size=limit,
        accept_multiple_files=True,
        key="video_upload",
    )
    kinds = group_by_kind(within_limit(uploaded, limit))
    redirect_uploads("photo", kinds["photo"])
    redirect_uploads("archive", kinds["archive"])
    if not uploaded and st.button(
        "Try a sample", icon=":material/movie:", key="video_sample_button"
    ):
        st.session_state[_SAMPLE] = True
    if uploaded:
        st.session_state[_SAMPLE] = False
    if st.session_state.get(_SAMPLE):
        videos.discard_unused({_SAMPLE})
        return _opened(videos, [(SAMPLE_CLIP_NAME, partial(videos.add_sample, _SAMPLE))])
    files = _first_ones([*kinds["video"], *kinds["other"]])
    videos.discard_unused({file.file_id for file in files})
    return _opened(
        videos,
        [(file.name, partial(videos.add, file.file_id, file.name, file)) for file in files],
    )


def _first_ones(files: list[UploadedFile]) -> list[UploadedFile]:
    """Return as many files as may be queued at once, and name the number of the others."""
    most = settings.MAX_SESSION_JOBS.whole()
    if len(files) > most:
        st.warning(
            f"Expected at most {pluralize(most, 'video')} at once. Received: {len(files)}. The first "
            f"{most} are used.",
            icon=":material/warning:",
        )
    return files[:most]


def _opened(
    videos: OwnerVideos, files: Sequence[tuple[str, Callable[[PoolClient], Upload]]]
) -> list[Upload]:
    """Open videos, given their names and what opens them; say why some cannot be opened."""
    opened: list[Upload] = []
    refused: list[str] = []
    no_room: NoRoom | None = None
    for name, add in files:
        try:
            with st.spinner("Opening the video ..."), show_waits("file") as on_wait:
                opened.append(add(session_client(services().photos.pool, on_wait, owner_account())))
        except NoRoom as error:
            no_room = error
            refused.append(name)
        except EmoSenseError as error:
            # Messages about a file start with its name, which is shown in bold here.
            text = str(error).removeprefix(f"{name}: ")
            st.error(
                f"**{escape_markdown(name)}**: {escape_markdown(text)}", icon=":material/error:"
            )
        except OSError as error:
            st.error(
                f"The upload cannot be stored: {escape_markdown(str(error.strerror))}.",
                icon=":material/error:",
            )
    if no_room is not None:
        _show_refusal(videos, "video_open", no_room, "opened", refused if len(files) > 1 else ())
    return opened


def _show_refusal(
    videos: OwnerVideos, kind: str, error: ServerBusy, what: str, names: Sequence[str]
) -> None:
    """Say why videos were not opened or started, once, and which."""
    if names:
        listed = ", ".join(escape_markdown(name) for name in names)
        st.warning(f"Not {what}: {listed}", icon=":material/pause_circle:")
    show_refusal(videos, kind, error)


def show_start(videos: OwnerVideos, uploads: list[Upload]) -> None:
    """Show the uploaded videos, the analysis options and the button that starts the analyses."""
    picture, options_column = st.columns([2, 3], gap="large")
    with picture:
        _show_uploads(uploads)
    with options_column:
        model = select_model()
        if model is not None:
            videos.preload(model)
        frame_rate = query_choice(
            "frames",
            list(_FRAME_RATES),
            "10",
            lambda key: str(
                st.segmented_control(
                    "Analysed frames a second",
                    list(_FRAME_RATES),
                    required=True,
                    key=key,
                    help="Expressions change within a few tenths of a second: ten a second shows "
                    "them. At lower rates frames are searched at a higher resolution, for smaller "
                    "faces.",
                )
            ),
            key="video_frame_rate",
        )
        sparse = query_flag(
            "fast",
            False,
            lambda key: st.toggle(
                "Search every 3rd frame",
                key=key,
                help="Detects faces only in every third analysed frame and interpolates their "
                "positions between. Faster; faces that are visible for a shorter time may be "
                "missed.",
            ),
        )
        stretch = _select_stretch()
        if stretch is None:
            return
        start, end = stretch
        options = VideoOptions(
            per_second=_FRAME_RATES[frame_rate],
            detect_every=3 if sparse else 1,
            start=start,
            end=end,
        )
        _show_notices(uploads, options)
        _start_button(videos, uploads, model, options)


def _start_button(
    videos: OwnerVideos, uploads: list[Upload], model: str | None, options: VideoOptions
) -> None:
    """Show the button that starts the analyses; it goes on with those that were not started before."""
    to_start = uploads
    if model is not None:
        idle = [upload for upload in uploads if not videos.is_running(upload, model, options)]
        new = [upload for upload in idle if not videos.is_analysed(upload, model, options)]
        to_start = new or idle
    if not st.button(
        "Analyse"
        if len(uploads) == 1
        else f"Analyse {pluralize(len(to_start or uploads), 'video')}",
        type="primary",
        icon=":material/play_arrow:",
        key="video_start",
        disabled=model is None or not to_start,
        help=None if to_start else "They are being analysed with these options.",
    ):
        return
    assert model is not None
    for number, upload in enumerate(to_start):
        try:
            videos.start(upload, model, options)
        except ServerBusy as error:
            names = [upload.name for upload in to_start[number:]] if len(to_start) > 1 else ()
            _show_refusal(videos, "video", error, "started", names)
            return
    st.rerun()


def _show_uploads(uploads: list[Upload]) -> None:
    for upload in uploads[:1]:
        show_picture(upload.preview, "video_preview", f"First frame of {upload.name}")
        if upload.name == SAMPLE_CLIP_NAME and st.session_state.get(_SAMPLE):
            st.caption(f"Made from a photo: {SAMPLE_CREDIT}")
    for upload in uploads:
        st.caption(f"{escape_markdown(upload.name)} · {escape_markdown(describe(upload.info))}")


def _select_stretch() -> tuple[float, float | None] | None:
    """Show where the analysis begins and ends; return both in seconds, None after an error message."""
    help_text = "Only what lies between is analysed: seconds, or minutes and seconds such as 1:30."
    left, right = st.columns(2)
    texts = [
        column.text_input(label, key=key, placeholder=placeholder, max_chars=20, help=help_text)
        for column, label, key, placeholder in (
            (left, "From", "video_from", "the beginning"),
            (right, "To", "video_to", "the end"),
        )
    ]
    try:
        start, end = (parse_time(text or "") for text in texts)
        options = VideoOptions(start=start or 0.0, end=end)
    except EmoSenseError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return None
    return options.start, options.end


def _show_notices(uploads: list[Upload], options: VideoOptions) -> None:
    """Say which videos take too long, or end before the stretch begins."""
    limits = settings.video_limits()
    for upload in uploads:
        name = "" if len(uploads) == 1 else f"**{escape_markdown(upload.name)}**: "
        notice = duration_notice(upload.info, options, limits, annotated=False)
        if notice is not None:
            st.info(f"{name}{notice}", icon=":material/hourglass:")
        duration = upload.info.duration
        if duration is not None and options.start >= duration:
            st.warning(
                f"{name}It ends at {duration:.1f} s, before the stretch begins.",
                icon=":material/warning:",
            )


def describe(info: VideoInfo) -> str:
    """Return a video's size, duration, frame rate, codec and sound in one line."""
    parts = [f"{info.width} x {info.height}"]
    if info.duration:
        minutes, seconds = divmod(round(info.duration, 1), 60)
        parts.append(f"{minutes:.0f}:{seconds:04.1f} min" if minutes else f"{seconds:.1f} s")
    if info.frames_per_second:
        parts.append(f"{info.frames_per_second:.4g} frames/s")
    parts.append(info.codec)
    parts.append("with sound" if info.audio else "without sound")
    return " · ".join(parts)
