import csv
import io
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from emosense.networks.registry import find_model

pytestmark = pytest.mark.browser


def test_cold_deep_link_opens_the_whole_app(cold_server, page):
    page.goto(f"{cold_server}/models?model=cnn8&view=confusion")
    expect(
        page.get_by_text("Rows are the true classes, columns the predicted ones.")
    ).to_be_visible()
    # Our own navigation on top, not Streamlit's list of files in a sidebar.
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    assert "view=confusion" in page.url
    page.get_by_role("link", name="Photo").click()
    expect(page.get_by_text("Drop one or many photos above")).to_be_visible()


def test_chart_and_table_can_be_saved(server, page):
    page.goto(f"{server}/models")
    chart = page.get_by_test_id("stPlotlyChart").first
    expect(chart.locator(".main-svg").first).to_be_visible()
    chart.hover()
    with page.expect_download() as info:
        chart.locator("[data-title^='Download plot']").click()
    assert info.value.suggested_filename == "emosense-overview.svg"
    svg = Path(info.value.path()).read_text()
    assert svg.startswith("<svg")
    assert "accuracy" in svg
    with page.expect_download() as info:
        page.get_by_test_id("stDownloadButton").first.get_by_role("button").click()
    assert info.value.suggested_filename == "emosense-metrics.csv"
    rows = list(csv.DictReader(io.StringIO(Path(info.value.path()).read_text())))
    eights = [row for row in rows if row["parameters"] == "4232199"]
    accuracies = [
        100 * find_model(name).card.metrics["PrivateTest"].accuracy
        for name in ("cnn8", "cnn8-tuned")
    ]
    assert sorted(float(row["accuracy"]) for row in eights) == pytest.approx(accuracies)


def test_views_switch_and_the_url_follows(server, page):
    page.goto(f"{server}/models")
    page.get_by_role("radio", name="Calibration").click()
    expect(page.get_by_text("Calibration: does 70 % mean 70 %?")).to_be_visible()
    expect(page).to_have_url(re.compile(r"view=trust"))
    page.reload()
    expect(page.get_by_text("Calibration: does 70 % mean 70 %?")).to_be_visible()


@pytest.mark.parametrize("view", ["overview", "confusion", "classes", "trust"])
def test_phone_width_does_not_scroll_sideways(server, page, view):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server}/models?view={view}")
    expect(page.get_by_text("How to reproduce")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
