"""What computes a trained network: ONNX Runtime on CPUs, Keras on anything else."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.networks.card import WEIGHTS_FILE
from emosense.networks.device import compiled_call, device_label, has_gpu
from emosense.networks.registry import TrainedModel


class Runtime(Protocol):
    """Computes a network.

    Attributes:
        label: for people, e.g. ``ONNX Runtime, CPU``.
    """

    label: str

    def __call__(self, faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the (n, 7) float32 probabilities of (n, 48, 48) uint8 faces, n at least 1."""
        ...


def create_runtime(model: TrainedModel, engine: str = "auto") -> Runtime:
    """Return what computes ``model`` fastest here.

    Args:
        model: from the registry.
        engine: ``keras`` for Keras on any machine; ``auto`` for Keras where its backend has a
            GPU, and ONNX Runtime elsewhere; anything else for ONNX Runtime.

    Raises:
        ModelDamaged: the model cannot be loaded.
    """
    if engine != "keras" and not (engine == "auto" and has_gpu()):
        path = model.file(WEIGHTS_FILE)
        try:
            return OnnxRuntime(path.read_bytes())
        except Exception:  # unknown layers, or damage: Keras can do it, or tells what is wrong
            return KerasRuntime(model)
    return KerasRuntime(model)


class OnnxRuntime:
    """A network in ONNX Runtime, on the CPU; needs neither Keras nor TensorFlow.

    Args:
        archive: the content of a ``.keras`` file.

    Raises:
        UnknownLayer: the network cannot be turned into ONNX.
    """

    label = "ONNX Runtime, CPU"

    def __init__(self, archive: bytes) -> None:
        from emosense.networks.onnx_graph import UnknownLayer, onnx_of
        from emosense.networks.onnx_session import onnx_session

        self._session = onnx_session(onnx_of(archive), awake=True)
        if self._session.get_outputs()[0].shape[1:] != [len(EMOTIONS)]:
            raise UnknownLayer(f"output {self._session.get_outputs()[0].shape}")

    def __call__(self, faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """See :class:`Runtime`."""
        return np.asarray(self._session.run(None, {"faces": faces})[0], np.float32)


class KerasRuntime:
    """A network in Keras, on whatever device its backend has.

    Raises:
        ModelDamaged: the model cannot be loaded.
    """

    def __init__(self, model: TrainedModel) -> None:
        self._network = model.network()
        self._call = compiled_call(self._forward)
        self.label = f"Keras, {device_label()}"

    def _forward(self, faces: Any) -> Any:
        from keras import ops

        unit = ops.cast(faces, "float32") / 255.0
        return self._network(ops.expand_dims(unit, -1), training=False)

    def __call__(self, faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """See :class:`Runtime`."""
        from keras import ops

        return np.asarray(ops.convert_to_numpy(self._call(faces)), np.float32)
