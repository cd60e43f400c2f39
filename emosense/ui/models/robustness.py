"""The Robustness view: accuracy under common corruptions of photos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from emosense.charts.slices import robustness_chart
from emosense.evaluation.predictions import CORRUPTIONS
from emosense.evaluation.robustness import COUNTED, Counted, RobustnessCurve, robustness_curve
from emosense.evaluation.slices import FEW_IMAGES
from emosense.report.tables import (
    ALL_CORRUPTIONS,
    corruption_accuracy_rows,
    corruption_drop_rows,
    corruption_formats,
)
from emosense.ui.models.components import percent, show_chart, show_table
from emosense.ui.models.selection import SelectedModel, Selection
from emosense.ui.session.query_params import query_segments, query_selectbox

_COUNTED_TITLES: dict[Counted, str] = {
    "all": "all",
    "found": "found again",
    "missed": "all, not found is wrong",
}


def show(selection: Selection) -> None:
    """Show the view."""
    st.header("Robustness: what if the photo is poor?")
    models = [selected for selected in selection.models if _has_corrupted_faces(selected)]
    if not models:
        _say_how_to_get_them(selection)
        return
    left, right = st.columns([1, 2], vertical_alignment="bottom")
    with left:
        corruption = _select_corruption()
    with right:
        counted = _select_counted()
    curves = {
        name: {selected.label: _curve(selected, name, counted) for selected in models}
        for name in (ALL_CORRUPTIONS, *CORRUPTIONS)
    }
    without = [selected.markdown for selected in selection.models if selected not in models]
    st.caption(
        f"{selection.description}, pasted into pictures and corrupted in five severities (after "
        "ImageNet-C), then looked for by the detector. Each image has a few of the combinations, so that "
        "severities are compared on different images; severity 0 are all of them, uncorrupted. 95 % "
        f"intervals (Wilson); points of fewer than {FEW_IMAGES} faces are hollow. The accuracy is of "
        f"{COUNTED[counted]}."
        + (f" Without corrupted faces: {', '.join(without)}." if without else "")
    )
    _show_curves(curves[corruption], corruption, selection.colours)
    _show_tables(curves, [selected.label for selected in models])


def _has_corrupted_faces(selected: SelectedModel) -> bool:
    return selected.degraded is not None and len(selected.degraded.images) > 0


def _say_how_to_get_them(selection: Selection) -> None:
    if selection.own is not None:
        st.info(
            f"{selection.description}: they were not corrupted. That is done with FER2013's test images "
            "only; choose PrivateTest or PublicTest above.",
            icon=":material/blur_on:",
        )
        return
    st.info(
        "These networks have no predictions on corrupted faces. They are made, and kept with a network, "
        "by this command:",
        icon=":material/blur_on:",
    )
    name = selection.models[0].card.name
    st.code(f"emosense evaluate {name} --data fer2013.csv --corruptions", language="sh")


def _select_corruption() -> str:
    titles = {ALL_CORRUPTIONS: "all corruptions"} | {name: name for name in CORRUPTIONS}
    return query_selectbox("corruption", "Corruption", titles, ALL_CORRUPTIONS)


def _select_counted() -> Counted:
    titles = {str(name): title for name, title in _COUNTED_TITLES.items()}
    choice = query_segments(
        "counted",
        "Faces that count",
        titles,
        help="All: the network alone, faces that are not found again cropped where they were. Found "
        "again: the network where it is given a face. Not found is wrong: detector and network together.",
    )
    return next(name for name in COUNTED if name == choice)


def _curve(selected: SelectedModel, corruption: str, counted: Counted) -> RobustnessCurve:
    assert selected.degraded is not None
    return robustness_curve(
        selected.predictions,
        selected.images,
        selected.degraded,
        None if corruption == ALL_CORRUPTIONS else corruption,
        counted,
    )


def _show_curves(
    curves: Mapping[str, RobustnessCurve], corruption: str, colours: Mapping[str, str]
) -> None:
    show_chart(
        robustness_chart(curves, colours),
        f"robustness-{corruption.replace(' ', '-')}",
        f"Accuracy against the severity of {corruption}: "
        + "; ".join(
            f"{label} {_percent(curve.clean.accuracy.value)} uncorrupted, "
            f"{_percent(curve.corrupted[-1].accuracy.value)} at severity 5"
            for label, curve in curves.items()
        ),
    )


def _show_tables(
    curves: Mapping[str, Mapping[str, RobustnessCurve]], labels: Sequence[str]
) -> None:
    st.header("Mean corruption accuracy")
    few = [
        name
        for name, of_models in curves.items()
        if any(result.counted < FEW_IMAGES for result in of_models[labels[0]].corrupted)
    ]
    st.caption(
        "Mean of the five severities."
        + (
            f" Uncertain, since at one of them fewer than {FEW_IMAGES} faces count, and blank where none "
            f"does: {', '.join(few)}."
            if few
            else ""
        )
    )
    rows = corruption_accuracy_rows(curves)
    show_table(rows, "corruption-accuracy", corruption_formats(rows[0]))
    st.header("Relative drop")
    st.caption(
        "Fraction of the accuracy on the same faces uncorrupted that is lost, as a mean of the five "
        "severities; negative where the corrupted faces were classified better."
    )
    rows = corruption_drop_rows(curves)
    show_table(rows, "corruption-drop", corruption_formats(rows[0]))
    st.header("Faces found again")
    st.caption("The detector and not the networks: how many of the corrupted faces it still finds.")
    rows = [
        {"corruption": name, "faces": curve.faces, "found": 100 * curve.found / curve.faces}
        | {f"severity {result.severity}": 100 * result.found_fraction for result in curve.corrupted}
        for name, of_models in curves.items()
        if (curve := of_models[labels[0]]).faces
    ]
    if rows:
        text = {"corruption": "", "faces": ""}
        show_table(rows, "corruption-found", dict.fromkeys(rows[0], "%.1f %%") | text)


def _percent(value: float) -> str:
    return "unknown" if value != value else percent(value)
