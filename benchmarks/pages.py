"""Times how long each view of the app takes to stand in a real browser.

    python benchmarks/pages.py [--repeat 7]

The server is up and each view was opened once before, so scripts are in the browser's cache.
``readable`` counts from the request until all text and figures stand, ``complete`` until every
table and chart is drawn too, ``switch`` from a click on the view until it is complete, with the
page open already. Medians. Needs Chromium, as the browser tests do.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from playwright.sync_api import Page
from support.app_server import running_chromium, running_server

VIEWS = {
    "overview": "Overview",
    "confusion": "Confusion matrix",
    "classes": "Per class",
    "training": "Training",
    "trust": "Calibration",
    "architecture": "Architecture",
    "compare": "Comparison",
}
READABLE = "() => MARK.test(document.body?.innerText ?? '')"
COMPLETE = """() => {
  const charts = document.querySelectorAll("[data-testid=stPlotlyChart]");
  const drawn = [...charts].filter(chart => chart.querySelector(".main-svg"));
  const waiting = document.querySelector("[data-testid=stSkeleton], [data-stale=true]");
  return MARK.test(document.body?.innerText ?? "") && drawn.length === charts.length && !waiting;
}"""
MADE = "/How to reproduce/"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    repeat = parser.parse_args().repeat
    print("| page | readable, s | complete, s | switch, s |\n|---|---|---|---|")
    with running_server() as url, running_chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        text: list[tuple[float, ...]] = [
            load(context.new_page(), url, "/Drop one or many/") for _ in range(repeat + 1)
        ]
        print(f"| Photo | {row(text)} | |")
        for view, title in VIEWS.items():
            text = []
            for _ in range(repeat + 1):
                page = context.new_page()
                times = load(page, f"{url}/models?view={view}", MADE)
                text.append((*times, switch(page, title)))
                page.close()
            print(f"| Models, {title} | {row(text)} |")


def row(told: Sequence[tuple[float, ...]]) -> str:
    """Medians of all visits but the first."""
    return " | ".join(f"{statistics.median(column):.2f}" for column in zip(*told[1:], strict=True))


def load(page: Page, url: str, mark: str) -> tuple[float, float]:
    start = time.perf_counter()
    page.goto(url, wait_until="commit")
    return seconds(page, READABLE, mark, start), seconds(page, COMPLETE, mark, start)


def switch(page: Page, title: str) -> float:
    """Go to another view and time the way back."""
    other = "Architecture" if title != "Architecture" else "Training"
    page.get_by_role("radio", name=other).click()
    page.wait_for_timeout(1500)
    start = time.perf_counter()
    page.get_by_role("radio", name=title).click()
    page.wait_for_timeout(50)
    return seconds(page, COMPLETE, MADE, start)


def seconds(page: Page, script: str, mark: str, start: float) -> float:
    page.wait_for_function(script.replace("MARK", mark), polling=20, timeout=120_000)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
