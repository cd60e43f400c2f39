"""Pictures that reserve their space while they load, so that the layout does not shift."""

from __future__ import annotations

import io

import streamlit as st
from PIL import Image


def show_picture(picture: bytes, key: str, alt: str, *, width: int | None = None) -> None:
    """Show an encoded picture.

    Args:
        picture: image file in a format that Pillow reads.
        key: key of the element, unique on the page; letters, digits, ``_`` and ``-`` only.
        alt: alternative text for screen readers.
        width: width in pixels; None uses the container's width.
    """
    with Image.open(io.BytesIO(picture)) as image:
        image_width, image_height = image.size  # from the header: nothing is decoded
    with st.container(key=key):
        st.html(
            f"<style>.st-key-{key} {{aspect-ratio: {image_width} / {image_height};"
            f" width: {'100%' if width is None else f'{width}px'}}}</style>"
        )
        st.image(picture, width="stretch" if width is None else width, alt=alt)
