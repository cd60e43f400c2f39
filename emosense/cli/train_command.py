"""``emosense train``: train a network, measure it, write its model folder."""

from __future__ import annotations

import argparse
import inspect
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.progress import TextColumn

from emosense.cli.dataset import DATA_HELP, read_data
from emosense.cli.metrics import print_metrics
from emosense.cli.progress import progress_bar
from emosense.cli.terminal import print_line
from emosense.formatting import percent
from emosense.networks.architectures import ARCHITECTURES
from emosense.training.recipe import CHOICES, OWN_DEFAULTS, Recipe, default_recipe

if TYPE_CHECKING:
    from emosense.training.trainer import Progress


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
    parser.add_argument(
        "--workers",
        type=int,
        default=0,
        metavar="N",
        help="processes that augment coming epochs, for training on a GPU (default 0)",
    )
    parser.add_argument(
        "--teacher-cache",
        type=Path,
        metavar="DIR",
        help="keep the teacher's predictions for runs with the same teacher, seed, augmentation "
        "and mixup",
    )
    parser.add_argument(
        "--without-quality",
        action="store_true",
        help="leave out how the predictions depend on image quality, which takes minutes on a CPU; "
        "emosense calibrate adds it",
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

    options_given = {field.name: getattr(options, field.name) for field in fields(Recipe)}
    recipe = replace(
        default_recipe(options.network), **{k: v for k, v in options_given.items() if v is not None}
    )
    out = options.out or Path("models") / recipe.network
    run_directory = options.checkpoints or Path("runs") / out.name
    require_model_dir(out)  # reported before the training, not after
    data = read_data(options.data)
    if not options.publish_only:
        with ProgressReport() as report:
            train(
                recipe,
                data,
                run_directory,
                resume=options.resume,
                on_progress=report,
                tensorboard=options.tensorboard,
                workers=options.workers,
                teacher_cache=options.teacher_cache,
            )
    card = export_model(run_directory, data, out, quality=not options.without_quality)
    print_line(f"{out}: {card.title}, epoch {card.selected_epoch} of {card.epochs_seen} seen")
    print_metrics(card.metrics)
    return 0


def _meanings() -> dict[str, str]:
    """Return what each option means, from the recipe's docstring."""
    attributes = (inspect.getdoc(Recipe) or "").partition("Attributes:\n")[2]
    attributes = attributes.partition("\n\n>>> ")[0]
    entries = re.findall(r"^    (\w+): (.*?)(?=^    \w|\Z)", attributes, re.MULTILINE | re.DOTALL)
    plain = str.maketrans({"`": None, "%": "%%"})
    return {name: " ".join(text.split()).rstrip(".").translate(plain) for name, text in entries}


def _defaults(option: str) -> str:
    """Return the paper's default of an option, then those of networks that differ."""
    papers = getattr(Recipe("cnn8"), option)
    own: dict[Any, list[str]] = {}
    for network, changed in OWN_DEFAULTS.items():
        if option in changed:
            own.setdefault(changed[option], []).append(network)
    differing = "".join(f"; {value} for {', '.join(names)}" for value, names in own.items())
    return f"{papers if papers != '' else 'none'}{differing}"


class ProgressReport:
    """Shows a training's progress: a bar in a terminal, and a line per epoch anywhere.

    >>> with ProgressReport() as report:
    ...     pass
    """

    def __init__(self) -> None:
        self._bar = progress_bar(TextColumn("{task.fields[state]}"))
        self._task = self._bar.add_task("", total=None, state="")

    def __enter__(self) -> ProgressReport:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        """Show the state of the run."""
        state = (
            f"{_metrics_text(progress.metrics)}  {progress.images_per_second:.0f} images/s  "
            f"{_duration(progress.seconds_left)} left"
        )
        epoch = f"epoch {progress.epoch}/{progress.epochs}"
        self._bar.update(
            self._task,
            description=epoch,
            total=progress.steps,
            completed=progress.step,
            state=state,
        )
        if "val_accuracy" in progress.metrics:
            line = f"{epoch}  step {progress.step}/{progress.steps}  {state}"
            self._bar.console.print(line, soft_wrap=True, markup=False)


def _metrics_text(metrics: Mapping[str, float]) -> str:
    return "  ".join(
        f"{name} {percent(value, 1) if 'accuracy' in name else format(value, '.4f')}"
        for name in ("loss", "accuracy", "val_loss", "val_accuracy")
        if (value := metrics.get(name)) is not None
    )


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
