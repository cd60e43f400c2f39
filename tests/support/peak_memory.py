"""Measures what a video costs in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_PROGRAM = r"""
import json, re, resource, sys
from pathlib import Path
from emosense.errors import EmoSenseError
path, annotated = sys.argv[1], sys.argv[2] or None
try:
    if annotated is None:
        from emosense.inference.video import inspect_video
        from emosense.worker.messages import InspectVideo
        inspect_video(InspectVideo(path=path, name=Path(path).name, preview_side=960))
        outcome, notes = "opened", []
    else:
        from emosense.analyzer import Analyzer
        analysis = Analyzer().video(path, annotated=annotated)
        result = analysis.finish()
        outcome, notes = result.problem or "complete", analysis.notes
except EmoSenseError as error:
    outcome, notes = str(error), []
usage = resource.getrusage(resource.RUSAGE_SELF)
# Not ru_maxrss, which a new process begins with the peak of the one that started it.
peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
print(json.dumps([outcome, notes, peak / 1024, usage.ru_utime + usage.ru_stime]))
"""


@dataclass(frozen=True)
class Cost:
    """What a process took.

    Attributes:
        outcome: ``opened``, ``complete``, or the message that a person reads.
        notes: messages beside the result.
        megabytes: peak of its resident memory, in MB.
        processor_seconds: of all its threads.
    """

    outcome: str
    notes: list[str]
    megabytes: float
    processor_seconds: float


def cost_of_video(path: Path, annotated: Path | None = None) -> Cost:
    """Inspect a video, or analyse it with a video with boxes; nothing but words may come of it."""
    command = [sys.executable, "-c", _PROGRAM, str(path), str(annotated or "")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return Cost(*json.loads(done.stdout.splitlines()[-1]))
