"""The images of the selected test set, where the visitor has brought them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emosense.evaluation_set.result import EvaluationSet
from emosense.faces.quality_score import quality_scores
from emosense.results import FaceQuality
from emosense.ui.models.crop_picture import crop_picture
from emosense.ui.models.own_set.session import session_evaluations
from emosense.ui.models.selection import SelectedModel, Selection


@dataclass(frozen=True)
class ShownImages:
    """The images of the selected test set, in the order of the predictions.

    Attributes:
        evaluation_set: the images and their rows.
        faces: (n,) index in the evaluation set of each image of the predictions.
        models: the networks that were tested on them.
        qualities: quality of each image; None where it was not measured.

    >>> ShownImages.__name__
    'ShownImages'
    """

    evaluation_set: EvaluationSet
    faces: npt.NDArray[np.intp]
    models: tuple[SelectedModel, ...]
    qualities: tuple[FaceQuality | None, ...]

    def picture(self, image: int) -> bytes:
        """Return an image as a JPEG or PNG file."""
        face = int(self.faces[image])
        if self.evaluation_set.pictures:
            return self.evaluation_set.pictures[face]
        return crop_picture(self.evaluation_set.crops[face])

    def name(self, image: int) -> str:
        """Return the name of an image."""
        return self.evaluation_set.row(int(self.faces[image])).name


def shown_images(selection: Selection) -> ShownImages | None:
    """Return the images of a selection; None if the visitor has not brought them."""
    if selection.own is not None:
        own, models = selection.own, selection.models
        faces = np.arange(len(own))
    else:
        fingerprints = [selected.card.data.fingerprint for selected in selection.models]
        given = None
        for fingerprint in dict.fromkeys(fingerprints):
            found = session_evaluations().shipped_images(selection.split, fingerprint)
            if found is not None:
                given = fingerprint, found
        if given is None:
            return None
        own = given[1]
        models = tuple(
            selected for selected in selection.models if selected.card.data.fingerprint == given[0]
        )
        faces = models[0].images
    quality = models[0].predictions.quality
    qualities: tuple[FaceQuality | None, ...] = (None,) * len(faces)
    if quality is not None and len(quality):
        scores = quality_scores(quality)
        measures = np.column_stack([quality, scores]).tolist()
        qualities = tuple(FaceQuality(*of_face) for of_face in measures)
    return ShownImages(own, faces, models, qualities)
