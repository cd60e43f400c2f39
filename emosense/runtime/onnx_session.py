"""How ONNX Runtime is started, for the detector and the networks alike."""

from __future__ import annotations

import os
from typing import Any


def onnx_session(graph: bytes, *, many_sizes: bool = False, allow_spinning: bool = False) -> Any:
    """Return an ONNX Runtime session on the CPU.

    Args:
        graph: the serialised ONNX model.
        many_sizes: whether its inputs change their height and width from call to call.
        allow_spinning: keep intra-op threads spinning between layers. A small network answers for one face
            in two thirds of the time, but in the meantime other threads get less.
    """
    # ONNX Runtime's packages since 1.29 report to their maker unless told not to, and have to be
    # told before they are loaded; the call is for programs that loaded them before us.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    # Between calls threads must sleep in any case: in a video other stages need the cores.
    setting = ("force_spinning_stop", "1") if allow_spinning else ("intra_op.allow_spinning", "0")
    options.add_session_config_entry(f"session.{setting[0]}", setting[1])
    options.enable_mem_pattern = not many_sizes
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
