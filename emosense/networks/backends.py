"""Inference backends: ONNX Runtime on CPUs, Keras on anything else."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.networks.model_card import WEIGHTS_FILE
from emosense.networks.registry import TrainedModel
from emosense.runtime.device import compiled_call, device_label, has_gpu


class InferenceBackend(Protocol):
    """Computes a network.

    Attributes:
        label: backend and device, e.g. ``ONNX Runtime, CPU``.

    >>> from emosense.networks.registry import find_model
    >>> backend: InferenceBackend = create_backend(find_model("cnn8"), "onnx")
    >>> backend(np.zeros((2, 48, 48), np.uint8)).shape
    (2, 7)
    """

    label: str

    def __call__(self, faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the (n, 7) float32 probabilities of (n, 48, 48) uint8 faces, n at least 1."""
        ...


def create_backend(model: TrainedModel, backend: str = "auto") -> InferenceBackend:
    """Return the backend that computes ``model`` fastest here.

    Args:
        model: a model of the registry.
        backend: ``keras`` for Keras on any machine; ``auto`` for Keras where its backend has a
            GPU, and ONNX Runtime elsewhere; anything else for ONNX Runtime.

    Raises:
        ModelDamaged: the model cannot be loaded.
    """
    if backend != "keras" and not (backend == "auto" and has_gpu()):
        path = model.file(WEIGHTS_FILE)
        try:
            return OnnxBackend(path.read_bytes())
        except Exception:  # unknown layers, or damage: Keras can do it, or tells what is wrong
            return KerasBackend(model)
    return KerasBackend(model)


class OnnxBackend:
    """A network in ONNX Runtime, on the CPU; needs neither Keras nor TensorFlow.

    Args:
        archive: the content of a ``.keras`` file.

    Raises:
        UnsupportedLayer: the network cannot be converted to ONNX.

    >>> from emosense.networks.registry import find_model
    >>> archive = find_model("cnn8").file(WEIGHTS_FILE).read_bytes()
    >>> OnnxBackend(archive).label
    'ONNX Runtime, CPU'
    """

    label = "ONNX Runtime, CPU"

    def __init__(self, archive: bytes) -> None:
        from emosense.networks.keras_to_onnx import UnsupportedLayer, keras_to_onnx
        from emosense.runtime.onnx_session import onnx_session

        self._session = onnx_session(keras_to_onnx(archive), allow_spinning=True)
        if self._session.get_outputs()[0].shape[1:] != [len(EMOTIONS)]:
            raise UnsupportedLayer(f"output {self._session.get_outputs()[0].shape}")

    def __call__(self, faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """See :class:`InferenceBackend`."""
        return np.asarray(self._session.run(None, {"faces": faces})[0], np.float32)


class KerasBackend:
    """A network in Keras, on whatever device its backend has.

    Raises:
        ModelDamaged: the model cannot be loaded.

    >>> from emosense.networks.registry import find_model
    >>> KerasBackend(find_model("cnn4"))(np.zeros((2, 48, 48), np.uint8)).shape
    (2, 7)
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
        """See :class:`InferenceBackend`."""
        from keras import ops

        return np.asarray(ops.convert_to_numpy(self._call(faces)), np.float32)
