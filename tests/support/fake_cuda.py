"""A CUDA provider that is none: what it is asked for runs on the CPU, until it is told to fail."""

from __future__ import annotations

from pathlib import Path

import onnxruntime
import pytest

from emosense.runtime import gpu as gpu_module
from emosense.runtime.gpu import CUDA_PROVIDER, gpu


class FakeCuda:
    """Stands for a machine with a GPU, a driver and onnxruntime-gpu.

    Attributes:
        loads: whether sessions can be made on the GPU.
        silent: whether a session that cannot be made runs on the CPU instead, as ONNX Runtime has it.
        works: whether sessions that were made can run.
        runs: number of runs on the GPU.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.loads, self.silent, self.works, self.runs = True, False, True, 0
        real = onnxruntime.InferenceSession
        fake = self

        class Session:
            def __init__(self, graph, options=None, providers=()):
                names = [one if isinstance(one, str) else one[0] for one in providers]
                self.on_gpu = CUDA_PROVIDER in names
                if self.on_gpu and not fake.loads:
                    if not fake.silent:
                        raise RuntimeError("libcudnn.so.9: cannot open shared object file")
                    self.on_gpu = False
                self._session = real(graph, options, providers=["CPUExecutionProvider"])

            def __getattr__(self, name):
                return getattr(self._session, name)

            def get_providers(self):
                return [CUDA_PROVIDER] * self.on_gpu + ["CPUExecutionProvider"]

            def disable_fallback(self):
                pass

            def run(self, *arguments):
                if self.on_gpu:
                    if not fake.works:
                        raise RuntimeError("CUDA failure 700: an illegal memory access")
                    fake.runs += 1
                return self._session.run(*arguments)

        providers = [CUDA_PROVIDER, *onnxruntime.get_available_providers()]
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: providers)
        monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
        monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None, raising=False)
        monkeypatch.setattr(gpu_module, "may_have_gpu", lambda: True)
        monkeypatch.setattr(gpu_module, "lock_path", lambda: folder / "gpu.lock")
        monkeypatch.setattr(gpu_module, "has_gpu", lambda: False)
        gpu.release()
