"""YuNet on ONNX Runtime's CUDA provider (GPU): whole batches of images at once."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from emosense.faces.backends.onnx import decode, dynamic_shape_model
from emosense.runtime.onnx_session import onnx_session

_MAX_BATCH: Final = 32
_MAX_BATCH_PIXELS: Final = 2**24
"""Largest number of pixels of a batch: about 70 bytes of the GPU's memory each, 1.2 GB."""


class CudaYuNet:
    """YuNet on ONNX Runtime, on the GPU: the graph of the CPU, for batches.

    Args:
        cuda: False runs the same graph on the CPU, for tests and benchmarks.

    Raises:
        RuntimeError: the CUDA provider is missing or does not work.

    >>> CudaYuNet(cuda=False).detect(np.zeros((2, 64, 64, 3), np.uint8), 0.7)[1].shape
    (0, 15)
    """

    def __init__(self, *, cuda: bool = True) -> None:
        self._session = onnx_session(batched_graph(), dynamic_shapes=True, cuda=cuda)
        self.label = f"YuNet (ONNX Runtime, {'GPU' if cuda else 'CPU'})"
        self.on_gpu = cuda
        # A provider that loads may still lack a kernel; better here than in the first photo.
        self.detect(np.zeros((1, 64, 64, 3), np.uint8), 0.7)

    def detect(
        self, images: npt.NDArray[np.uint8], threshold: float
    ) -> list[npt.NDArray[np.float32]]:
        """Detect faces; see :meth:`emosense.faces.backends.base.DetectorBackend.detect`."""
        height, width = images.shape[1:3]
        size = min(_MAX_BATCH, max(1, _MAX_BATCH_PIXELS // (height * width)))
        results: list[npt.NDArray[np.float32]] = []
        for start in range(0, len(images), size):
            batch = np.ascontiguousarray(images[start : start + size])
            outputs: Any = self._session.run(None, {"images": batch})
            results += decode(outputs, width, threshold)
        return results


def batched_graph() -> bytes:
    """Return YuNet's ONNX graph for (n, h, w, 3) uint8 BGR images, h and w multiples of 32.

    YuNet takes float32 images in channels-first order. Here bytes go to the GPU, a quarter of
    the transfer, and are reordered and converted there.
    """
    from onnx import TensorProto, helper

    model = dynamic_shape_model()
    graph = model.graph
    shape = ["n", "height", "width", 3]
    first = graph.input[0].name
    nodes = [
        helper.make_node("Transpose", ["images"], ["channels_first"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["channels_first"], [first], to=TensorProto.FLOAT),
    ]
    inputs = [helper.make_tensor_value_info("images", TensorProto.UINT8, shape)]
    changed = helper.make_graph(
        [*nodes, *graph.node], graph.name, inputs, graph.output, graph.initializer
    )
    model.graph.CopyFrom(changed)
    content: bytes = model.SerializeToString()
    return content
