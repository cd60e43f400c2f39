"""Pictures that keep their place while they load, so that nothing below them jumps."""

from __future__ import annotations

import io

import streamlit as st
from PIL import Image


def show_picture(picture: bytes, key: str, alt: str, *, width: int | None = None) -> None:
    """Show an encoded picture.

    Args:
        picture: a file of any kind that Pillow reads.
        key: unique on the page; letters, digits, ``_`` and ``-`` only.
        alt: what it shows, for those who cannot see it.
        width: width in pixels; as wide as its container if None.
    """
    with Image.open(io.BytesIO(picture)) as opened:
        size = opened.size  # from the header: nothing is decoded
    with st.container(key=key):
        st.html(
            f"<style>.st-key-{key} {{aspect-ratio: {size[0]} / {size[1]};"
            f" width: {'100%' if width is None else f'{width}px'}}}</style>"
        )
        st.image(picture, width="stretch" if width is None else width, alt=alt)
