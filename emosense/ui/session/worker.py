"""The inference processes and job queues that all sessions of the app share."""

from __future__ import annotations

import streamlit as st

from emosense import settings
from emosense.jobs.queue import JobQueue
from emosense.worker.client import InferenceWorker


@st.cache_resource(show_spinner=False)
def photo_queue() -> JobQueue:
    """Return the queue of photo jobs, which run concurrently and take turns photo by photo.

    Its inference process preloads the default model while the first page is shown.
    """
    queue = JobQueue(InferenceWorker(), parallel=None)
    queue.preload(settings.MODEL.text())
    return queue


def shared_worker() -> InferenceWorker:
    """Return the inference process that analyses photos for all pages."""
    return photo_queue().worker


@st.cache_resource(show_spinner=False)
def video_queue() -> JobQueue:
    """Return the queue of video jobs, which run one at a time in a separate inference process."""
    return JobQueue(InferenceWorker())
