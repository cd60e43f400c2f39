"""The folder of a training run: its state and checkpoints, from which it can be resumed.

``state.json`` is replaced atomically after its checkpoint is complete, so a run that is killed at
any moment can be resumed. The folder retains the last checkpoint and the best one so far (by
validation accuracy; the earlier one on a tie).
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
    """Saved state of a training run.

    Attributes:
        recipe: the recipe, as :meth:`Recipe.as_dict` returns it.
        fingerprint: checksum of the data set.
        history: one dict per finished epoch: epoch (from 1), loss, accuracy, val_loss,
            val_accuracy, learning_rate, seconds.

    >>> rows = [{"epoch": 1, "val_accuracy": 0.3}, {"epoch": 2, "val_accuracy": 0.2}]
    >>> RunState(Recipe("cnn8").as_dict(), "0" * 64, rows).best_epoch
    1
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
        """Epoch (from 1) with the highest validation accuracy; 0 before the first epoch ends."""
        if not self.history:
            return 0
        best = max(self.history, key=lambda row: (row["val_accuracy"], -row["epoch"]))
        return int(best["epoch"])


class RunDirectory:
    """Reads and writes the state and the checkpoints of a run.

    Args:
        path: the folder of the run; it need not exist.

    >>> run = RunDirectory(Path("run"))
    >>> run.exists, run.checkpoint(3).name
    (False, 'epoch-0003.keras')
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._state_path = path / "state.json"

    @property
    def exists(self) -> bool:
        """Whether the folder has the state of a run."""
        return self._state_path.is_file()

    def checkpoint(self, epoch: int) -> Path:
        """Return the path of the checkpoint that is written after ``epoch``."""
        return self.path / f"epoch-{epoch:04d}.keras"

    def read(self) -> RunState:
        """Return the saved state.

        Raises:
            TrainingError: the state is missing or cannot be read.
        """
        try:
            state = RunState(**json.loads(self._state_path.read_text(encoding="utf-8")))
            Recipe(**state.recipe)
            return state
        except FileNotFoundError:
            raise TrainingError(f"{self.path}: no run to resume (no state.json).") from None
        except (OSError, ValueError, TypeError) as error:
            raise TrainingError(f"{self._state_path}: cannot be read ({error}).") from error

    def read_for_data(self, fingerprint: str) -> RunState:
        """Return the saved state after checking the fingerprint of its data set.

        Raises:
            TrainingError: the state is missing or cannot be read, or the run has other data.
        """
        state = self.read()
        if state.fingerprint != fingerprint:
            raise TrainingError(f"{self.path}: the run was made with other data.")
        return state

    def resume(self, recipe: Recipe, fingerprint: str) -> RunState:
        """Return the saved state after checking its recipe and the fingerprint of its data set.

        Raises:
            TrainingError: the state is missing or cannot be read, or the run has another recipe
                or other data.
        """
        state = self.read_for_data(fingerprint)
        # Recipe adds the defaults of options that are newer than the saved state.
        saved, requested = Recipe(**state.recipe).as_dict(), recipe.as_dict()
        differing = sorted(k for k in requested if saved[k] != requested[k])
        if differing:
            changes = ", ".join(f"{k} {saved[k]!r} -> {requested[k]!r}" for k in differing)
            raise TrainingError(f"{self.path}: the run has another recipe ({changes}).")
        return state

    def save(self, model: Any, state: RunState) -> None:
        """Write a checkpoint with its optimiser, then the state; delete stale checkpoints."""
        self.path.mkdir(parents=True, exist_ok=True)
        model.save(self.checkpoint(state.epochs_done))
        temporary = self._state_path.with_suffix(".tmp")
        temporary.write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")
        temporary.replace(self._state_path)
        retained = {self.checkpoint(state.epochs_done), self.checkpoint(state.best_epoch)}
        for path in self.path.glob("epoch-*.keras"):
            if path not in retained:
                path.unlink()
