"""One test image: the answers of all networks, its quality, and why."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import streamlit as st

from emosense.emotions import EMOTIONS
from emosense.errors import EmoSenseError
from emosense.services import services
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.tables import show_dataframe
from emosense.ui.components.waiting import show_waits
from emosense.ui.models.selection import SelectedModel
from emosense.ui.models.shown_images import ShownImages
from emosense.ui.session.user import session_client
from emosense.worker.messages import ExplainCrop

_SIDE: Final = 220


def show_image(images: ShownImages, network: SelectedModel, image: int) -> None:
    """Show an image with the answers of all networks.

    Args:
        images: the images of the test set.
        network: the network that "Why?" explains.
        image: index of the image in the predictions.
    """
    name = images.name(image)
    label = EMOTIONS[int(network.predictions.labels[image])]
    st.image(
        images.picture(image),
        width=_SIDE,
        caption=f"{escape_markdown(name)} · label: {label}",
        alt=f"{name}, labelled {label}",
    )
    show_dataframe(
        [_answers(selected, image) for selected in images.models],
        probabilities=EMOTIONS,
        key=f"image_answers_{image}",
    )
    if (quality := images.qualities[image]) is not None:
        flags = ", ".join(quality.flags) or "nothing is poor"
        st.caption(
            f"Quality {quality.score:.2f}: {flags}. Size {quality.size:.0f} pixels, sharpness "
            f"{quality.sharpness:.2f}, brightness {quality.brightness:.2f}, contrast "
            f"{quality.contrast:.2f}"
            + (
                f", roll {quality.roll:.0f}°, yaw {quality.yaw:.0f}°, pitch {quality.pitch:.0f}° (coarse)."
                if quality.roll == quality.roll
                else "; no face was found in it for its angles."
            )
        )
    _show_explanation(images, network, image)


def _answers(selected: SelectedModel, image: int) -> dict[str, Any]:
    predictions = selected.predictions
    probabilities = predictions.probabilities[image].astype(float).tolist()
    row = predictions.rows(np.array([image]))
    sure = bool(row.sure(selected.model.calibration)[0])
    emotion = EMOTIONS[int(predictions.predicted[image])]
    return {
        "network": selected.label,
        "answer": emotion if sure else f"unsure ({emotion})",
        **dict(zip(EMOTIONS, probabilities, strict=True)),
    }


def _show_explanation(images: ShownImages, network: SelectedModel, image: int) -> None:
    pressed = st.button(
        "Why?",
        icon=":material/center_focus_strong:",
        key=f"image_why_{network.model.name}_{image}",
        help="Shows which regions of the face the prediction depends on (occlusion sensitivity); takes "
        "about a second.",
    )
    if not pressed:
        return
    quality = images.qualities[image]
    request = ExplainCrop(
        crop=images.evaluation_set.crops[int(images.faces[image])],
        score=1.0 if quality is None else quality.score,
        model=network.model.name,
        side=300,
    )
    try:
        spinner = st.spinner("Blurring one region of the face after another ...")
        with spinner, show_waits("photo") as on_wait:
            explanation = session_client(services().photos.pool, on_wait).request(request)
    except EmoSenseError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return
    st.image(explanation.picture, width=300, alt=explanation.summary)
    st.caption(f"{network.markdown}: {explanation.summary}")
