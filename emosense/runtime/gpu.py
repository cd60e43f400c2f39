"""The GPU: which process owns it, which runtimes can use it, and what happens when it fails.

A GPU has one owner, the first process that loads a model on it; a lock on a file says so until that
process ends. The others compute on the CPU. Each further owner would cost a CUDA context and buffers of
its own, some hundred MB and more, for work that the GPU does one piece after the other anyway.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar

from emosense.errors import EmoSenseError
from emosense.filesystem.lock import FileLock, lock_file
from emosense.runtime.device import has_gpu
from emosense.runtime.gpu_driver import VISIBLE_GPUS, may_have_gpu

CUDA_PROVIDER: Final = "CUDAExecutionProvider"
"""Name of ONNX Runtime's CUDA provider, which the package onnxruntime-gpu has."""

_RUNTIMES: Final = {"auto": ("cuda", "keras"), "cuda": ("cuda",), "keras": ("keras",)}
"""Runtimes that may compute on the GPU, by the setting EMOSENSE_BACKEND, the fastest first."""

_log = logging.getLogger(__name__)


def has_cuda_provider() -> bool:
    """Return whether ONNX Runtime was built for CUDA, which says nothing about the machine."""
    import onnxruntime

    return CUDA_PROVIDER in onnxruntime.get_available_providers()


def lock_path() -> Path:
    """Return the path of the lock of the GPUs that this process sees, one per user.

    Processes that were given a GPU each (``CUDA_VISIBLE_DEVICES``, as Ray sets it) own one each.
    """
    visible = os.environ.get(VISIBLE_GPUS, "all")
    user = os.getuid() if hasattr(os, "getuid") else 0
    digest = hashlib.sha256(visible.encode()).hexdigest()[:8]
    return Path(tempfile.gettempdir()) / f"emosense-gpu-{user}-{digest}.lock"


class Gpu:
    """This process's claim to the GPU, and what failed on it.

    Attributes:
        failures: what went wrong, by runtime (``cuda``, ``keras``); these are not tried again.
        is_taken: whether another process owned the GPU when this one asked last.

    >>> Gpu().failures
    {}
    """

    def __init__(self) -> None:
        self.failures: dict[str, str] = {}
        self.is_taken = False
        self._lock: FileLock | None = None

    def take(self) -> bool:
        """Return whether this process owns the GPU, after it has tried to become its owner."""
        if self._lock is not None and self._lock.is_held:
            return True
        try:
            self._lock = lock_file(lock_path(), os.O_CREAT | getattr(os, "O_NOFOLLOW", 0))
        except OSError as error:
            _log.warning("The GPU is not used: %s cannot be locked: %s", lock_path(), error)
            return False
        self.is_taken = self._lock is None
        if self.is_taken:
            _log.info("The GPU belongs to another process; this one computes on the CPU.")
        return not self.is_taken

    def fail(self, runtime: str, error: Exception) -> None:
        """Remember and log that a runtime failed on the GPU.

        The lock stays: what the runtime holds on the GPU is free only when this process ends.
        """
        self.failures[runtime] = f"{type(error).__name__}: {error}"
        _log.warning(
            "The GPU failed (%s): %s. Another runtime or the CPU takes over.",
            runtime,
            self.failures[runtime],
        )

    def release(self) -> None:
        """Give the GPU up and forget what failed, as the end of the process does."""
        self.failures.clear()
        self.is_taken = False
        if self._lock is not None:
            self._lock.release()
            self._lock = None


gpu: Final = Gpu()
"""The claim of this process."""


def gpu_runtimes(backend: str) -> Iterator[str]:
    """Yield the runtimes that may compute on the GPU, the fastest first, if this process owns it.

    Keras is loaded, which takes seconds, only after the caller has found ``cuda`` not to work.

    Args:
        backend: the setting EMOSENSE_BACKEND. ``auto`` allows ``cuda`` and ``keras``, each of them
            itself alone, and others none.
    """
    # Who asks for CUDA by name is told what is missing; for others a machine without is ordinary.
    if backend not in _RUNTIMES or not (backend == "cuda" or may_have_gpu()) or not gpu.take():
        return
    for runtime in _RUNTIMES[backend]:
        if runtime not in gpu.failures and (backend == "cuda" or _is_there(runtime)):
            yield runtime


def _is_there(runtime: str) -> bool:
    if runtime == "cuda":
        return has_cuda_provider()
    return has_gpu()


def has_failed(backend: str) -> bool:
    """Return whether a runtime that the setting ``backend`` allows failed on the GPU."""
    return any(runtime in gpu.failures for runtime in _RUNTIMES.get(backend, ()))


def cpu_backend(backend: str) -> str:
    """Return the backend that computes on the CPU for a setting: ``keras`` or ``onnx``.

    Keras computes on the CPU only where it was asked for by name and there is no GPU: it would use
    one that belongs to another process, or that fails.
    """
    return "keras" if backend == "keras" and not (gpu.is_taken or has_failed(backend)) else "onnx"


class Labelled(Protocol):
    """A backend of the detector or of a network.

    Attributes:
        label: display name of runtime and device.

    >>> class Example:
    ...     label = "YuNet (OpenCV, CPU)"
    >>> example: Labelled = Example()
    """

    @property
    def label(self) -> str: ...  # noqa: D102


BackendT = TypeVar("BackendT", bound=Labelled)


class GpuFallback(Generic[BackendT]):
    """A backend on the GPU, and one on the CPU that takes over for good when the GPU fails.

    Args:
        backend: the setting EMOSENSE_BACKEND.
        loaders: make the backend on the GPU, by runtime. They raise whatever the GPU's libraries
            raise; an EmoSenseError means something else than the GPU and is not caught.
        load_on_cpu: makes the backend on the CPU.

    >>> class Example:
    ...     label = "example, CPU"
    >>> GpuFallback("onnx", {}, Example).label
    'example, CPU'
    """

    def __init__(
        self,
        backend: str,
        loaders: Mapping[str, Callable[[], BackendT]],
        load_on_cpu: Callable[[], BackendT],
    ) -> None:
        self._backend = backend
        self._load_on_cpu = load_on_cpu
        self._on_cpu: BackendT | None = None
        self._on_gpu: BackendT | None = None
        self._runtime = ""
        for runtime in gpu_runtimes(backend):
            if runtime in loaders and self._loads(runtime, loaders[runtime]):
                return
        self._cpu()  # loaded at once, where no GPU may take its place

    def _loads(self, runtime: str, load: Callable[[], BackendT]) -> bool:
        try:
            self._on_gpu, self._runtime = load(), runtime
        except EmoSenseError:
            raise
        except Exception as error:  # libraries of GPUs raise anything
            gpu.fail(runtime, error)
        return self._on_gpu is not None

    def _cpu(self) -> BackendT:
        if self._on_cpu is None:
            self._on_cpu = self._load_on_cpu()
        return self._on_cpu

    def _gpu(self) -> BackendT | None:
        """Return the backend on the GPU if the next call runs there; other threads may end that."""
        # The other half of an analyzer may have found that the GPU fails.
        return None if self._runtime in gpu.failures else self._on_gpu

    @property
    def on_gpu(self) -> bool:
        """Whether the next call runs on the GPU."""
        return self._gpu() is not None

    @property
    def label(self) -> str:
        """Label of the backend that answers; it says when that is the CPU because the GPU failed."""
        if (on_gpu := self._gpu()) is not None:
            return on_gpu.label
        label = self._cpu().label
        if has_failed(self._backend):
            return label.replace("CPU", "CPU because the GPU failed")
        return label

    def call(self, run: Callable[[BackendT], Any]) -> Any:
        """Return ``run(backend)``, on the CPU if it fails on the GPU."""
        if (on_gpu := self._gpu()) is not None:
            try:
                return run(on_gpu)
            except MemoryError:  # of the host
                raise
            except Exception as error:  # e.g. out of memory, a lost device
                gpu.fail(self._runtime, error)
        self._on_gpu = None
        return run(self._cpu())
