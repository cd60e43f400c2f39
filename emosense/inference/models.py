"""Handlers of requests about models themselves."""

from __future__ import annotations

from emosense.inference.analyzers import AnalyzerCache
from emosense.networks.throughput import BATCHES, faces_per_second
from emosense.worker.messages import MeasureThroughput, Preload, Throughput
from emosense.worker.server import Handlers


def register(handlers: Handlers, analyzers: AnalyzerCache) -> None:
    """Register the handlers of this module."""
    handlers.register(Preload, lambda request: preload(request, analyzers))
    handlers.register(MeasureThroughput, lambda request: measure_throughput(request, analyzers))


def preload(request: Preload, analyzers: AnalyzerCache) -> str:
    """Load a model, which runs once, and return the detector's label."""
    return analyzers.get(request.model).detector


def measure_throughput(request: MeasureThroughput, analyzers: AnalyzerCache) -> Throughput:
    """Measure how many faces a second a model classifies, per batch size."""
    analyzer = analyzers.get(request.model)
    rates = {batch: faces_per_second(analyzer.classify, batch) for batch in BATCHES}
    return Throughput(device=analyzer.network_backend, faces_per_second=rates)
