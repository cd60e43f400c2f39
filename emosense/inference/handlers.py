"""All handlers of the inference process."""

from __future__ import annotations

from emosense.inference import batch, models, photo, video
from emosense.inference.analyzers import AnalyzerCache
from emosense.worker.server import Handlers


def all_handlers() -> Handlers:
    """Return the handlers of every request that the app makes."""
    handlers, analyzers = Handlers(), AnalyzerCache()
    for module in (models, photo, video, batch):
        module.register(handlers, analyzers)
    return handlers
