"""Pools of inference processes for tests."""

from emosense.worker.lanes import InferencePool, Lane, LaneChoice
from emosense.worker.scheduler import FairScheduler, Usage


def pool_of(*workers, sharing=False, **lane):
    """A pool with one lane of these workers, whose turns long requests share if asked for."""
    usage = Usage()
    lanes = {"all": Lane(workers, usage, **lane)}
    scheduler = FairScheduler(usage) if sharing else None
    return InferencePool(lanes, lambda request: LaneChoice("all"), scheduler)
