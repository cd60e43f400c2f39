"""The analyzers of an inference process, one per model."""

from __future__ import annotations

from emosense.analyzer import Analyzer
from emosense.inference.memory_limit import MemoryLimit
from emosense.samples import sample_photo


class AnalyzerCache:
    """A cache of analyzers, which loads each model once.

    Args:
        memory_limit: limit that is lifted while a model is loaded and run for the first time; None
            sets no limit.

    >>> AnalyzerCache().get("cnn8").model
    'cnn8'
    """

    def __init__(self, memory_limit: MemoryLimit | None = None) -> None:
        self._memory_limit = memory_limit or MemoryLimit(None)
        self._by_model: dict[str, Analyzer] = {}

    def get(self, model: str) -> Analyzer:
        """Return the analyzer of a model.

        Raises:
            ModelError: the model cannot be used.
        """
        if model not in self._by_model:
            with self._memory_limit.lifted():
                analyzer = Analyzer(model)
                analyzer.photo(sample_photo())  # libraries allocate their buffers at first use
                self._by_model[model] = analyzer
        return self._by_model[model]
