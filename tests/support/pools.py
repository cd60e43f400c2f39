"""Pools of inference processes for tests."""

from emosense.worker.lanes import InferencePool, Lane, LaneChoice
from emosense.worker.scheduler import FairScheduler
from emosense.worker.usage import Usage


def pool_of(*workers, slice_seconds=None, limits=None, warm_up=None, max_running_user=None, **lane):
    """A pool with one lane of these workers.

    Args:
        slice_seconds: time after which long requests give way; None lets all compute at once.
        limits: what each request may take.
        warm_up: request that each process answers first.
        max_running_user: see :class:`FairScheduler`.
        lane: further arguments of :class:`Lane`.
    """
    usage = Usage()
    scheduler = FairScheduler(usage, slots=len(workers), max_running_user=max_running_user)
    lanes = {"all": Lane(workers, scheduler, **lane)}
    sharing = None if slice_seconds is None else FairScheduler(usage, slice_seconds=slice_seconds)
    options = {} if limits is None else {"limits": limits}
    choice = LaneChoice("all", warm_up=warm_up, **options)
    return InferencePool(lanes, lambda request: choice, sharing)
