"""Non-maximum suppression of overlapping boxes."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from emosense.faces.backends.base import NMS_IOU


def non_max_suppression(
    table: npt.NDArray[np.float32], threshold: float
) -> npt.NDArray[np.float32]:
    """Apply non-maximum suppression: keep the best of every group of overlapping boxes.

    Args:
        table: (k, 15) rows as :class:`~emosense.faces.backends.base.DetectorBackend` gives them.
        threshold: lowest score.
    """
    table = table[table[:, 14] >= threshold]
    if not len(table):
        return table
    indices = cv2.dnn.NMSBoxes(table[:, :4].tolist(), table[:, 14].tolist(), threshold, NMS_IOU)
    return table[np.asarray(indices, np.intp).ravel()]
