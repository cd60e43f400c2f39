"""Charts draw the values that they are given; their looks are checked by eye."""

from itertools import pairwise

import numpy as np
import pytest

from emosense.charts.confusion import confusion_chart, difference_chart
from emosense.charts.evaluation import HEADLINES, headline_chart
from emosense.evaluation.bootstrap import Interval


def headline(values, paper):
    models = {
        label: {name: Interval(value, value - 0.02, value + 0.01) for name in HEADLINES}
        for label, value in values.items()
    }
    return headline_chart(models, dict.fromkeys(values, "#123456"), paper)


def test_headline_chart_puts_each_paper_accuracy_on_its_own_models_bar():
    figure = headline({"first": 0.6, "ours": 0.7, "last": 0.3}, {"first": 0.62, "last": 0.27})
    bars = [trace for trace in figure.data if trace.type == "bar"]
    diamonds = [trace for trace in figure.data if trace.type == "scatter"]
    # Plotly places traces of a group in their order: a gap must be a trace without a value.
    assert [d.offsetgroup for d in diamonds] == [b.offsetgroup for b in bars]
    assert [d.y[0] for d in diamonds] == [62, None, 27]
    assert sum(d.showlegend for d in diamonds) == 1
    assert list(bars[1].y) == pytest.approx([70] * 4)
    assert list(bars[1].error_y.array) == pytest.approx([1] * 4)
    assert list(bars[1].error_y.arrayminus) == pytest.approx([2] * 4)


def test_headline_chart_without_a_paper_has_no_diamonds():
    assert {trace.type for trace in headline({"ours": 0.7}, {}).data} == {"bar"}


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
        headline_chart({title: metrics}, {title: "#000000"}, {title: 0.5}),
        difference_chart(np.eye(7, dtype=int), np.eye(7, dtype=int), (title, title)),
    ]
    texts = [text for f in charts for t in f.data for text in (t.name, t.hovertemplate) if text]
    assert any("&lt;a href=" in text and "&#37;{x} &amp;lt;b" in text for text in texts)
    assert not any("<a" in text or "%{x} &" in text for text in texts)
    assert "&lt;a href=" in charts[1].data[0].hovertemplate
