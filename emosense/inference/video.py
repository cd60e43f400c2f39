"""Handlers of requests about videos."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path

from emosense.inference.analyzers import AnalyzerCache
from emosense.media.browser_playback import browser_media_type
from emosense.media.jpeg import encode_jpeg
from emosense.media.resize import fit_within
from emosense.media.sample_clip import write_sample_clip
from emosense.media.video_reader import VideoReader
from emosense.results import FrameResult
from emosense.settings import video_limits
from emosense.video.transcoder import VideoTranscoder
from emosense.worker.messages import (
    AnalyzeVideo,
    EncodedVideo,
    EncodeVideo,
    EncodingProgress,
    InspectVideo,
    VideoPreview,
    VideoProgress,
    VideoSummary,
    WriteSampleClip,
)
from emosense.worker.server import Handlers

UPDATE_SECONDS = 0.25


def register(handlers: Handlers, analyzers: AnalyzerCache) -> None:
    """Register the handlers of this module."""
    handlers.register(WriteSampleClip, lambda request: write_sample_clip(Path(request.path)))
    handlers.register(InspectVideo, inspect_video)
    handlers.register_stream(AnalyzeVideo, lambda request: analyze_video(request, analyzers))
    handlers.register_stream(EncodeVideo, encode_video)


def inspect_video(request: InspectVideo) -> VideoPreview:
    """Open a video and decode its first frame."""
    with VideoReader(request.path, video_limits(), request.name) as reader:
        first = next(reader.frames()).rgb()
        preview = encode_jpeg(fit_within(first, request.preview_side))
        media_type = browser_media_type(reader.form)
        return VideoPreview(info=reader.info, preview=preview, media_type=media_type)


def analyze_video(
    request: AnalyzeVideo, analyzers: AnalyzerCache
) -> Generator[VideoProgress, bool, VideoSummary]:
    """Analyse a video; yields its frames a few times a second."""
    sent = time.monotonic()
    pending: list[FrameResult] = []
    analyzer = analyzers.get(request.model)
    with analyzer.video(request.path, request.options) as analysis:
        for frame in analysis:
            pending.append(frame)
            if time.monotonic() - sent > UPDATE_SECONDS:
                if (yield VideoProgress(frames=pending, frames_read=analysis.frames_read)):
                    analysis.cancel()
                sent, pending = time.monotonic(), []
        yield VideoProgress(frames=pending, frames_read=analysis.frames_read)
    result = analysis.finish()
    return VideoSummary(
        result=replace(result, frames=()),  # its frames were sent already
        notes=analysis.notes,
        key_moments=analysis.key_moments,
    )


def encode_video(request: EncodeVideo) -> Generator[EncodingProgress, bool, EncodedVideo]:
    """Encode a video; yields how far it is a few times a second."""
    limits = replace(
        video_limits(), long_side=request.long_side, max_annotated_bytes=request.max_bytes
    )
    sent, last = time.monotonic(), 0.0
    with VideoTranscoder(
        request.path, request.target, limits, request.result, request.start, request.end
    ) as transcoder:
        for last in transcoder:
            if time.monotonic() - sent > UPDATE_SECONDS:
                if (yield EncodingProgress(time=last)):
                    transcoder.cancel()
                sent = time.monotonic()
        yield EncodingProgress(time=last)
    return EncodedVideo(notes=transcoder.notes)
