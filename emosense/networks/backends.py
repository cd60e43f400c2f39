"""Inference backends of trained networks: ONNX Runtime or Keras, on GPU or CPU."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS, INPUT_SIZE
from emosense.networks.model_card import WEIGHTS_FILE
from emosense.networks.registry import TrainedModel
from emosense.runtime.device import compiled_call, device_label
from emosense.runtime.gpu import GpuFallback, cpu_backend


class InferenceBackend(Protocol):
    """Runs a network on batches of face crops.

    Attributes:
        label: display name of runtime and device, e.g. ``ONNX Runtime, CPU``.

    >>> class UniformBackend:
    ...     label = "uniform"
    ...     def __call__(self, faces):
    ...         return np.full((len(faces), 7), 1 / 7, np.float32)
    >>> UniformBackend()(np.zeros((2, 48, 48), np.uint8)).shape
    (2, 7)
    """

    @property
    def label(self) -> str: ...  # noqa: D102

    def __call__(self, faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return (n, 7) float32 class probabilities of (n, 48, 48) uint8 faces, n >= 1."""
        ...


def create_backend(model: TrainedModel, backend: str = "auto") -> InferenceBackend:
    """Create the inference backend that runs ``model`` fastest on this machine.

    Args:
        model: a model of the registry.
        backend: ``cuda`` selects ONNX Runtime on the GPU; ``keras`` selects Keras on any machine;
            ``auto`` selects ``cuda`` where it works, else Keras where its backend has a GPU, and ONNX
            Runtime on the CPU elsewhere; anything else selects ONNX Runtime on the CPU. A GPU that
            belongs to another process or fails is replaced by the CPU.

    Returns:
        The selected backend; Keras also for a network that cannot be converted to ONNX.

    Raises:
        ModelDamaged: the model cannot be loaded.
    """
    if backend in ("auto", "cuda", "keras"):
        return _FallbackNetwork(model, backend)
    return _load_on_cpu(model)


def _load_on_cpu(model: TrainedModel) -> InferenceBackend:
    path = model.file(WEIGHTS_FILE)
    try:
        return OnnxBackend(path.read_bytes())
    except Exception:  # an unsupported layer, which Keras runs, or damage, which it reports
        return KerasBackend(model)


def _load_on_cuda(model: TrainedModel) -> InferenceBackend:
    from emosense.networks.keras_to_onnx import UnsupportedLayer

    try:
        return OnnxBackend(model.file(WEIGHTS_FILE).read_bytes(), cuda=True)
    except UnsupportedLayer:  # no fault of the GPU
        return KerasBackend(model)


class _FallbackNetwork:
    """A network on the GPU as long as that works, and on the CPU."""

    def __init__(self, model: TrainedModel, backend: str) -> None:
        self._fallback = GpuFallback[InferenceBackend](
            backend,
            {"cuda": lambda: _load_on_cuda(model), "keras": lambda: KerasBackend(model)},
            lambda: KerasBackend(model) if cpu_backend(backend) == "keras" else _load_on_cpu(model),
        )

    @property
    def label(self) -> str:
        return self._fallback.label

    def __call__(self, faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        probabilities: npt.NDArray[np.float32] = self._fallback.call(lambda run: run(faces))
        return probabilities


class OnnxBackend:
    """Runs a network in ONNX Runtime, on CPU or GPU; needs neither Keras nor TensorFlow.

    Args:
        archive: content of a ``.keras`` file.
        cuda: whether to run on the GPU, by the CUDA provider.

    Raises:
        UnsupportedLayer: the network cannot be converted to ONNX.
        RuntimeError: the CUDA provider is missing or does not work.

    >>> from emosense.networks.registry import find_model
    >>> backend = OnnxBackend(find_model("emosense-s").file(WEIGHTS_FILE).read_bytes())
    >>> backend(np.zeros((2, 48, 48), np.uint8)).shape
    (2, 7)
    """

    def __init__(self, archive: bytes, *, cuda: bool = False) -> None:
        from emosense.networks.keras_to_onnx import UnsupportedLayer, keras_to_onnx
        from emosense.runtime.onnx_session import NetworkSession

        self._session = NetworkSession(keras_to_onnx(archive), allow_spinning=True, cuda=cuda)
        self.label = f"ONNX Runtime, {'GPU' if cuda else 'CPU'}"
        if self._session.output_shape[1:] != [len(EMOTIONS)]:
            raise UnsupportedLayer(f"output {self._session.output_shape}")
        if cuda:  # a provider that loads may still lack a kernel
            self(np.zeros((1, INPUT_SIZE, INPUT_SIZE), np.uint8))

    def __call__(self, faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """See :class:`InferenceBackend`."""
        return np.asarray(self._session.run({"faces": faces})[0], np.float32)


class KerasBackend:
    """Runs a network in Keras, on the device of the Keras backend.

    Args:
        model: a model of the registry.

    Raises:
        ModelDamaged: the model cannot be loaded.

    >>> from emosense.networks.registry import find_model
    >>> KerasBackend(find_model("emosense-s")).label
    'Keras, ...'
    """

    def __init__(self, model: TrainedModel) -> None:
        self._network = model.network()
        self._call = compiled_call(self._forward)
        self.label = f"Keras, {device_label()}"

    def _forward(self, faces: Any) -> Any:
        from keras import ops

        scaled = ops.cast(faces, "float32") / 255.0
        return self._network(ops.expand_dims(scaled, -1), training=False)

    def __call__(self, faces: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """See :class:`InferenceBackend`."""
        from keras import ops

        return np.asarray(ops.convert_to_numpy(self._call(faces)), np.float32)
