"""A report of evaluated networks as one HTML file that asks no other host for anything."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from html import escape
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import numpy as np

import emosense
from emosense.charts.confusion import confusion_chart
from emosense.charts.cost import cost_chart
from emosense.charts.evaluation import class_chart, reliability_chart
from emosense.charts.slices import robustness_chart, slice_chart
from emosense.evaluation.bootstrap import RESAMPLES, class_bootstrap
from emosense.evaluation.metrics import compute_metrics
from emosense.evaluation.predictions import CORRUPTIONS
from emosense.evaluation.reliability import reliability_bins
from emosense.evaluation.robustness import COUNTED, robustness_curve
from emosense.evaluation.significance import pairwise_tests
from emosense.evaluation.slices import (
    FEW_IMAGES,
    QUALITY_MEASURES,
    evaluate_slices,
    quantile_bins,
)
from emosense.export.text_table import best_cells, html_table
from emosense.formatting import pluralize
from emosense.report.model import EvaluatedModel
from emosense.report.reproduction import describe_training
from emosense.report.tables import (
    ALL_CORRUPTIONS,
    CALIBRATION_FORMATS,
    CLASS_FORMATS,
    LEADERBOARD_BEST,
    MFLOPS,
    PAIR_FORMATS,
    bin_title,
    calibration_rows,
    class_rows,
    corruption_accuracy_rows,
    corruption_drop_rows,
    corruption_formats,
    leaderboard,
    pair_rows,
    slice_formats,
    slice_rows,
)

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_SLICES: Final = 5
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:"
)
_STYLE: Final = """
body { font: 15px/1.5 Arial, Helvetica, sans-serif; color: #1A1F2B; background: #FFF;
  max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.25; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #DFE3EA; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; margin: .75rem 0; }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #DFE3EA; text-align: left; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(340px, 100%), 1fr)); gap: 1rem; }
figure { margin: 0; min-width: 0; }
a { overflow-wrap: anywhere; }
figcaption { font-weight: bold; }
pre { background: #F3F5F9; padding: .75rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.note { color: #4A5262; }
@media print { figure, table { break-inside: avoid; } }
"""
# At the end, when all columns have their widths.
_DRAW: Final = """
for (const script of document.querySelectorAll("figure script")) {
  const { data, layout } = JSON.parse(script.textContent);
  Plotly.newPlot(script.previousElementSibling, data, layout, CONFIG);
}
"""
_CONFIG: Final = {
    "displaylogo": False,
    "responsive": True,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"format": "svg"},
}


def html_report(
    models: Sequence[EvaluatedModel], description: str, link: str, commands: Mapping[str, str]
) -> str:
    """Return a report with tables, tests, confusion matrices, calibration and commands.

    All texts of models are escaped, and a content security policy in the file forbids its browser any
    request. It has about 5 MB, nearly all of it Plotly's script.

    Args:
        models: at least one.
        description: the test images, in words.
        link: address of the page's state.
        commands: the commands that train and evaluate each network again, by label.
    """
    from plotly.offline import get_plotlyjs

    sections = (
        *(_headline, _significance, _confusion, _classes, _calibration),
        *(_slices, _robustness),
    )
    body = "".join(section(models) for section in sections) + _reproduction(models, commands)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>EmoSense: evaluation of {pluralize(len(models), 'network')}</title><style>{_STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head><body>"
        f"<h1>Evaluation of facial expression networks</h1><p>{escape(description)}. "
        f"{_anchor(link)}</p>{body}"
        f"<script>{_DRAW.replace('CONFIG', json.dumps(_CONFIG))}</script></body></html>\n"
    )


def _anchor(link: str) -> str:
    if not link.startswith(("http://", "https://")):
        return escape(link)
    return f'The page with this selection: <a href="{escape(link)}">{escape(link)}</a>'


def _headline(models: Sequence[EvaluatedModel]) -> str:
    rows, formats = leaderboard(models)
    costs = {m.label: m.card.flops / 1e6 for m in models if m.card.flops}
    chart = cost_chart(
        {m.label: m.intervals["accuracy"] for m in models},
        costs,
        {m.label: m.colour for m in models},
        ("accuracy", MFLOPS),
    )
    return _section(
        "Headline metrics",
        f"95 %: bootstrap intervals of {RESAMPLES:,} resamples of the test images. Precision, recall "
        "and F1 are means over the seven classes; ECE: expected calibration error; loss in nats. The "
        "best figures are bold. The paper's figures are by the paper's own training recipe on FER2013's "
        "test images.",
        _table(rows, formats, best_cells(rows, LEADERBOARD_BEST)),
        _figure(chart, "Accuracy against cost; the dashed line is the Pareto front")
        if costs
        else "",
    )


def _significance(models: Sequence[EvaluatedModel]) -> str:
    tests = pairwise_tests({model.label: model.predictions for model in models})
    if not tests:
        return ""
    return _section(
        "Significance of the differences",
        "McNemar's exact test of all pairs on the same images, with Holm's correction for their "
        "number. Points: accuracy of the first network minus that of the second.",
        _table(pair_rows(tests), PAIR_FORMATS),
    )


def _confusion(models: Sequence[EvaluatedModel]) -> str:
    def chart(model: EvaluatedModel) -> Figure:
        metrics = compute_metrics(model.predictions.labels, model.predictions.probabilities)
        return confusion_chart(np.array(metrics.confusion), normalize=True)

    return _section(
        "Confusion matrices",
        "Rows are the true classes, columns the predicted ones, in percent of the true class.",
        _charts(models, chart),
    )


def _classes(models: Sequence[EvaluatedModel]) -> str:
    metrics = {
        m.label: compute_metrics(m.predictions.labels, m.predictions.probabilities).per_class
        for m in models
    }
    intervals = {model.label: class_bootstrap(model.predictions) for model in models}
    colours = {model.label: model.colour for model in models}
    tables = (
        f"<h3>{escape(model.label)}</h3>{_table(class_rows(model), CLASS_FORMATS)}"
        for model in models
    )
    return _section(
        "Per class",
        "ROC and precision-recall areas are of each class against all others (one-vs-rest).",
        _figure(class_chart(metrics, intervals, colours, "f1"), "F1 per class, 95 % intervals"),
        *tables,
    )


def _calibration(models: Sequence[EvaluatedModel]) -> str:
    def chart(model: EvaluatedModel) -> Figure:
        raw = reliability_bins(model.raw)
        return reliability_chart(reliability_bins(model.predictions), model.colour, raw)

    return _section(
        "Calibration",
        "Reliability diagrams: bars after temperature scaling, the grey line before it.",
        _table(calibration_rows(models), CALIBRATION_FORMATS),
        _charts(models, chart),
    )


def _slices(models: Sequence[EvaluatedModel]) -> str:
    measure = QUALITY_MEASURES["score"]
    values = {m.label: v for m in models if (v := measure.of(m.predictions)) is not None}
    bins = quantile_bins(np.concatenate([np.zeros(0), *values.values()]), _SLICES)
    if len(bins) < 2:
        return ""
    slices = {
        m.label: evaluate_slices(m.predictions, m.card.calibration, values[m.label], bins)
        for m in models
        if m.label in values
    }
    titles = [bin_title(measure, each) for each in bins]
    colours = {model.label: model.colour for model in models}
    rows = slice_rows(slices, measure, bins)
    return _section(
        "Slices",
        f"By {measure.title} (size, sharpness, light, pose of the face), in slices of about as many "
        "faces, with 95 % intervals (Wilson). Coverage: fraction of the faces that the network "
        f"answers. Slices of fewer than {FEW_IMAGES} images are hollow.",
        _figure(
            slice_chart(slices, colours, titles, measure.title, "accuracy", "accuracy"),
            f"Accuracy by {measure.title}",
        ),
        _table(rows, slice_formats(rows[0])),
    )


def _robustness(models: Sequence[EvaluatedModel]) -> str:
    degraded = {m.label: m.degraded for m in models if m.degraded and len(m.degraded.images)}
    if not degraded:
        return ""
    curves = {
        name: {
            m.label: robustness_curve(
                m.predictions,
                m.images,
                degraded[m.label],
                None if name == ALL_CORRUPTIONS else name,
            )
            for m in models
            if m.label in degraded
        }
        for name in (ALL_CORRUPTIONS, *CORRUPTIONS)
    }
    accuracies, drops = corruption_accuracy_rows(curves), corruption_drop_rows(curves)
    return _section(
        "Robustness",
        "The images, pasted into pictures and corrupted in five severities (after ImageNet-C), then "
        "looked for by the detector; 95 % intervals (Wilson). Accuracies are of "
        f"{COUNTED['all']}, and means of the five severities in the tables. Relative drop: fraction "
        "of the accuracy on the same faces uncorrupted that is lost.",
        _figure(
            robustness_chart(
                curves[ALL_CORRUPTIONS], {model.label: model.colour for model in models}
            ),
            "Accuracy against the severity of all corruptions",
        ),
        f"<h3>Mean corruption accuracy</h3>{_table(accuracies, corruption_formats(accuracies[0]))}",
        f"<h3>Relative drop</h3>{_table(drops, corruption_formats(drops[0]))}",
    )


def _reproduction(models: Sequence[EvaluatedModel], commands: Mapping[str, str]) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "plotly", "streamlit"))
    runs = (
        f"<h3>{escape(model.label)}</h3><p>{escape(describe_training(model.card))} "
        f"{escape(model.card.earlier_runs)}</p>"
        f"<pre>{escape(commands[model.label])}</pre>"
        for model in models
    )
    return _section(
        "How to reproduce",
        f"Made by EmoSense {emosense.__version__}, Python {platform.python_version()}, {packages}.",
        *runs,
    )


def _section(title: str, note: str, *parts: str) -> str:
    """Return a section; ``title`` and ``note`` are our own words."""
    return f'<section><h2>{title}</h2><p class="note">{note}</p>{"".join(parts)}</section>'


def _table(
    rows: Sequence[dict[str, Any]],
    formats: dict[str, str],
    best: Collection[tuple[int, str]] = (),
) -> str:
    return f'<div class="scroll">{html_table(rows, formats, best)}</div>'


def _charts(models: Iterable[EvaluatedModel], chart: Callable[[EvaluatedModel], Figure]) -> str:
    return f'<div class="charts">{"".join(_figure(chart(m), m.label) for m in models)}</div>'


def _figure(figure: Figure, caption: str) -> str:
    figure.update_layout(template="plotly_white", paper_bgcolor="#FFFFFF", plot_bgcolor="#FFFFFF")
    # A text in the figure must not end the script, whatever it holds.
    data = str(figure.to_json()).replace("<", "\\u003c")
    return (
        f'<figure role="img" aria-label="{escape(caption)}"><figcaption>{escape(caption)}</figcaption>'
        f'<div></div><script type="application/json">{data}</script></figure>'
    )
