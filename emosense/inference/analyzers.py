"""The analyzers of an inference process, one per model."""

from __future__ import annotations

from emosense.analyzer import Analyzer


class AnalyzerCache:
    """A cache of analyzers, which loads each model once.

    >>> AnalyzerCache().get("cnn8").model
    'cnn8'
    """

    def __init__(self) -> None:
        self._by_model: dict[str, Analyzer] = {}

    def get(self, model: str) -> Analyzer:
        """Return the analyzer of a model.

        Raises:
            ModelError: the model cannot be used.
        """
        if model not in self._by_model:
            self._by_model[model] = Analyzer(model)
        return self._by_model[model]
