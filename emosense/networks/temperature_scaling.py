"""Temperature scaling and the abstention threshold, stored in a model's card."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from emosense.formatting import percent

_MIN_PROBABILITY = 1e-12

Fraction = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
VERSION_DIGITS: Final = 12
"""Length of the identifiers of weights and calibrations, in hexadecimal digits."""

Threshold = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _CalibrationModel(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class ReliabilityCell(_CalibrationModel):
    """Test faces of similar quality that were answered with similar confidence.

    Attributes:
        low: lowest calibrated top probability of the cell, in 0..1; it ends at the next one's.
        images: number of faces.
        accuracy: fraction of them that was predicted correctly, in 0..1.

    >>> ReliabilityCell(low=0.5, images=400, accuracy=0.58).accuracy
    0.58
    """

    low: Fraction
    images: Annotated[int, Field(ge=1)]
    accuracy: Fraction


class QualityCalibration(_CalibrationModel):
    """How calibration depends on the quality score of a face (:class:`emosense.results.FaceQuality`).

    Attributes:
        slope: what a score of 0 instead of 1 adds to the logarithm of the temperature.
        edges: the two scores between the thirds of the calibration faces, rising.
        thresholds: abstention thresholds in the worst, the middle and the best third; above 1 it
            always abstains.
        reliability: for each third, worst first, cells of rising confidence.

    >>> cells = [[ReliabilityCell(low=0.0, images=9, accuracy=third)] for third in (0.5, 0.6, 0.7)]
    >>> quality = QualityCalibration(
    ...     slope=0.3, edges=[0.8, 0.9], thresholds=[0.6, 0.5, 0.5], reliability=cells
    ... )
    >>> quality.third(np.array([0.1, 0.85, 1.0])).tolist()
    [0, 1, 2]
    """

    slope: Annotated[float, Field(allow_inf_nan=False)]
    edges: Annotated[list[Fraction], Field(min_length=2, max_length=2)]
    thresholds: Annotated[list[Threshold], Field(min_length=3, max_length=3)]
    reliability: Annotated[
        list[Annotated[list[ReliabilityCell], Field(min_length=1)]],
        Field(min_length=3, max_length=3),
    ]

    def third(self, scores: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.intp]:
        """Return the third of each quality score: 0 is the worst, 2 the best."""
        return np.asarray(np.digitize(scores, self.edges))


class Calibration(_CalibrationModel):
    """Temperature scaling (Guo et al. 2017, arXiv:1706.04599) and an abstention threshold.

    The defaults are the identity and never abstain: a model without calibration. With ``quality`` both
    depend on the quality score of the face (parameterised temperature scaling: Tomani et al. 2022,
    arXiv:2102.12182).

    Attributes:
        temperature: divisor of the logits; above 1 the network was overconfident.
        threshold: calibrated top probability below which the model abstains ("unsure"); above 1
            it always abstains. With ``quality`` that of the middle third.
        accuracy: target accuracy of the predictions at or above the threshold, in 0..1.
        coverage: fraction of the calibration images at or above the threshold, in 0..1.
        part: name of the split that temperature and threshold were fitted on.
        quality: dependence on the quality score; None if there is none.

    >>> Calibration(temperature=2.0).apply(np.float32([[0.8, 0.2]])).round(3).tolist()
    [[0.6669999957084656, 0.3330000042915344]]
    """

    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    threshold: Threshold = 0.0
    accuracy: Fraction = 0.0
    coverage: Fraction = 1.0
    part: str = ""
    quality: QualityCalibration | None = None

    def apply(
        self,
        probabilities: npt.NDArray[np.float32],
        scores: npt.NDArray[np.floating[Any]] | None = None,
    ) -> npt.NDArray[np.float32]:
        """Calibrate class probabilities.

        Args:
            probabilities: (n, 7) float32, rows sum to 1.
            scores: (n,) quality scores in 0..1; None takes all faces for faultless.

        Returns:
            (n, 7) float32, rows sum to 1; the top class of a row does not change.
        """
        temperature = np.full((len(probabilities), 1), self.temperature)
        if self.quality is not None and scores is not None:
            temperature[:, 0] *= np.exp(self.quality.slope * (1 - np.asarray(scores, np.float64)))
        if np.all(temperature == 1.0):
            return probabilities
        logits = np.log(np.maximum(probabilities.astype(np.float64), _MIN_PROBABILITY))
        logits = (logits - logits.max(axis=1, keepdims=True)) / temperature
        calibrated = np.exp(logits)
        calibrated /= calibrated.sum(axis=1, keepdims=True)
        return np.asarray(calibrated, np.float32)

    def sure(
        self,
        probabilities: npt.NDArray[np.float32],
        scores: npt.NDArray[np.floating[Any]] | None = None,
    ) -> npt.NDArray[np.bool_]:
        """Return for which faces the model does not abstain.

        Args:
            probabilities: (n, 7) float32, calibrated.
            scores: (n,) quality scores in 0..1; None takes all faces for faultless.
        """
        threshold: float | npt.NDArray[np.float64] = self.threshold
        if self.quality is not None:
            scores = np.ones(len(probabilities)) if scores is None else scores
            threshold = np.asarray(self.quality.thresholds)[self.quality.third(scores)]
        return np.asarray(probabilities.max(axis=1) >= threshold)

    def expected_accuracy(self, probability: float, score: float) -> float | None:
        """Return how many of the calibration faces answered like this were predicted correctly.

        Args:
            probability: calibrated top probability, in 0..1.
            score: quality score of the face, in 0..1.

        Returns:
            The fraction, in 0..1, of faces in the same third of quality with a similar probability;
            None if the model's calibration does not depend on quality.
        """
        if self.quality is None:
            return None
        cells = self.quality.reliability[int(self.quality.third(np.array([score]))[0])]
        return next((c for c in reversed(cells) if c.low <= probability), cells[0]).accuracy

    @property
    def thresholds(self) -> tuple[float, float]:
        """The lowest and the highest abstention threshold."""
        if self.quality is None:
            return self.threshold, self.threshold
        return min(self.quality.thresholds), max(self.quality.thresholds)

    def describe(self, faces: str) -> str:
        """Describe the abstention threshold and the accuracy that it was chosen for.

        Args:
            faces: the calibration images, in words, e.g. ``validation faces of FER2013``.
        """
        low, high = self.thresholds
        if not high:
            return "Its confidence was not calibrated."
        if low > 1:
            return "Always shows 'unsure': its predictions are not correct often enough at any threshold."
        limit = percent(low)
        if high > low:
            poor = "always" if high > 1 else f"below {percent(high)}"
            limit += f", in photos of poor quality {poor}"
        return (
            f"Shows 'unsure' below {limit}. Otherwise {percent(self.accuracy)} of its predictions on "
            f"{faces} are correct."
        )

    @property
    def version(self) -> str:
        """Identifier of its values: the first 12 hexadecimal digits of their SHA-256."""
        content = json.dumps(self.model_dump(), sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:VERSION_DIGITS]

    def as_dict(self) -> dict[str, Any]:
        """Return the calibration as plain data, as it is stored in the card."""
        return self.model_dump()
