"""The jobs of a session as a list: progress and a button to cancel, or results and "Remove"."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import streamlit as st

from emosense.errors import NoRoom, ServerBusy
from emosense.jobs.job import Job
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.session.jobs import SessionJobs

JobT = TypeVar("JobT", bound=Job)
AnyJobT = TypeVar("AnyJobT", bound=Job)


def show_job_list(
    jobs: SessionJobs[JobT],
    kind: str,
    *,
    progress: Callable[[JobT], tuple[float, str]],
    title: Callable[[JobT], str],
    results: Callable[[JobT, int], None],
    notices: Callable[[JobT], object] = lambda job: None,
    lasting: Callable[[JobT, int], object] = lambda job, number: None,
) -> None:
    """Show all jobs of the session, the newest first.

    Args:
        jobs: the session's jobs.
        kind: prefix of the widgets' keys, one per page.
        progress: returns the done fraction (0..1) and the text of the progress bar of a job.
        title: returns the heading of a finished job, as Markdown with names escaped.
        results: shows a finished job, given its number.
        notices: shows what is to be said first about a finished job.
        lasting: shows what there is of a job while it runs and afterwards, below its progress or
            its notices; the browser keeps it as it is when the job ends.
    """
    for number, job in reversed(list(jobs.jobs.items())):
        is_finished = job.is_finished  # once: it may end between two of these lines
        with st.container(border=True, key=f"{kind}_{number}"):
            # A container of its own: what follows has the same place before and after the job's end.
            with st.container():
                if is_finished:
                    _show_heading(jobs, kind, number, title(job))
                    notices(job)
                else:
                    st.markdown(f"**{escape_markdown(job.name)}**")
                    show_progress(job, f"{kind}_cancel_{number}", progress, jobs.cancel)
            with st.container():
                lasting(job, number)
            if is_finished:
                results(job, number)


def _show_heading(jobs: SessionJobs[JobT], kind: str, number: int, title: str) -> None:
    heading, remove = st.columns([5, 1], vertical_alignment="center")
    heading.header(title)
    if remove.button(
        "Remove", icon=":material/delete:", key=f"{kind}_remove_{number}", width="stretch"
    ):
        jobs.discard(number)
        st.rerun()


def show_refusal(jobs: SessionJobs[JobT], kind: str, error: ServerBusy) -> None:
    """Say why a job was not started; where results need room, offer to remove the oldest.

    Args:
        jobs: the session's jobs.
        kind: prefix of the widgets' keys, one per page.
        error: why it was not started.
    """
    st.error(escape_markdown(str(error)), icon=":material/hourglass_empty:")
    oldest = jobs.oldest_finished
    if isinstance(error, NoRoom) and oldest is not None:
        st.button(
            f"Remove the oldest result: {escape_markdown(jobs.jobs[oldest].name)}",
            icon=":material/delete:",
            key=f"{kind}_remove_oldest",
            on_click=jobs.discard,
            args=[oldest],
        )


@st.fragment(run_every=0.7)
def show_progress(
    job: AnyJobT,
    key: str,
    progress: Callable[[AnyJobT], tuple[float, str]],
    cancel: Callable[[AnyJobT], None],
    label: str = "Cancel and keep what is done",
) -> None:
    """Show how far a job is, with a button to cancel it; the page runs again once it has finished.

    Args:
        job: the job.
        key: key of the button.
        progress: returns the done fraction (0..1) and the text of the progress bar.
        cancel: cancels the job.
        label: label of the button.
    """
    if job.is_finished:
        st.rerun()
    fraction, text = progress(job)
    st.progress(fraction, text)
    if st.button(label, icon=":material/stop_circle:", key=key):
        cancel(job)
