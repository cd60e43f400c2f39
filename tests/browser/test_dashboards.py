import csv
import io
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import expect

from emosense.networks.registry import find_model

pytestmark = pytest.mark.browser


def scroll_to(place):
    """At once: Playwright's own way waits for an element to stand still, which is replaced here."""
    place.evaluate("(element) => element.scrollIntoView({ block: 'center' })")


def test_cold_deep_link_opens_the_whole_app(cold_server, page):
    page.goto(f"{cold_server}/models?model=cnn8&view=confusion")
    expect(
        page.get_by_text("Rows are the true classes, columns the predicted ones.")
    ).to_be_visible()
    # Our own navigation on top, not Streamlit's list of files in a sidebar.
    expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
    assert "view=confusion" in page.url
    page.get_by_role("link", name="Photo", exact=True).click()
    expect(page.get_by_text("Drop one or many photos above")).to_be_visible()


def test_chart_and_table_can_be_saved(server, page):
    page.goto(f"{server}/models")
    scroll_to(page.locator(".emosense-deferred").first)
    chart = page.get_by_test_id("stPlotlyChart").first
    expect(chart.locator(".main-svg").first).to_be_visible()
    saved = {}
    for kind in ("SVG", "PNG"):
        with page.expect_download() as info:
            chart.get_by_label(f"Download plot as {kind}").click()
        assert info.value.suggested_filename == f"emosense-accuracy-flops.{kind.lower()}"
        saved[kind] = Path(info.value.path()).read_bytes()
    svg = saved["SVG"].decode()
    assert svg.startswith("<svg")
    assert "Pareto front" in svg
    with Image.open(io.BytesIO(saved["PNG"])) as picture:
        assert picture.format == "PNG"
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 255, 255)
        width = int(re.search(r'width="(\d+)"', svg)[1])
        assert picture.width == pytest.approx(3 * width, abs=3)
    downloads = page.get_by_test_id("stDownloadButton")
    with page.expect_download() as info:
        downloads.get_by_text("CSV").first.click()
    assert info.value.suggested_filename == "emosense-leaderboard.csv"
    rows = list(csv.DictReader(io.StringIO(Path(info.value.path()).read_text("utf-8-sig"))))
    eights = [row for row in rows if row["parameters"] == "4232199"]
    accuracies = [
        100 * find_model(name).card.metrics["PrivateTest"].accuracy
        for name in ("cnn8", "cnn8-tuned")
    ]
    assert sorted(float(row["accuracy"]) for row in eights) == pytest.approx(accuracies)
    with page.expect_download() as info:
        downloads.get_by_text("Markdown").first.click()
    assert info.value.suggested_filename == "emosense-leaderboard.md"
    assert f"| {accuracies[0]:.1f} % |" in Path(info.value.path()).read_text()


def test_charts_further_down_are_drawn_when_they_are_reached(server, page):
    page.set_viewport_size({"width": 1280, "height": 700})
    page.goto(f"{server}/models")
    expect(page.get_by_text("How to reproduce")).to_be_visible()
    places = page.locator(".emosense-deferred")
    expect(places).to_have_count(2)
    expect(page.get_by_test_id("stPlotlyChart")).to_have_count(0)
    # What they show is there for screen readers before.
    expect(page.get_by_role("img", name="accuracy against MFLOPs per face")).to_have_count(1)
    scroll_to(places.first)
    chart = page.get_by_test_id("stPlotlyChart")
    expect(chart.locator(".main-svg").first).to_be_visible()
    expect(places).to_have_count(1)
    # It stays where it was once reached, whatever is chosen.
    page.get_by_role("radio", name="left out").click()
    expect(page.get_by_text("without duplicates").first).to_be_visible()
    expect(chart).to_have_count(1)
    expect(places).to_have_count(1)


def test_charts_that_are_reached_at_once_are_all_drawn(server, page):
    page.set_viewport_size({"width": 1280, "height": 3500})
    page.goto(f"{server}/models?view=classes")
    expect(page.get_by_test_id("stPlotlyChart").locator(".main-svg:first-child")).to_have_count(5)
    expect(page.locator(".emosense-deferred")).to_have_count(0)


def test_a_report_opens_without_the_server(server, page, chromium, tmp_path):
    page.goto(f"{server}/models?view=compare&model=cnn8&model=cnn4&part=PublicTest")
    with page.expect_download() as info:
        page.get_by_role("button", name="Report of this selection").click()
    assert info.value.suggested_filename == "emosense-report.html"
    info.value.save_as(tmp_path / "report.html")
    context = chromium.new_context(offline=True, viewport={"width": 390, "height": 844})
    report, errors, asked = context.new_page(), [], []
    report.on("pageerror", lambda error: errors.append(error))
    report.on("request", lambda request: asked.append(request.url))
    report.goto((tmp_path / "report.html").as_uri())
    expect(report.locator("figure .main-svg[role], figure svg.main-svg").first).to_be_visible()
    expect(report.get_by_role("link")).to_have_attribute(
        "href",
        re.compile(r"/models\?view=compare&model=cnn4&model=cnn8&part=PublicTest&copies=yes$"),
    )
    assert report.evaluate("document.documentElement.scrollWidth") <= 390
    assert errors == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    context.close()


def test_a_network_can_be_used_on_other_pages(server, page):
    page.goto(f"{server}/models?use=cnn4")
    main = page.get_by_test_id("stMain")
    main.get_by_role("link", name="Open the Photo page").click()
    expect(page.get_by_role("combobox", name="Model")).to_have_value(re.compile("4L CNN"))
    page.go_back()
    main.get_by_role("link", name="Open the Video page").click()
    page.get_by_role("button", name="Try a sample").click()
    expect(page.get_by_role("combobox", name="Model")).to_have_value(re.compile("4L CNN"))


def test_views_switch_and_the_url_follows(server, page):
    page.goto(f"{server}/models")
    page.get_by_role("radio", name="Calibration").click()
    expect(page.get_by_text("Calibration: does 70 % mean 70 %?")).to_be_visible()
    expect(page).to_have_url(re.compile(r"view=trust"))
    page.reload()
    expect(page.get_by_text("Calibration: does 70 % mean 70 %?")).to_be_visible()


@pytest.mark.parametrize(
    "view", ["overview", "confusion", "classes", "training", "trust", "slices", "robustness"]
)
def test_phone_width_does_not_scroll_sideways(server, page, view):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{server}/models?view={view}")
    expect(page.get_by_text("How to reproduce")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
