"""Foreign text in charts: Plotly reads some HTML in texts, and variables in those of tooltips."""

from __future__ import annotations

import html


def plain_text(text: str) -> str:
    """Return a text that Plotly shows as it is, in names, titles, annotations and tooltips.

    Plotly's texts may hold links, bold type and line breaks as HTML, and ``%{x}`` in tooltips.

    Args:
        text: any text, e.g. the title of a model.

    >>> plain_text("<b>8L</b> %{x}")
    '&lt;b&gt;8L&lt;/b&gt; &#37;{x}'
    """
    return html.escape(" ".join(text.split()), quote=False).replace("%{", "&#37;{")
