"""A training recipe: every choice that makes a run what it is, as data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

from emosense.errors import TrainingError
from emosense.training.augmentation import AUGMENTATIONS

CHOICES: Final[dict[str, tuple[str, ...]]] = {
    "optimizer": ("adam", "adamw", "sgd"),
    "schedule": ("constant", "cosine"),
    "augmentation": tuple(AUGMENTATIONS),
    "initializer": ("glorot_uniform", "he_normal"),
    "precision": ("float32", "mixed_bfloat16"),
}


@dataclass(frozen=True)
class Recipe:
    """How a network is trained; the defaults are the paper's recipe.

    Attributes:
        network: architecture name.
        epochs: passes over the training data.
        batch_size: images per step.
        optimizer: ``adam``, ``adamw`` or ``sgd`` (Nesterov momentum 0.9).
        learning_rate: of the first step (after the warm-up).
        schedule: ``constant``, or ``cosine`` down to 0 at the last step.
        warmup_epochs: linear rise from 0, with ``cosine`` only.
        weight_decay: decoupled (adamw) or L2 as Keras applies it; 0 is off.
        augmentation: ``none`` or ``standard``.
        initializer: of all kernels.
        dropout: factor on the network's own dropout rates; 0 switches it off.
        label_smoothing: in 0..1.
        ferplus_share: weight in 0..1 of the FER+ votes in the target; the rest is
            FER2013's label.
        precision: Keras dtype policy. Weights, optimiser and softmax are float32 in both.
        seed: of weights, order, dropout and augmentation.
    """

    network: str
    epochs: int = 50
    batch_size: int = 128
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    schedule: str = "constant"
    warmup_epochs: int = 0
    weight_decay: float = 0.0
    augmentation: str = "none"
    initializer: str = "glorot_uniform"
    dropout: float = 1.0
    label_smoothing: float = 0.0
    ferplus_share: float = 0.0
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        for field, allowed in CHOICES.items():
            if getattr(self, field) not in allowed:
                raise TrainingError(
                    f"{field}: expected one of {', '.join(allowed)}. "
                    f"Received: {getattr(self, field)!r}"
                )
        if self.epochs < 1 or self.batch_size < 1 or not self.learning_rate > 0:
            raise TrainingError(
                "epochs, batch_size and learning_rate must be above 0. Received: "
                f"{self.epochs}, {self.batch_size}, {self.learning_rate}"
            )
        for field in ("label_smoothing", "ferplus_share"):
            if not 0 <= getattr(self, field) <= 1:
                raise TrainingError(
                    f"{field}: expected a value in 0..1. Received: {getattr(self, field)}"
                )
        if not 0 <= self.dropout <= 2:
            raise TrainingError(f"dropout: expected a factor in 0..2. Received: {self.dropout}")
        if not 0 <= self.warmup_epochs < self.epochs:
            raise TrainingError(
                f"warmup_epochs: expected 0 to {self.epochs - 1}. Received: {self.warmup_epochs}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for cards and run folders."""
        return asdict(self)
