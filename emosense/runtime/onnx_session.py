"""ONNX Runtime sessions of the face detector and the networks."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import numpy.typing as npt

from emosense.runtime.gpu import CUDA_PROVIDER, has_cuda_provider
from emosense.runtime.processors import usable_processors

_CPU_PROVIDER: Final = "CPUExecutionProvider"
_CUDA_OPTIONS: Final = {
    # The default tries all algorithms for each new shape, and photos have many.
    "cudnn_conv_algo_search": "HEURISTIC",
    "arena_extend_strategy": "kSameAsRequested",
    # TF32 has 10 bits of mantissa; answers should be the CPU's (Ampere and later).
    "use_tf32": "0",
}
"""Options of the CUDA provider (onnxruntime.ai, "CUDA Execution Provider")."""

_pipelined: Final = ContextVar("pipelined", default=False)


@contextmanager
def pipelined() -> Iterator[None]:
    """Say that this thread is a stage of a pipeline: its networks leave processors to other stages.

    Threads that share one network wait for each other after each layer, and spin meanwhile. Where the
    processors are busy anyway that takes up to twice the processor time, and gains nothing.
    """
    token = _pipelined.set(True)
    try:
        yield
    finally:
        _pipelined.reset(token)


class NetworkSession:
    """A network: on all processors by itself, on half of them in a stage that is :func:`pipelined`.

    The outputs are the same. The second session is created when it is first needed; on the GPU there
    is none.

    Args:
        graph: serialised ONNX model.
        dynamic_shapes: whether the input's height and width change from call to call.
        allow_spinning: whether intra-op threads spin between layers, outside pipelines. It cuts the
            latency of a small network by a third, at the cost of other threads.
        cuda: whether to run on the GPU; raises as :func:`onnx_session` does.

    >>> import numpy as np
    >>> from emosense.faces.backends.onnx import dynamic_shape_model
    >>> session = NetworkSession(dynamic_shape_model().SerializeToString(), dynamic_shapes=True)
    >>> len(session.run({"input": np.zeros((1, 3, 64, 64), np.float32)}))
    12
    """

    def __init__(
        self,
        graph: bytes,
        *,
        dynamic_shapes: bool = False,
        allow_spinning: bool = False,
        cuda: bool = False,
    ) -> None:
        self._graph, self._dynamic_shapes = graph, dynamic_shapes
        self._alone = onnx_session(
            graph, dynamic_shapes=dynamic_shapes, allow_spinning=allow_spinning, cuda=cuda
        )
        self._in_pipeline: Any = self._alone if cuda else None

    @property
    def output_shape(self) -> list[int | str]:
        """Shape of the first output; a name stands for a length that changes from call to call."""
        shape: list[int | str] = self._alone.get_outputs()[0].shape
        return shape

    def run(
        self, inputs: Mapping[str, npt.NDArray[Any]], options: Any = None
    ) -> list[npt.NDArray[Any]]:
        """Compute all outputs.

        Args:
            inputs: the input arrays by name.
            options: ONNX Runtime's options of this run; None uses its defaults.
        """
        session = self._pipeline_session() if _pipelined.get() else self._alone
        outputs: list[npt.NDArray[Any]] = session.run(None, inputs, options)
        return outputs

    def _pipeline_session(self) -> Any:
        if self._in_pipeline is None:
            self._in_pipeline = onnx_session(
                self._graph,
                dynamic_shapes=self._dynamic_shapes,
                threads=max(1, usable_processors() // 2),
            )
            self._graph = b""  # needed no more
        return self._in_pipeline


def onnx_session(
    graph: bytes,
    *,
    dynamic_shapes: bool = False,
    allow_spinning: bool = False,
    threads: int = 0,
    cuda: bool = False,
) -> Any:
    """Create an ONNX Runtime inference session.

    Args:
        graph: serialised ONNX model.
        dynamic_shapes: whether the input's height and width change from call to call.
        allow_spinning: whether intra-op threads spin between layers. It cuts the latency of a
            small network by a third, at the cost of other threads.
        threads: number of intra-op threads; 0 takes one per processor.
        cuda: whether to run on the GPU, by the CUDA provider.

    Raises:
        RuntimeError: the CUDA provider is missing or does not work. ONNX Runtime itself would go on
            on the CPU without a word.
    """
    # ONNX Runtime sends telemetry since 1.29 unless this variable is set before the import; the
    # call below is for programs that imported it before us.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    # Between calls threads must always sleep: other stages of the video pipeline need the cores.
    setting = ("force_spinning_stop", "1") if allow_spinning else ("intra_op.allow_spinning", "0")
    options.add_session_config_entry(f"session.{setting[0]}", setting[1])
    options.intra_op_num_threads = threads
    options.enable_mem_pattern = not dynamic_shapes
    options.log_severity_level = 3
    if cuda:
        return _cuda_session(graph, options)
    return onnxruntime.InferenceSession(graph, options, providers=[_CPU_PROVIDER])


def _cuda_session(graph: bytes, options: Any) -> Any:
    import onnxruntime

    if not has_cuda_provider():
        available = ", ".join(onnxruntime.get_available_providers())
        raise RuntimeError(f"Expected {CUDA_PROVIDER} of onnxruntime-gpu. Received: {available}")
    if hasattr(onnxruntime, "preload_dlls"):  # finds CUDA and cuDNN among the installed packages
        onnxruntime.preload_dlls()
    providers = [(CUDA_PROVIDER, _CUDA_OPTIONS), _CPU_PROVIDER]
    session = onnxruntime.InferenceSession(graph, options, providers=providers)
    if session.get_providers()[0] != CUDA_PROVIDER:
        received = ", ".join(session.get_providers())
        raise RuntimeError(f"Expected a session on {CUDA_PROVIDER}. Received: {received}")
    session.disable_fallback()
    return session


def arena_shrinkage() -> Any:
    """Return options of a run after which the memory that it took is returned to the system.

    Without them a session keeps the memory of its largest run.
    """
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options
