"""The report in one HTML file, and the tables that it shares with the Models page."""

import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from emosense.evaluation.bootstrap import bootstrap
from emosense.evaluation.predictions import (
    CORRUPTIONS,
    SEVERITIES,
    read_degraded,
    read_predictions,
)
from emosense.evaluation.slices import QUALITY_MEASURES
from emosense.networks.registry import find_model
from emosense.report.html import html_report
from emosense.report.tables import above_chance, class_rows, leaderboard
from emosense.ui.models.selection import SelectedModel

HOSTILE = "</script><script>alert(1)</script><img src=//evil.example> %{x}"
ALL = slice(None)
LINK = 'https://example.org/models?model=cnn8&part="><b>'


def evaluated(name, images=ALL, label=None):
    model = find_model(name)
    predictions, raw = (read_predictions(model, raw=raw).rows(images) for raw in (False, True))
    return SelectedModel(
        model,
        label or model.card.title,
        "#2E9E83",
        predictions,
        bootstrap(predictions),
        raw,
        read_degraded(model) if images is ALL else None,
        np.arange(3589)[images],
    )


def commands_of(models):
    return {model.label: f"{model.card.command}\n<again {model.card.name}>" for model in models}


class Outline(HTMLParser):
    """Names of all tags with addresses, and the texts of scripts, as a browser reads them."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.addresses, self.scripts, self.texts = [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [v for k, v in attrs if k in ("href", "src", "action", "data")]

    def handle_data(self, data):
        in_script = self.tags and self.tags[-1] == "script" and self.cdata_elem == "script"
        (self.scripts if in_script else self.texts).append(data)


@pytest.fixture(scope="module")
def report():
    models = [evaluated("cnn8", label=f"8L {HOSTILE}"), evaluated("emosense-s")]
    return Outline(html_report(models, "PrivateTest, 3,589 images", LINK, commands_of(models)))


def test_a_report_asks_nobody_and_runs_no_foreign_text(report):
    assert report.addresses == [LINK]
    assert "img" not in report.tags
    assert not [script for script in report.scripts if script.startswith("alert")]
    assert any(HOSTILE.replace("%{x}", "").strip() in text for text in report.texts)


def test_a_report_has_figures_and_what_reproduces_them(report):
    text = "".join(report.texts)
    for part in ("emosense train emosense-s", "<again cnn8>", "McNemar", LINK, "plotly "):
        assert part in text
    figures = [json.loads(s) for s in report.scripts if s.startswith('{"data"')]
    kinds = [figure["data"][0]["type"] for figure in figures]
    assert kinds == ["scatter", "heatmap", "heatmap", "bar", "bar", "bar", "scatter", "scatter"]
    assert {figure["layout"]["paper_bgcolor"] for figure in figures} == {"#FFFFFF"}


def cells(html, title):
    """The texts of the first table below a heading, one list per row."""
    table = html.split(f">{title}</h", 1)[1].split("<table>", 1)[1].split("</table>", 1)[0]
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in table.split("<tr>")]
    return [row for row in rows if row]


def test_a_report_slices_by_quality_and_corrupts():
    model = evaluated("emosense-s")
    html = html_report([model], "PrivateTest", LINK, commands_of([model]))
    header, *slices = cells(html, "Slices")
    assert header[0] == "quality score"
    assert len(slices) == 5
    images, right = header.index("images"), header.index("accuracy")
    counts = [int(row[images].replace(",", "")) for row in slices]
    correct = sum(n * float(row[right].split()[0]) for n, row in zip(counts, slices, strict=True))
    measured = np.isfinite(QUALITY_MEASURES["score"].of(model.predictions))
    assert sum(counts) == measured.sum()
    assert correct / sum(counts) == pytest.approx(
        100 * model.predictions.correct[measured].mean(), abs=0.06
    )
    header, row = cells(html, "Mean corruption accuracy")
    assert header == ["model", "uncorrupted", "all", *CORRUPTIONS]
    degraded = model.degraded
    means = [
        degraded.predictions.correct[degraded.severities == severity].mean()
        for severity in range(1, SEVERITIES + 1)
    ]
    assert row[2] == f"{100 * np.mean(means):.1f} %"
    header, row = cells(html, "Relative drop")
    assert header == ["model", "all", *CORRUPTIONS]


def test_a_report_fits_its_download():
    models = [evaluated("cnn8")]
    size = len(html_report(models, "x", "", commands_of(models)).encode())
    assert size < 6_000_000


def test_a_small_test_set_without_some_classes():
    labels = read_predictions(find_model("cnn8")).labels
    model = evaluated("cnn8", np.flatnonzero((labels != 1) & (labels != 5))[:30])
    html = html_report([model], "30 images", "no address", commands_of([model]))
    text = "".join(Outline(html).texts)
    assert "no address" in text
    assert "McNemar" not in text  # one network only
    assert "few images" in text
    assert "Robustness" not in text  # none of these was corrupted
    rows = {row["class"]: row for row in class_rows(model)}
    assert rows["disgust"]["F1"] is rows["surprise"]["ROC AUC"] is None
    assert not re.search(r"\bnan\b", text)


def test_one_row_per_network_the_best_first():
    models = [evaluated(name) for name in ("cnn4", "cnn10", "emosense-s")]
    rows, formats = leaderboard(models, faces_per_second={"4L CNN": 9.0})
    accuracies = [model.predictions.correct.mean() for model in models]
    assert [row["accuracy"] for row in rows] == pytest.approx(
        sorted((100 * accuracy for accuracy in accuracies), reverse=True)
    )
    assert [row["faces/s in batches"] for row in rows] == [None, 9.0, None]
    assert set(formats) <= set(rows[0])
    assert not any("points" in column for column in rows[0])
    assert [m.card.name for m in above_chance(models)] == ["cnn4", "emosense-s"]
    assert above_chance(models[1:2]) == models[1:2]
