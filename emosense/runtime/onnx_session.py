"""ONNX Runtime sessions of the face detector and the networks."""

from __future__ import annotations

import os
from typing import Any


def onnx_session(
    graph: bytes, *, dynamic_shapes: bool = False, allow_spinning: bool = False
) -> Any:
    """Create an ONNX Runtime inference session on the CPU.

    Args:
        graph: serialised ONNX model.
        dynamic_shapes: whether the input's height and width change from call to call.
        allow_spinning: whether intra-op threads spin between layers. It cuts the latency of a
            small network by a third, at the cost of other threads.
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
    options.enable_mem_pattern = not dynamic_shapes
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def arena_shrinkage() -> Any:
    """Return options of a run after which the memory that it took is returned to the system.

    Without them a session keeps the memory of its largest run.
    """
    import onnxruntime

    options = onnxruntime.RunOptions()
    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    return options
