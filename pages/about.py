"""About page: what the answers are worth, and what happens to photos."""

import streamlit as st

from emosense.emotions import EMOTIONS
from emosense.errors import ModelError
from emosense.networks.registry import list_models
from emosense.ui.routing import require_router

require_router()

st.title("About EmoSense")
st.markdown(
    f"""
EmoSense finds faces in photos and videos and says which of seven expressions a network sees in each:
{", ".join(EMOTIONS)}. It follows the paper *EmoSense: Machine Learning for Real-Time Facial
Expression Analysis*: faces are made grey, resized to 48 x 48 pixels and classified by a
convolutional network that was trained on FER2013.

**What an answer is worth.** The network reads what a face shows, not what a person feels.
People themselves agree with FER2013's labels in about two of three cases. The table shows
each model's share of right answers per class on FER2013's PrivateTest.

**Your photos and videos** are analysed on the machine that runs this app and nowhere else.
Photos are held in memory while the page is open and never written to disk. Videos lie on its
disk while the page is open and are deleted afterwards.
"""
)

rows = []
for model in list_models().values():
    try:
        card = model.card
    except ModelError:
        continue
    test = card.metrics.get("PrivateTest")
    if test:
        recalls = {name: f"{values['recall']:.0%}" for name, values in test["per_class"].items()}
        rows.append({"model": card.title, "all": f"{test['accuracy']:.1%}", **recalls})
        st.caption(f"{card.title}: trained with `{card.command}`, {card.epochs_seen} epochs seen.")
if rows:
    st.dataframe(rows, hide_index=True, width="stretch", key="about_recall")
