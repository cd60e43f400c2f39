"""Sends files through a running app as a browser would, and sorts what becomes of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from emosense.ui.components.markdown import escape_markdown
from support.streamlit_client import BrowserSession

DIED = "stopped unexpectedly"
GIVEN_UP = "was given up"
UNFORESEEN = "Unexpected fault"


def send_photos(
    session: BrowserSession, files: Iterable[tuple[str, bytes]], at_once: int = 50
) -> Counter[str]:
    """Upload photos to the Photo page; count how they ended.

    Raises:
        AssertionError: a photo without result and without message, or a traceback on the page.
    """
    outcomes: Counter[str] = Counter()
    waiting = iter(files)
    while part := list(islice(waiting, at_once)):
        session.upload(*((name, data, "application/octet-stream") for name, data in part))
        assert not session.faults, session.faults
        (told,) = session.tables()[:1]
        rows = dict(zip(told["photo"].to_pylist(), told["emotions"].to_pylist(), strict=True))
        for name, _ in part:
            if name not in rows:
                # A video or an archive by its content: said to belong on another page.
                assert any(
                    escape_markdown(name) in alert and "open" in alert for alert in session.alerts
                )
                outcomes["told why not"] += 1
            elif rows[name] != "not analysed":
                outcomes["analysed" if rows[name] != "none" else "no face"] += 1
            else:
                outcomes[_sorted(session.alerts, name)] += 1
    return outcomes


def send_video(session: BrowserSession, name: str, data: bytes) -> str:
    """Upload a video to the Video page, analyse it if it opens; return how it ended."""
    session.upload((name, data, "application/octet-stream"))
    assert not session.faults, session.faults
    if not any(e.button.label == "Analyse" for e in session.elements("button")):
        return _sorted(session.alerts, name)
    session.click("Analyse")
    session.wait_until(
        lambda: any(e.button.label == "Remove" for e in session.elements("button")), 300
    )
    assert not session.faults, session.faults
    ended = session.text
    session.click("Remove")
    session.upload()
    for told in (DIED, GIVEN_UP, UNFORESEEN):
        if told in ended:
            return told
    if "frames analysed of" not in ended and "frame analysed of" not in ended:
        return "told why not"
    return "partly analysed" if "The analysis is partial" in ended else "analysed"


def _sorted(alerts: list[str], name: str) -> str:
    (message,) = [alert for alert in alerts if alert.startswith(f"**{escape_markdown(name)}**: ")]
    for told in (DIED, GIVEN_UP, UNFORESEEN):
        if told in message:
            return told
    return "told why not"
