"""Times how long each view of the app takes to stand in a real browser.

    python benchmarks/pages.py [--repeat 7]

The server is up and each view was opened once before, so scripts are in the browser's cache.
The first rows are the floor: Streamlit alone, with an empty page, with one table and with one chart
of three points. ``readable`` counts from the request until all text and figures stand, ``complete``
until every table, and every chart in the window of 1280x900, is drawn too: charts further down are
drawn once somebody scrolls to them. ``end`` counts from a jump to the end of the page until what is
there is drawn, ``switch`` from a click on the view until it is complete, with the page open already.
Medians. Needs Chromium, as the browser tests do.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from playwright.sync_api import Page
from support.app_server import running_chromium, running_server, started_server

VIEWS = {
    "overview": "Overview",
    "confusion": "Confusion matrix",
    "classes": "Per class",
    "training": "Training",
    "trust": "Calibration",
    "slices": "Slices",
    "robustness": "Robustness",
    "architecture": "Architecture",
    "compare": "Comparison",
    "images": "Images",
    "own": "Your photos",
}
FLOOR = {
    "empty page": "",
    "one table": "st.dataframe({'a': [1, 2, 3]})",
    "one Plotly chart": "st.plotly_chart({'data': [{'type': 'bar', 'y': [1, 2, 3]}]})",
}
FLOOR_SCRIPT = """import streamlit as st
page = st.query_params.get("page")
st.title("Floor")
{branches}
st.write("The page ends here")
"""
READABLE = "() => MARK.test(document.body?.innerText ?? '')"
COMPLETE = """() => {
  const charts = document.querySelectorAll("[data-testid=stPlotlyChart]");
  const drawn = [...charts].filter(chart => chart.querySelector(".main-svg"));
  const waiting = document.querySelector("[data-testid=stSkeleton], [data-stale=true]");
  for (const place of document.querySelectorAll(".emosense-deferred")) {
    const { top, bottom } = place.getBoundingClientRect();
    if (top < innerHeight && bottom > 0) return false;
  }
  return MARK.test(document.body?.innerText ?? "") && drawn.length === charts.length && !waiting;
}"""
MADE = "/How to reproduce/"
OWN = "/Does it work on your photos/"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    repeat = parser.parse_args().repeat
    print("| page | readable, s | complete, s | end, s | switch, s |\n|---|---|---|---|---|")
    time_floor(repeat)
    with running_server() as url, running_chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        text: list[tuple[float, ...]] = [
            load(context.new_page(), url, "/Drop one or many/") for _ in range(repeat + 1)
        ]
        print(f"| Photo | {row(text)} | | |")
        for view, title in VIEWS.items():
            text = []
            for _ in range(repeat + 1):
                page = context.new_page()
                mark = OWN if view == "own" else MADE
                times = load(page, f"{url}/models?view={view}", mark)
                end = scroll_to_end(page, mark)
                text.append((*times, end, switch(page, title, mark)))
                page.close()
            print(f"| Models, {title} | {row(text)} |", flush=True)


def time_floor(repeat: int) -> None:
    """Print what pages of Streamlit's alone take, with the app's configuration."""
    branches = "\n".join(f"if page == {name!r}: {code or 'pass'}" for name, code in FLOOR.items())
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "floor.py"
        script.write_text(FLOOR_SCRIPT.format(branches=branches))
        with (
            started_server(script=str(script)) as server,
            running_chromium() as browser,
        ):
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            for name in FLOOR:
                told = []
                for _ in range(repeat + 1):
                    page = context.new_page()
                    told.append(load(page, f"{server.url}?page={name}", "/The page ends here/"))
                    page.close()
                print(f"| Streamlit, {name} | {row(told)} | | |", flush=True)


def row(told: Sequence[tuple[float, ...]]) -> str:
    """Medians of all visits but the first."""
    return " | ".join(f"{statistics.median(column):.2f}" for column in zip(*told[1:], strict=True))


def load(page: Page, url: str, mark: str) -> tuple[float, float]:
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    return seconds(page, READABLE, mark, start), seconds(page, COMPLETE, mark, start)


def scroll_to_end(page: Page, mark: str) -> float:
    start = time.perf_counter()
    page.evaluate("document.querySelector('[data-testid=stMain]').scrollTo(0, 1e6)")
    page.wait_for_timeout(50)
    return seconds(page, COMPLETE, mark, start)


def switch(page: Page, title: str, mark: str) -> float:
    """Go to another view and time the way back."""
    other = "Architecture" if title != "Architecture" else "Training"
    page.get_by_role("radio", name=other).click()
    page.wait_for_timeout(1500)
    start = time.perf_counter()
    page.get_by_role("radio", name=title).click()
    page.wait_for_timeout(50)
    return seconds(page, COMPLETE, mark, start)


def seconds(page: Page, script: str, mark: str, start: float) -> float:
    page.wait_for_function(script.replace("MARK", mark), polling=20, timeout=120_000)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
