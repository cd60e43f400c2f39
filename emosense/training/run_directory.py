"""The run directory: checkpoints and state that a killed run resumes from.

``state.json`` is replaced in one step after the checkpoint that it names is complete, so a
kill at any moment leaves a folder that can be resumed. Kept are the last checkpoint and the
best one so far (by validation accuracy, the earlier on a tie).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from emosense.errors import TrainingError
from emosense.training.recipe import Recipe


@dataclass
class RunState:
    """Progress of a run.

    Attributes:
        recipe: :meth:`Recipe.as_dict` of the run.
        fingerprint: fingerprint of the data set.
        history: one dict per finished epoch: epoch (from 1), loss, accuracy, val_loss,
            val_accuracy, learning_rate, seconds.

    >>> RunState({"network": "cnn8"}, fingerprint="").epochs_done
    0
    """

    recipe: dict[str, Any]
    fingerprint: str
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def epochs_done(self) -> int:
        """Number of finished epochs."""
        return len(self.history)

    @property
    def best_epoch(self) -> int:
        """Epoch (from 1) with the highest validation accuracy; 0 before the first."""
        if not self.history:
            return 0
        best = max(self.history, key=lambda row: (row["val_accuracy"], -row["epoch"]))
        return int(best["epoch"])


class RunDirectory:
    """Reads and writes a run's checkpoints.

    >>> RunDirectory(Path("runs")).checkpoint(3).name
    'epoch-0003.keras'
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state = path / "state.json"

    @property
    def exists(self) -> bool:
        """Whether a run was begun here."""
        return self._state.is_file()

    def checkpoint(self, epoch: int) -> Path:
        """Path of the checkpoint that was written after ``epoch``."""
        return self.path / f"epoch-{epoch:04d}.keras"

    def read(self) -> RunState:
        """Return the saved state.

        Raises:
            TrainingError: there is none, or it cannot be read.
        """
        try:
            state = RunState(**json.loads(self._state.read_text(encoding="utf-8")))
            Recipe(**state.recipe)
            return state
        except FileNotFoundError:
            raise TrainingError(f"{self.path}: no run to resume (no state.json).") from None
        except (OSError, ValueError, TypeError) as error:
            raise TrainingError(f"{self._state}: cannot be read ({error}).") from error

    def read_for_data(self, fingerprint: str) -> RunState:
        """Return the saved state after checking that it belongs to this data."""
        state = self.read()
        if state.fingerprint != fingerprint:
            raise TrainingError(f"{self.path}: the run was made with other data.")
        return state

    def resume(self, recipe: Recipe, fingerprint: str) -> RunState:
        """Return the saved state after checking that it belongs to this recipe and data."""
        state = self.read_for_data(fingerprint)
        # Through Recipe: a run from before an option existed had its default.
        known, requested = Recipe(**state.recipe).as_dict(), recipe.as_dict()
        differing = sorted(k for k in requested if known[k] != requested[k])
        if differing:
            text = ", ".join(f"{k} {known[k]!r} -> {requested[k]!r}" for k in differing)
            raise TrainingError(f"{self.path}: the run has another recipe ({text}).")
        return state

    def save(self, model: Any, state: RunState) -> None:
        """Write the model with its optimiser, then the state, then drop what is stale."""
        self.path.mkdir(parents=True, exist_ok=True)
        model.save(self.checkpoint(state.epochs_done))
        temporary = self._state.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")
        temporary.replace(self._state)
        keep = {self.checkpoint(state.epochs_done), self.checkpoint(state.best_epoch)}
        for path in self.path.glob("epoch-*.keras"):
            if path not in keep:
                path.unlink()
