"""Training recipes: all hyperparameters of a training run."""

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
    """The hyperparameters of a training run; the defaults are the paper's recipe.

    :func:`default_recipe` returns the default recipe of each network.

    Attributes:
        network: architecture name.
        epochs: number of passes over the training data.
        batch_size: number of images per step.
        optimizer: ``adam``, ``adamw`` or ``sgd`` (Nesterov momentum 0.9).
        learning_rate: initial learning rate, after the warm-up.
        schedule: learning rate schedule: ``constant``, or ``cosine`` decay to 0 at the last step.
        warmup_epochs: epochs of linear warm-up from 0, with ``cosine`` only.
        weight_decay: decoupled weight decay, with every optimiser (Loshchilov & Hutter 2019,
            arXiv:1711.05101); 0 disables it.
        augmentation: data augmentation: ``none``, ``standard`` or ``photo``; see
            ``training.augmentation``.
        initializer: kernel initialiser of all layers.
        start: folder of a pretrained model of the same network, whose weights training starts
            with (fine-tuning), or of a narrower network of the same layers, which is widened
            (Net2Net; Chen et al. 2016, arXiv:1511.05641); empty uses the initialiser.
        dropout: factor on the network's dropout rates; 0 disables dropout.
        label_smoothing: label smoothing factor in 0..1 (Szegedy et al. 2016, arXiv:1512.00567);
            0 disables it.
        mixup: alpha of the Beta distribution of mixup's weights (Zhang et al. 2018,
            arXiv:1710.09412); 0 disables mixup.
        ferplus_share: weight in 0..1 of the FER+ votes in the target; the rest is the weight of
            FER2013's label.
        balance: exponent in 0..1 of the inverse class frequency in the class weights of the
            loss, whose mean over the images is 1; 0 weights all images equally.
        teacher: folder of a trained model that is the teacher in knowledge distillation (Hinton
            et al. 2015, arXiv:1503.02531), or several folders with commas between them, an
            ensemble; empty disables distillation.
        teacher_share: weight in 0..1 of the teacher's probabilities in the target.
        ema: momentum of the exponential moving average of the weights, which is validated and
            exported instead of the raw weights; 0 disables it.
        precision: Keras dtype policy; weights, optimiser and softmax are float32 in both.
        seed: random seed of initialisation, shuffling, dropout and augmentation.

    >>> Recipe("cnn8", epochs=10).learning_rate
    0.001
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
    start: str = ""
    dropout: float = 1.0
    label_smoothing: float = 0.0
    mixup: float = 0.0
    ferplus_share: float = 0.0
    balance: float = 0.0
    teacher: str = ""
    teacher_share: float = 0.5
    ema: float = 0.0
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
        for field in ("label_smoothing", "ferplus_share", "teacher_share"):
            if not 0 <= getattr(self, field) <= 1:
                raise TrainingError(
                    f"{field}: expected a value in 0..1. Received: {getattr(self, field)}"
                )
        if not 0 <= self.ema < 1 or not self.mixup >= 0:
            raise TrainingError(
                "Expected ema in 0..1 (without 1) and mixup of 0 or more. "
                f"Received: {self.ema}, {self.mixup}"
            )
        if not self.weight_decay >= 0 or self.seed < 0:
            raise TrainingError(
                "weight_decay and seed must be 0 or more. "
                f"Received: {self.weight_decay}, {self.seed}"
            )
        if not 0 <= self.balance <= 1:
            raise TrainingError(f"balance: expected an exponent in 0..1. Received: {self.balance}")
        if not 0 <= self.dropout <= 2:
            raise TrainingError(f"dropout: expected a factor in 0..2. Received: {self.dropout}")
        if not 0 <= self.warmup_epochs < self.epochs:
            raise TrainingError(
                f"warmup_epochs: expected 0 to {self.epochs - 1}. Received: {self.warmup_epochs}"
            )

    def as_dict(self) -> dict[str, Any]:
        """Return the recipe as plain data, as it is stored in cards and run folders."""
        return asdict(self)


_EMOSENSE_DEFAULTS: Final[dict[str, Any]] = {
    "epochs": 60,
    "optimizer": "sgd",
    "learning_rate": 0.1,
    "schedule": "cosine",
    "warmup_epochs": 3,
    "weight_decay": 5e-3,
    "augmentation": "photo",
    "initializer": "he_normal",
    "mixup": 0.2,
    "ferplus_share": 0.2,
    "ema": 0.998,
}
OWN_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "cnn8-tuned": _EMOSENSE_DEFAULTS
    | {"weight_decay": 2e-3, "mixup": 0.1, "balance": 0.5, "dropout": 0.4},
    "cnn10-fixed": {"learning_rate": 3e-4},
    "emosense-s": _EMOSENSE_DEFAULTS,
    "emosense-l": _EMOSENSE_DEFAULTS,
}
"""Defaults that differ from the paper's recipe, by network."""


def default_recipe(network: str) -> Recipe:
    """Return the default recipe of a network, that of ``emosense train NETWORK``."""
    return Recipe(network, **OWN_DEFAULTS.get(network, {}))
