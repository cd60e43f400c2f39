"""Ray's side of the gates: an actor whose inference process waits at them."""

import os
from pathlib import Path

from emosense.batch.options import BatchOptions
from emosense.batch.pools.ray import _Actor
from emosense.worker.client import InferenceWorker
from support.gates import WORKER, gated_environment


class GatedActor(_Actor):
    """Its gates lie beside the job's destination, which is all that an actor is told."""

    def __init__(self, options: BatchOptions, destination: str) -> None:
        super().__init__(options, destination)
        os.environ.update(gated_environment(Path(destination).with_name("gates")))
        self._runner._worker = InferenceWorker(WORKER)
