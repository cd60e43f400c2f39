"""Video upload of the Video page, its sample and the analysis options."""

from __future__ import annotations

import streamlit as st

from emosense import settings
from emosense.errors import EmoSenseError, NoRoom, ServerBusy
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
from emosense.ui.session.owner import owner_client
from emosense.ui.session.query_params import query_choice, query_flag
from emosense.ui.video.session import OwnerVideos, Upload
from emosense.video.cost import duration_notice
from emosense.video.options import VideoOptions

_FRAME_RATES = {"1": 1.0, "3": 3.0, "5": 5.0, "10": 10.0, "20": 20.0, "every frame": None}
_SAMPLE = "video_sample"


def upload_video(videos: OwnerVideos) -> Upload | None:
    """Show the uploader and the sample button.

    Returns:
        The opened video; None without an upload, or after an error message.
    """
    limit = settings.MAX_VIDEO_MB.whole()
    uploaded = st.file_uploader(
        f"A video ({VIDEO_FORMATS}), up to {limit} MB",
        max_upload_size=limit,
        key="video_upload",
    )
    accepted = within_limit([] if uploaded is None else [uploaded], limit)
    if uploaded is not None and not accepted:
        videos.discard_unused(None)
        return None
    kinds = group_by_kind(accepted)
    redirect_uploads("photo", kinds["photo"])
    redirect_uploads("archive", kinds["archive"])
    if kinds["photo"] or kinds["archive"]:
        videos.discard_unused(None)
        return None
    if uploaded is None and st.button(
        "Try a sample", icon=":material/movie:", key="video_sample_button"
    ):
        st.session_state[_SAMPLE] = True
    if uploaded is not None:
        st.session_state[_SAMPLE] = False
    sample = bool(st.session_state.get(_SAMPLE))
    key = _SAMPLE if sample else None if uploaded is None else uploaded.file_id
    videos.discard_unused(key)
    if key is None:
        return None
    name = SAMPLE_CLIP_NAME if uploaded is None else uploaded.name
    try:
        with st.spinner("Opening the video ..."), show_waits("file") as on_wait:
            client = owner_client(services().photos.pool, on_wait)
            if uploaded is None:
                return videos.add_sample(key, client)
            return videos.add(key, name, uploaded, client)
    except NoRoom as error:
        show_refusal(videos, "video", error)
    except EmoSenseError as error:
        # Messages about a file start with its name, which is shown in bold here.
        text = str(error).removeprefix(f"{name}: ")
        st.error(f"**{escape_markdown(name)}**: {escape_markdown(text)}", icon=":material/error:")
    except OSError as error:
        st.error(
            f"The upload cannot be stored: {escape_markdown(str(error.strerror))}.",
            icon=":material/error:",
        )
    return None


def show_start(videos: OwnerVideos, upload: Upload) -> None:
    """Show the uploaded video, the analysis options and the button that starts the analysis."""
    picture, options_column = st.columns([2, 3], gap="large")
    with picture:
        show_picture(upload.preview, "video_preview", f"First frame of {upload.name}")
        st.caption(f"{escape_markdown(upload.name)} · {escape_markdown(describe(upload.info))}")
        if upload.name == SAMPLE_CLIP_NAME and st.session_state.get(_SAMPLE):
            st.caption(f"Made from a photo: {SAMPLE_CREDIT}")
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
        options = VideoOptions(per_second=_FRAME_RATES[frame_rate], detect_every=3 if sparse else 1)
        limits = settings.video_limits()
        notice = duration_notice(upload.info, options, limits, annotated=False)
        if notice is not None:
            st.info(notice, icon=":material/hourglass:")
        if st.button(
            "Analyse",
            type="primary",
            icon=":material/play_arrow:",
            key="video_start",
            disabled=model is None,
        ):
            assert model is not None
            try:
                videos.start(upload, model, options)
            except ServerBusy as error:
                show_refusal(videos, "video", error)
                return
            st.rerun()


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
