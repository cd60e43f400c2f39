"""Charts in the colours of light and dark pages, always saved in light colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from emosense.ui.components.frame import dark

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_LIGHT: Final = {"text": "#1A1F2B", "grid": "#DFE3EA", "background": "#FFFFFF"}
_DARK: Final = {"text": "#E9EDF5", "grid": "#2B3444", "background": "#10141D"}


def show_plot(
    figure: Figure, key: str, alt: str, *, save_as: str | None = None, **options: Any
) -> Any:
    """Show a chart in the page's colours.

    Args:
        figure: a Plotly figure.
        key: key of the element.
        alt: alternative text for screen readers.
        save_as: file name under which the camera button saves the chart as SVG, drawn by the
            browser; None shows no button.
        options: other arguments of :func:`streamlit.plotly_chart`.

    Returns:
        The return value of :func:`streamlit.plotly_chart`.
    """
    colours = _DARK if dark() else _LIGHT
    figure.update_layout(
        font_color=colours["text"],
        legend_font_color=colours["text"],
        # frame.js saves charts in light colours, for printing, from dark pages too.
        meta={"light": _LIGHT},
    )
    figure.update_xaxes(tickfont_color=colours["text"], title_font_color=colours["text"])
    figure.update_yaxes(tickfont_color=colours["text"], title_font_color=colours["text"])
    config: dict[str, Any] = {"displayModeBar": False}
    if save_as is not None:
        config = {
            "displaylogo": False,
            "displayModeBar": True,
            "modeBarButtons": [["toImage"]],
            "toImageButtonOptions": {"format": "svg", "filename": save_as},
        }
    return st.plotly_chart(figure, width="stretch", key=key, alt=alt, config=config, **options)
