"""Temperature scaling and the abstention threshold, stored in a model's card."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from emosense.formatting import percent

_MIN_PROBABILITY = 1e-12


class Calibration(BaseModel):
    """Temperature scaling (Guo et al. 2017, arXiv:1706.04599) and an abstention threshold.

    The defaults are the identity and never abstain: a model without calibration.

    Attributes:
        temperature: divisor of the logits; above 1 the network was overconfident.
        threshold: calibrated top probability below which the model abstains ("unsure"); above 1
            it always abstains.
        accuracy: target accuracy of the predictions at or above the threshold, in 0..1.
        coverage: fraction of the calibration images at or above the threshold, in 0..1.
        part: name of the split that temperature and threshold were fitted on.

    >>> Calibration(temperature=2.0).apply(np.float32([[0.8, 0.2]])).round(3).tolist()
    [[0.6669999957084656, 0.3330000042915344]]
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    temperature: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    threshold: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0.0
    accuracy: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    coverage: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
    part: str = ""

    def apply(self, probabilities: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Calibrate class probabilities.

        Args:
            probabilities: (n, 7) float32, rows sum to 1.

        Returns:
            (n, 7) float32, rows sum to 1; the top class of a row does not change.
        """
        if self.temperature == 1.0:
            return probabilities
        logits = np.log(np.maximum(probabilities.astype(np.float64), _MIN_PROBABILITY))
        logits = (logits - logits.max(axis=1, keepdims=True)) / self.temperature
        calibrated = np.exp(logits)
        calibrated /= calibrated.sum(axis=1, keepdims=True)
        return np.asarray(calibrated, np.float32)

    def describe(self, faces: str) -> str:
        """Describe the abstention threshold and the accuracy that it was chosen for.

        Args:
            faces: the calibration images, in words, e.g. ``validation faces of FER2013``.
        """
        if not self.threshold:
            return "Its confidence was not calibrated."
        if self.threshold > 1:
            return "Always shows 'unsure': its predictions are not correct often enough at any threshold."
        return (
            f"Shows 'unsure' below {percent(self.threshold)}. Above it, {percent(self.accuracy)} of its "
            f"predictions on {faces} are correct."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the calibration as plain data, as it is stored in the card."""
        return self.model_dump()
