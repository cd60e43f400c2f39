"""Charts draw the values that they are given; their looks are checked by eye."""

from itertools import pairwise

import numpy as np
import pytest

from emosense.charts.confusion import confusion_chart, difference_chart
from emosense.charts.cost import cost_chart
from emosense.charts.curves import roc_chart
from emosense.charts.evaluation import HEADLINES, class_chart, headline_chart
from emosense.charts.learning import learning_comparison_chart
from emosense.charts.slices import robustness_chart, slice_chart
from emosense.evaluation.bootstrap import Interval, class_bootstrap
from emosense.evaluation.curves import class_curves, macro_curves
from emosense.evaluation.metrics import compute_metrics
from emosense.evaluation.predictions import Predictions
from emosense.evaluation.robustness import RobustnessCurve, SeverityResult
from emosense.evaluation.slices import FEW_IMAGES, Slice

PREDICTIONS = Predictions(
    np.array([0, 3, 3], np.uint8), np.eye(7, dtype=np.float32)[[0, 3, 0]], np.zeros(3, bool)
)
HISTORY = [
    {"epoch": n, "accuracy": 0.1 * n, "val_accuracy": 0.2 * n, "loss": 2, "val_loss": 1}
    | {"seconds": 1800}
    for n in (1, 2)
]


def headline(values, paper):
    models = {
        label: {name: Interval(value, value - 0.02, value + 0.01) for name in HEADLINES}
        for label, value in values.items()
    }
    figures = {label: dict.fromkeys(HEADLINES, value) for label, value in paper.items()}
    return headline_chart(models, dict.fromkeys(values, "#123456"), figures)


def test_headline_chart_puts_the_papers_figures_on_their_own_models_bars():
    figure = headline({"first": 0.6, "ours": 0.7, "last": 0.3}, {"first": 0.62, "last": 0.27})
    bars = [trace for trace in figure.data if trace.type == "bar"]
    diamonds = [trace for trace in figure.data if trace.type == "scatter"]
    # Plotly places traces of a group in their order: a gap must be a trace without a value.
    assert [d.offsetgroup for d in diamonds] == [b.offsetgroup for b in bars]
    assert [list(d.y) for d in diamonds] == [[62] * 4, [None] * 4, [27] * 4]
    assert sum(d.showlegend for d in diamonds) == 1
    assert list(bars[1].y) == pytest.approx([70] * 4)
    assert list(bars[1].error_y.array) == pytest.approx([1] * 4)
    assert list(bars[1].error_y.arrayminus) == pytest.approx([2] * 4)


def test_headline_chart_without_a_paper_has_no_diamonds():
    assert {trace.type for trace in headline({"ours": 0.7}, {}).data} == {"bar"}


def test_classes_have_whiskers_where_they_have_images():
    metrics = compute_metrics(PREDICTIONS.labels, PREDICTIONS.probabilities).per_class
    intervals = class_bootstrap(PREDICTIONS)
    charted = class_chart({"a": metrics}, {"a": intervals}, {"a": "#123456"}, "recall")
    (bars,) = charted.data
    assert set(intervals) == {"angry", "happy"}
    for name, value, up, down in zip(
        bars.x, bars.y, bars.error_y.array, bars.error_y.arrayminus, strict=True
    ):
        expected = intervals[name]["recall"] if name in intervals else Interval(0, 0, 0)
        assert (value, value + up, value - down) == pytest.approx(
            (100 * expected.value, 100 * expected.high, 100 * expected.low)
        )


def test_cost_chart_joins_the_pareto_front():
    scores = {
        name: Interval(v, v - 0.1, v + 0.1) for name, v in (("a", 0.6), ("b", 0.7), ("c", 0.5))
    }
    costs = {"a": 10.0, "b": 1000.0, "c": 400.0}
    front, *points = cost_chart(scores, costs, dict.fromkeys(scores, "#123456"), ("F1", "x")).data
    assert (list(front.x), list(front.y)) == ([10, 1000], [60, 70])
    assert [point.marker.symbol for point in points] == ["diamond", "diamond", "circle"]
    speed = cost_chart(
        scores, costs, dict.fromkeys(scores, "#123456"), ("F1", "x"), higher_is_cheaper=True
    )
    assert list(speed.data[0].x) == [1000]
    without = cost_chart(scores, {"c": 3.0}, dict.fromkeys(scores, "#123456"), ("F1", "x"))
    assert [trace.name for trace in without.data] == ["Pareto front", "c"]


def test_learning_curves_over_epochs_and_hours():
    figure = learning_comparison_chart({"a": HISTORY}, {"a": "#123456"}, "accuracy")
    training, validation = figure.data
    assert (list(training.x), list(training.y)) == ([1, 2], pytest.approx([10, 20]))
    assert list(validation.y) == pytest.approx([20, 40])
    assert training.line.dash != validation.line.dash
    figure = learning_comparison_chart({"a": HISTORY}, {"a": "#123456"}, "loss", by_time=True)
    assert list(figure.data[0].x) == [0.5, 1]
    assert list(figure.data[1].y) == [1, 1]


def test_slices_of_few_images_are_hollow():
    accuracy, unknown = Interval(0.5, 0.4, 0.7), Interval(np.nan, np.nan, np.nan)
    slices = [Slice(n, accuracy, accuracy, unknown) for n in (FEW_IMAGES, FEW_IMAGES - 1)]
    arguments = {"<b>": slices}, {"<b>": "#123456"}, ["1 to 2 px", "3 px"], "size"
    (points,) = slice_chart(*arguments, "accuracy", "accuracy").data
    assert list(points.marker.symbol) == ["circle", "circle-open"]
    assert list(points.y) == [50, 50]
    assert list(points.error_y.array) == pytest.approx([20, 20])
    assert list(points.error_y.arrayminus) == pytest.approx([10, 10])
    assert points.name == "&lt;b&gt;"
    (points,) = slice_chart(*arguments, "selective_accuracy", "when answered").data
    assert np.isnan(np.array(points.y, float)).all()


def test_faces_found_are_drawn_once_for_networks_with_the_same_faces():
    def curve(found):
        accuracy = Interval(0.5, 0.4, 0.7)
        clean = SeverityResult(0, 100, 100, 100, accuracy)
        return RobustnessCurve(
            clean, tuple(SeverityResult(s, 40, found, 40, accuracy) for s in range(1, 6))
        )

    colours = dict.fromkeys("abc", "#123456")
    figure = robustness_chart({"a": curve(30), "b": curve(30)}, colours)
    assert [trace.name for trace in figure.data] == ["faces found", "a", "b"]
    assert list(figure.data[0].y) == [100, *[75] * 5]
    assert [row[0] for row in figure.data[1].customdata] == list(range(6))
    # Points of two networks lie beside each other.
    assert all(x < y for x, y in zip(figure.data[1].x, figure.data[2].x, strict=True))
    figure = robustness_chart({"a": curve(30), "b": curve(30), "c": curve(20)}, colours)
    assert sum(trace.name.startswith("faces found, ") for trace in figure.data) == 2


def contrast(first, second):
    """Return the contrast ratio (WCAG 2.2) of two colours in 0..255."""

    def luminance(colour):
        srgb = np.asarray(colour, float) / 255
        linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def rgb(colour):
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


@pytest.mark.parametrize("dark", [False, True])
def test_numbers_of_heat_maps_can_be_read_in_every_cell(dark):
    counts = np.diag(np.arange(1, 8)) + 1
    for figure in (
        confusion_chart(counts, normalize=True, dark=dark),
        difference_chart(counts, counts[::-1], ("a", "b"), dark=dark),
    ):
        (trace,) = figure.data
        for scale, text_colour in (
            (trace.colorscale, trace.textfont.color),
            (trace.meta["light"]["colorscale"], trace.meta["light"]["textfont"]["color"]),
        ):
            for (_, low), (_, high) in pairwise(scale):
                for weight in np.linspace(0, 1, 21):
                    cell = (1 - weight) * np.array(rgb(low)) + weight * np.array(rgb(high))
                    assert contrast(cell, rgb(text_colour)) >= 4.5


def test_zero_has_the_background_colour_of_a_dark_page():
    (trace,) = confusion_chart(np.eye(7, dtype=int), normalize=True, dark=True).data
    assert contrast(rgb(trace.colorscale[0][1]), rgb("#10141D")) < 1.2


def test_titles_of_models_are_no_html_and_no_template():
    title = "<a href='http://evil.com'>x</a> %{x} &lt;b&gt;"
    metrics = dict.fromkeys(HEADLINES, Interval(0.5, 0.4, 0.6))
    charts = [
        headline_chart(
            {title: metrics}, {title: "#000000"}, {title: dict.fromkeys(HEADLINES, 0.5)}
        ),
        difference_chart(np.eye(7, dtype=int), np.eye(7, dtype=int), (title, title)),
        cost_chart({title: metrics["accuracy"]}, {title: 9.0}, {title: "#000000"}, ("a", "b")),
        roc_chart({title: macro_curves(class_curves(PREDICTIONS))[0]}, {title: "#000000"}),
        learning_comparison_chart({title: HISTORY}, {title: "#000000"}, "loss"),
    ]
    texts = [text for f in charts for t in f.data for text in (t.name, t.hovertemplate) if text]
    assert any("&lt;a href=" in text and "&#37;{x} &amp;lt;b" in text for text in texts)
    assert not any("<a" in text or "%{x} &" in text for text in texts)
    assert "&lt;a href=" in charts[1].data[0].hovertemplate
