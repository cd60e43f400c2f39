"""What the Video page analyses, and how."""

from __future__ import annotations

import streamlit as st

from emosense import settings
from emosense.errors import EmoSenseError
from emosense.media.formats import VIDEO_FORMATS, VIDEO_SUFFIXES
from emosense.results import VideoInfo
from emosense.ui.kept import kept
from emosense.ui.models import pick_model
from emosense.ui.text import plain
from emosense.ui.video_session import SessionVideos, Upload
from emosense.ui.worker import shared_worker
from emosense.video.options import VideoOptions

_DENSITIES = {"1": 1.0, "3": 3.0, "5": 5.0, "10": 10.0, "20": 20.0, "every frame": None}


def choose_video(videos: SessionVideos) -> Upload | None:
    """Show the uploader; return the opened video, or None after a message."""
    limit = settings.MAX_VIDEO_MB.whole()
    uploaded = st.file_uploader(
        f"A video ({VIDEO_FORMATS}), up to {limit} MB",
        type=list(VIDEO_SUFFIXES),
        max_upload_size=limit,
        key="video_upload",
    )
    videos.keep(None if uploaded is None else uploaded.file_id)
    if uploaded is None:
        return None
    try:
        with st.spinner("Opening the video ..."):
            return videos.add(uploaded.file_id, uploaded.name, uploaded, shared_worker())
    except EmoSenseError as error:
        st.error(f"**{plain(uploaded.name)}**: {error}", icon=":material/error:")
    except OSError as error:
        st.error(f"The upload cannot be stored: {error.strerror}.", icon=":material/error:")
    return None


def show_start(videos: SessionVideos, upload: Upload) -> None:
    """Show what was uploaded, the choices, and the button that starts the analysis."""
    picture, choices = st.columns([2, 3], gap="large")
    with picture:
        st.image(upload.preview, width="stretch", alt=f"First frame of {upload.name}")
        st.caption(f"{plain(upload.name)} · {describe(upload.info)}")
    with choices:
        model = pick_model("video_model")
        density = st.segmented_control(
            "Analysed frames a second",
            list(_DENSITIES),
            required=True,
            key=kept("video_density", "10"),
            help="Expressions change within a few tenths of a second: ten a second shows them. "
            "Fewer frames are searched more finely, for smaller faces.",
        )
        left, right = st.columns(2)
        annotated = left.toggle("Video with boxes", key=kept("video_annotated", True))
        fast = right.toggle(
            "Search every 3rd frame",
            key=kept("video_fast", False),
            help="Looks for faces in every third analysed frame only and places them on a line "
            "between. Faster; faces that are seen for less than that are missed.",
        )
        if st.button(
            "Analyse",
            type="primary",
            icon=":material/play_arrow:",
            key="video_start",
            disabled=model is None,
        ):
            assert model is not None
            options = VideoOptions(
                per_second=_DENSITIES[str(density)], detect_every=3 if fast else 1
            )
            videos.start(upload, model, options, annotated=annotated)
            st.rerun()


def describe(info: VideoInfo) -> str:
    """Return a video's facts in one line."""
    parts = [f"{info.width} x {info.height}"]
    if info.duration:
        minutes, seconds = divmod(round(info.duration, 1), 60)
        parts.append(f"{minutes:.0f}:{seconds:04.1f} min" if minutes else f"{seconds:.1f} s")
    if info.frames_per_second:
        parts.append(f"{info.frames_per_second:.4g} frames/s")
    parts.append(info.codec)
    parts.append("with sound" if info.audio else "without sound")
    return " · ".join(parts)
