"""Non-maximum suppression of overlapping boxes."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from emosense.faces.backends.base import NMS_IOU


def non_max_suppression(
    detections: npt.NDArray[np.float32], threshold: float
) -> npt.NDArray[np.float32]:
    """Apply non-maximum suppression: keep the best of every group of overlapping boxes.

    Boxes overlap if their intersection over union exceeds
    :data:`~emosense.faces.backends.base.NMS_IOU`.

    Args:
        detections: (k, 15) float32 rows, in the format of
            :meth:`emosense.faces.backends.base.DetectorBackend.detect`.
        threshold: minimum score, in 0..1.

    Returns:
        The remaining rows, sorted by falling score.
    """
    detections = detections[detections[:, 14] >= threshold]
    if not len(detections):
        return detections
    boxes, scores = detections[:, :4].tolist(), detections[:, 14].tolist()
    indices = cv2.dnn.NMSBoxes(boxes, scores, threshold, NMS_IOU)
    return detections[np.asarray(indices, np.intp).ravel()]
