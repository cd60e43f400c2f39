"""About page: what the app does, its limits, and its models."""

import streamlit as st

from emosense.emotions import EMOTIONS
from emosense.ui.components.markdown import code_span, escape_markdown
from emosense.ui.components.model_picker import loadable_models
from emosense.ui.navigation import require_router, show_title

require_router()

show_title("About EmoSense", "About")
st.markdown(
    f"""
EmoSense finds faces in photos and videos and says which of seven expressions a network sees in each:
{", ".join(EMOTIONS)}. It follows the paper *EmoSense: Machine Learning for Real-Time Facial
Expression Analysis*: faces are converted to grey, resized to 48 x 48 pixels and classified by a
convolutional network that was trained on FER2013.

**How reliable a prediction is.** Each prediction comes with calibrated probabilities, and the app
shows "unsure" (it abstains) where the network is not confident enough. The Models page shows each
network's accuracy and calibration, the page on responsible use its error rates per class.

**Your photos and videos** are analysed on the machine that runs this app and nowhere else.
Photos are held in memory and never written to disk. Videos lie on its disk while the page is open.
Both are gone about two minutes after it was closed.
"""
)
for model in loadable_models().values():
    card = model.card
    st.caption(
        f"{escape_markdown(card.title)}: trained with {code_span(card.command)}, {card.epochs_seen} epochs seen. "
        + card.earlier_runs
    )
