"""Ray's side of the gates: an actor whose inference process waits at them."""

import os
from pathlib import Path

from gates import WORKER, gated_environment

from emosense.batch.ray_pool import _Actor
from emosense.batch.runner import BatchOptions
from emosense.worker.client import InferenceWorker


class GatedActor(_Actor):
    """Its gates lie beside the job's destination, which is all that an actor is told."""

    def __init__(self, options: BatchOptions, destination: str) -> None:
        super().__init__(options, destination)
        os.environ.update(gated_environment(Path(destination).with_name("gates")))
        self._runner._worker = InferenceWorker(WORKER)
