"""All handlers of the inference process."""

from __future__ import annotations

from emosense.inference import batch, evaluation, live, models, photo, video
from emosense.inference.analyzers import AnalyzerCache
from emosense.inference.memory_limit import MemoryLimit
from emosense.worker.server import Handlers


def all_handlers(memory_limit: MemoryLimit) -> Handlers:
    """Return the handlers of every request that the app makes.

    Args:
        memory_limit: limit that is lifted while models are loaded.
    """
    handlers, analyzers = Handlers(), AnalyzerCache(memory_limit)
    for module in (models, photo, video, batch, evaluation, live):
        module.register(handlers, analyzers)
    return handlers
