"""The report of the present selection, in one HTML file."""

from __future__ import annotations

from functools import partial
from typing import Final
from urllib.parse import urlencode

import streamlit as st

from emosense.formatting import pluralize
from emosense.report.html import html_report
from emosense.ui.models.provenance import reproduction_commands
from emosense.ui.models.selection import Selection
from emosense.ui.session.downloads import within_room
from emosense.ui.session.user import session_account

_REPORT_BYTES: Final = 24 * 2**20
"""Memory that is needed while a report is made: Plotly's script, in text and encoded."""


def show_report(selection: Selection) -> None:
    """Show the button that makes and downloads the report."""
    make = partial(
        html_report,
        selection.models,
        _description(selection),
        _link(selection),
        {s.label: reproduction_commands(selection, s.card) for s in selection.models},
    )
    st.download_button(
        "Report of this selection (HTML)",
        within_room(session_account(), _REPORT_BYTES, lambda: make().encode()),
        file_name="emosense-report.html",
        mime="text/html",
        icon=":material/description:",
        on_click="ignore",
        key="report",
        help="One file with tables, tests, confusion matrices, calibration, slices, robustness and the "
        "commands that reproduce them. It needs no connection.",
    )


def _description(selection: Selection) -> str:
    """Return the description of the images as plain text."""
    if selection.own is None:
        return selection.description
    faces = pluralize(len(selection.models[0].predictions), "face")
    return f"{selection.own.title}, {faces} of photos of one's own"


def _link(selection: Selection) -> str:
    """Return the address of the page's state; it names all networks, as others may come."""
    parameters = {name: st.query_params.get_all(name) for name in st.query_params}
    parameters["model"] = [selected.model.name for selected in selection.models]
    # Views that are not about test images ignore these of the address.
    parameters["part"] = [selection.split]
    parameters["copies"] = ["yes" if selection.include_duplicates else "no"]
    return f"{st.context.url or ''}?{urlencode(parameters, doseq=True)}"
