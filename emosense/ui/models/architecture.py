"""The Architecture view: the layers of each network, as in the paper's model summaries."""

from __future__ import annotations

import streamlit as st

from emosense.ui.components.markdown import escape_markdown
from emosense.ui.models.components import show_table
from emosense.ui.models.selection import Selection


def show(selection: Selection) -> None:
    """Show the view."""
    for selected in selection.models:
        card = selected.card
        st.header(selected.markdown)
        cost = "" if card.flops is None else f", {card.flops / 1e6:,.0f} million FLOPs per face"
        st.markdown(
            f"{escape_markdown(card.summary)} Input {escape_markdown(card.input)}. **{card.parameters:,} parameters**{cost}. "
            f"Licence {escape_markdown(card.licence)}."
        )
        if not card.layers:
            st.info(
                "This model's card lists no layers. Write it again with "
                "`emosense train ... --publish-only`.",
                icon=":material/info:",
            )
            continue
        show_table(
            [
                {
                    "layer": layer.name,
                    "type": layer.type,
                    "output": " x ".join(map(str, layer.output)),
                    "parameters": layer.parameters,
                    "MFLOPs": layer.flops / 1e6,
                }
                for layer in card.layers
            ],
            f"layers-{selected.model.name}",
            {"parameters": "localized", "MFLOPs": "%.1f"},
        )
    st.caption(
        "FLOPs: two per multiply-accumulate of convolutions and dense layers; "
        "all other operations are negligible beside them."
    )
