"""``emosense train``: train a network, measure it, write its model folder."""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from emosense.cli.dataset import DATA_HELP, read_data
from emosense.cli.metrics import print_metrics
from emosense.formatting import percent
from emosense.networks.architectures import ARCHITECTURES
from emosense.training.recipe import CHOICES, OWN_DEFAULTS, Recipe, default_recipe


def add_parser(commands: Any) -> None:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "train", help="train a network on FER2013 and write its model folder"
    )
    parser.add_argument("network", choices=list(ARCHITECTURES))
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help=DATA_HELP,
    )
    parser.add_argument("--out", type=Path, help="model folder; default models/NETWORK")
    parser.add_argument(
        "--checkpoints", type=Path, metavar="DIR", help="run folder; default runs/NAME-OF-OUT"
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run")
    parser.add_argument(
        "--publish-only",
        action="store_true",
        help="train no further: write the model folder from the best checkpoint so far",
    )
    parser.add_argument(
        "--tensorboard", type=Path, metavar="DIR", help="write TensorBoard logs of training"
    )
    recipe = parser.add_argument_group(
        "recipe (the defaults are the paper's but for the networks that are named)"
    )
    meanings = _meanings()
    for field in fields(Recipe):
        if field.name != "network":
            recipe.add_argument(
                f"--{field.name.replace('_', '-')}",
                type=type(field.default),
                choices=CHOICES.get(field.name),
                help=f"{meanings.get(field.name, field.name)} (default {_defaults(field.name)})",
            )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from emosense.training.export_model import export_model, require_model_dir
    from emosense.training.trainer import train

    given = {field.name: getattr(options, field.name) for field in fields(Recipe)}
    recipe = replace(
        default_recipe(options.network), **{k: v for k, v in given.items() if v is not None}
    )
    out = options.out or Path("models") / recipe.network
    run_directory = options.checkpoints or Path("runs") / out.name
    require_model_dir(out)  # told before the training, not after
    data = read_data(options.data)
    if not options.publish_only:
        train(
            recipe,
            data,
            run_directory,
            resume=options.resume,
            on_progress=ProgressLine(),
            tensorboard=options.tensorboard,
        )
    card = export_model(run_directory, data, out)
    print(f"{out}: {card.title}, epoch {card.selected_epoch} of {card.epochs_seen} seen")
    print_metrics(card.metrics)
    return 0


def _meanings() -> dict[str, str]:
    """Return what each option means, from the recipe's docstring."""
    attributes = (inspect.getdoc(Recipe) or "").partition("Attributes:\n")[2]
    found = re.findall(r"^    (\w+): (.*?)(?=^    \w|\Z)", attributes, re.MULTILINE | re.DOTALL)
    plain = str.maketrans({"`": None, "%": "%%"})
    return {name: " ".join(text.split()).rstrip(".").translate(plain) for name, text in found}


def _defaults(option: str) -> str:
    """Return the paper's default of an option, then those of networks that differ."""
    papers = getattr(Recipe("cnn8"), option)
    own: dict[Any, list[str]] = {}
    for network, changed in OWN_DEFAULTS.items():
        if option in changed:
            own.setdefault(changed[option], []).append(network)
    differing = "".join(f"; {value} for {', '.join(names)}" for value, names in own.items())
    return f"{papers if papers != '' else 'none'}{differing}"


class ProgressLine:
    """Prints progress: a moving line in a terminal, a line per epoch elsewhere."""

    def __init__(self) -> None:
        self._moving = sys.stderr.isatty()
        self._last = 0.0

    def __call__(self, progress: Any) -> None:
        """Print where the run stands; at most five times a second."""
        finished = "val_accuracy" in progress.metrics
        if not finished and (not self._moving or time.monotonic() - self._last < 0.2):
            return
        self._last = time.monotonic()
        shown = ("loss", "accuracy", "val_loss", "val_accuracy")
        told = "  ".join(
            f"{k} {percent(v, 1) if 'accuracy' in k else format(v, '.4f')}"
            for k in shown
            if (v := progress.metrics.get(k)) is not None
        )
        line = (
            f"epoch {progress.epoch}/{progress.epochs}  step {progress.step}/{progress.steps}  "
            f"{told}  {progress.images_per_second:.0f} images/s  "
            f"{_duration(progress.seconds_left)} left"
        )
        end = "\n" if finished else ""
        print(f"\r\x1b[K{line}" if self._moving else line, end=end, file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
