"""The Slices view: accuracy, coverage and accuracy when answered by the quality of the face."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from emosense.charts.slices import slice_chart
from emosense.evaluation.bootstrap import Interval
from emosense.evaluation.predictions import Predictions
from emosense.evaluation.slices import (
    FEW_IMAGES,
    QUALITY_MEASURES,
    Bin,
    QualityMeasure,
    Slice,
    Values,
    evaluate_slices,
    quantile_bins,
)
from emosense.formatting import pluralize
from emosense.report.tables import SLICE_METRICS, bin_title, slice_formats, slice_rows
from emosense.ui.models.components import percent, show_chart, show_table
from emosense.ui.models.selection import SelectedModel, Selection
from emosense.ui.session.query_params import query_segments

_COUNTS = {"5": "5", "3": "3", "10": "10"}
_FACES = {"natural": "as they are", "degraded": "degraded"}


def show(selection: Selection) -> None:
    """Show the view."""
    st.header("Slices: for which faces is it right?")
    titles = {name: measure.title for name, measure in QUALITY_MEASURES.items()}
    measure = QUALITY_MEASURES[query_segments("measure", "Quality of the face", titles)]
    left, middle, right = st.columns([3, 1, 2])
    with left:
        metric = query_segments("metric", "Metric", SLICE_METRICS)
    with middle:
        count = int(query_segments("bins", "Slices", _COUNTS))
    with right:
        faces = _select_faces(selection)
    measured = _measured(selection, measure, faces)
    if not measured:
        st.info(
            "The quality of these faces was not measured. `emosense calibrate` measures it.",
            icon=":material/straighten:",
        )
        return
    bins = quantile_bins(np.concatenate([values for _, _, values in measured]), count)
    slices = {
        selected.label: evaluate_slices(predictions, selected.model.calibration, values, bins)
        for selected, predictions, values in measured
    }
    _show_caption(selection, measure, faces, measured)
    if len(bins) < 2:
        only = f": {measure.describe(bins[0].high)}" if bins else ""
        st.info(
            f"All faces have the same {measure.title}{only}. There is nothing to slice.",
            icon=":material/straighten:",
        )
        return
    _show_slices(selection, measure, metric, bins, slices)


def _select_faces(selection: Selection) -> str:
    if all(selected.degraded is None for selected in selection.models):
        return "natural"
    return query_segments(
        "faces",
        "Faces",
        _FACES,
        help="Degraded: pasted into pictures, corrupted as photos are, and found again.",
    )


def _measured(
    selection: Selection, measure: QualityMeasure, faces: str
) -> list[tuple[SelectedModel, Predictions, Values]]:
    """Return the models with the chosen faces' predictions and their values of the measure."""
    measured = []
    for selected in selection.models:
        predictions = selected.predictions
        if faces == "degraded":
            if (degraded := selected.degraded) is None:
                continue
            predictions = degraded.predictions.rows(degraded.found)
        if (values := measure.of(predictions)) is not None:
            measured.append((selected, predictions, values))
    return measured


def _show_caption(
    selection: Selection,
    measure: QualityMeasure,
    faces: str,
    measured: Sequence[tuple[SelectedModel, Predictions, Values]],
) -> None:
    without = [s.markdown for s in selection.models if s not in [m for m, _, _ in measured]]
    values = measured[0][2]
    unmeasured = int(np.isnan(values).sum())
    which = ", degraded and found again by the detector" if faces == "degraded" else ""
    direction = " in either direction" if measure.is_angle else ""
    st.caption(
        f"{selection.description}{which}, divided by {measure.title}{direction} into slices of about as "
        "many faces, with 95 % intervals (Wilson). Coverage: fraction of the faces that the model "
        f"answers; on the others it abstains. Slices of fewer than {FEW_IMAGES} images are hollow."
        + (
            f" In {pluralize(unmeasured, 'image')} the detector found no face, so that "
            f"{measure.title} is not known: they are in no slice."
            if unmeasured
            else ""
        )
        + (f" Without such faces: {', '.join(without)}." if without else "")
    )


def _show_slices(
    selection: Selection,
    measure: QualityMeasure,
    metric: str,
    bins: Sequence[Bin],
    slices: Mapping[str, Sequence[Slice]],
) -> None:
    titles = [bin_title(measure, each) for each in bins]
    show_chart(
        slice_chart(
            slices, selection.colours, titles, measure.title, metric, SLICE_METRICS[metric]
        ),
        f"slices-{metric}",
        f"{SLICE_METRICS[metric]} by {measure.title}: "
        + "; ".join(
            f"{label} {_describe(of_model[0], metric)} at {titles[0]} and "
            f"{_describe(of_model[-1], metric)} at {titles[-1]}"
            for label, of_model in slices.items()
        ),
    )
    rows = slice_rows(slices, measure, bins)
    show_table(rows, "slices", slice_formats(rows[0]))


def _describe(each: Slice, metric: str) -> str:
    interval: Interval = getattr(each, metric)
    value = interval.value
    return "unknown" if np.isnan(value) else percent(value)
