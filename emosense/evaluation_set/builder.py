"""Builds a test set photo by photo, then network by network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple
from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS, INPUT_SIZE
from emosense.errors import Cancelled, EmoSenseError
from emosense.evaluation_set.labels import LEFT_OUT, ClassMapping, Label
from emosense.evaluation_set.result import EvaluationSet, MeasuredFace, Outcome, PhotoRow

Classify = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.float32]]
"""Returns (n, 7) uncalibrated probabilities of (n, 48, 48) crops."""

CHUNK: Final = 64
"""Crops that are classified in one call: below a second on a processor core."""


ROW_BYTES: Final = 400
FACE_BYTES: Final = 4000
"""About what a row, and a face with its crop, quality and predictions take in memory."""


class EvaluationSetBuilder:
    """Collects the rows, faces and predictions of a test set.

    Args:
        title: name of the test set.
        mapping: which emotion each class of the data set is.
        cropped: whether the pictures are cropped faces already.
        notes: what was not used of the data set, in words.

    >>> builder = EvaluationSetBuilder("album", ClassMapping({"joy": "happy"}))
    >>> builder.add(Label("a.jpg", "joy"), lambda: MeasuredFace(0, 640, 480)).outcome
    'no face'
    """

    def __init__(
        self,
        title: str,
        mapping: ClassMapping,
        *,
        cropped: bool = False,
        notes: tuple[str, ...] = (),
    ) -> None:
        self._title, self._mapping, self._cropped, self._notes = title, mapping, cropped, notes
        self._rows: list[PhotoRow] = []
        self._used: list[int] = []
        self._faces: list[MeasuredFace] = []
        self._probabilities: dict[str, npt.NDArray[np.float32]] = {}

    def add(self, label: Label, measure: Callable[[], MeasuredFace]) -> PhotoRow:
        """Add a labelled photo.

        Args:
            label: the photo and its class.
            measure: reads the photo and measures its face; not called for a photo that is left out.

        Returns:
            What became of it; a photo that cannot be read is a row with the message.

        Raises:
            Cancelled: ``measure`` was cancelled; the photo is not added.
        """
        emotion = self._mapping.emotions.get(label.class_name, LEFT_OUT)
        if not label.class_name or emotion == LEFT_OUT:
            outcome: Outcome = "class left out" if label.class_name else "no label"
            return self._append(PhotoRow(label.photo, label.class_name, "", outcome))
        try:
            face = measure()
        except Cancelled:
            raise
        except EmoSenseError as error:
            return self._fail(label, emotion, str(error))
        except Exception as error:  # an unexpected fault of a photo must not end the evaluation
            return self._fail(label, emotion, f"Unexpected fault: {error}")
        outcome = "no face"
        if face.crop is not None:
            outcome = "one face" if face.faces == 1 else "several faces"
            outcome = "cropped face" if self._cropped else outcome
            self._used.append(len(self._rows))
            self._faces.append(face)
        return self._append(
            PhotoRow(
                label.photo,
                label.class_name,
                emotion,
                outcome,
                faces=face.faces,
                width=face.width,
                height=face.height,
            )
        )

    def add_unmeasured(self, label: Label) -> None:
        """Add a labelled photo that was not looked at, because the evaluation was ended."""
        emotion = self._mapping.emotions.get(label.class_name, LEFT_OUT)
        emotion = "" if emotion == LEFT_OUT else emotion
        self._append(PhotoRow(label.photo, label.class_name, emotion, "not measured"))

    @property
    def last_size(self) -> int:
        """About how much memory the last photo takes, in bytes."""
        row = self._rows[-1]
        size = ROW_BYTES + 4 * (len(row.name) + len(row.message))
        return size + (FACE_BYTES + len(self._faces[-1].picture) if row.is_used else 0)

    @property
    def crops(self) -> npt.NDArray[np.uint8]:
        """(n, 48, 48) uint8 crops of all faces so far."""
        crops = [face.crop for face in self._faces if face.crop is not None]
        return np.array(crops, np.uint8).reshape(-1, INPUT_SIZE, INPUT_SIZE)

    def predict(
        self, model: str, classify: Classify, on_progress: Callable[[int], None] = lambda done: None
    ) -> None:
        """Predict all faces with a network.

        Args:
            model: name of the network.
            classify: the network.
            on_progress: called with the number of predicted faces after each call of the network.
        """
        self._probabilities[model] = predict_in_chunks(self.crops, classify, on_progress)

    def build(self) -> EvaluationSet:
        """Return the test set."""
        labels = [EMOTIONS.index(self._rows[row].emotion) for row in self._used]
        quality = [astuple(face.quality)[:8] for face in self._faces if face.quality is not None]
        return EvaluationSet(
            self._title,
            tuple(self._rows),
            np.array(self._used, np.intp),
            self.crops,
            np.array(labels, np.uint8),
            np.array(quality, np.float32).reshape(-1, 8),
            tuple(face.picture for face in self._faces),
            dict(self._probabilities),
            self._notes,
        )

    def _fail(self, label: Label, emotion: str, message: str) -> PhotoRow:
        row = PhotoRow(label.photo, label.class_name, emotion, "not readable", message)
        return self._append(row)

    def _append(self, row: PhotoRow) -> PhotoRow:
        self._rows.append(row)
        return row


def predict_in_chunks(
    crops: npt.NDArray[np.uint8],
    classify: Classify,
    on_progress: Callable[[int], None] = lambda done: None,
) -> npt.NDArray[np.float32]:
    """Classify crops, :data:`CHUNK` at a time.

    Args:
        crops: (n, 48, 48) uint8 grey; n may be 0.
        classify: the network.
        on_progress: called with the number of predicted faces after each call.

    Returns:
        (n, 7) float32 probabilities.
    """
    parts = []
    for start in range(0, len(crops), CHUNK):
        parts.append(classify(crops[start : start + CHUNK]))
        on_progress(min(start + CHUNK, len(crops)))
    return np.concatenate(parts) if parts else np.zeros((0, len(EMOTIONS)), np.float32)
