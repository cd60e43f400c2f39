"""Charts say what their numbers say; looks are checked by eye."""

import pytest

from emosense.charts.evaluation import HEADLINES, headline_chart
from emosense.evaluation.intervals import Interval


def headline(values, paper):
    models = {
        label: {name: Interval(value, value - 0.02, value + 0.01) for name in HEADLINES}
        for label, value in values.items()
    }
    return headline_chart(models, dict.fromkeys(values, "#123456"), paper)


def test_headline_chart_puts_each_paper_figure_on_its_own_models_bar():
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
