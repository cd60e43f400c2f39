"""``emosense evaluate --photos``: evaluate networks on labelled photos of one's own."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from emosense.cli.metrics import print_metrics
from emosense.cli.output_files import check_output_files
from emosense.cli.terminal import print_error, print_line
from emosense.emotions import EMOTIONS
from emosense.errors import DatasetError

if TYPE_CHECKING:
    from emosense.evaluation_set.labels import ClassMapping, Labels
    from emosense.evaluation_set.result import EvaluationSet, MeasuredFace
    from emosense.evaluation_set.source import PhotoSource
    from emosense.networks.registry import TrainedModel


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options about labelled photos."""
    group = parser.add_argument_group("labelled photos of your own")
    group.add_argument(
        "--photos",
        action="store_true",
        help="--data is a folder or zip archive of photos in folders named by their emotions, or with a "
        "CSV table of file and label; faces are found and cropped as in the app",
    )
    group.add_argument(
        "--cropped",
        action="store_true",
        help="the photos are cropped faces already: none is looked for",
    )
    group.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="CLASS=EMOTION",
        help="which emotion a class is; CLASS= leaves it out; may be repeated",
    )
    group.add_argument(
        "--predictions",
        type=Path,
        metavar="FILE",
        help="write a CSV row per photo, as the app does",
    )


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from emosense.evaluation_set.labels import propose_mapping
    from emosense.export.evaluation_set import to_csv
    from emosense.export.spreadsheet import csv_file
    from emosense.filesystem.atomic import write_atomic
    from emosense.networks.registry import find_model

    models = [find_model(name) for name in options.model]
    source = _open(options.data)
    if options.predictions is not None:
        check_output_files({"--predictions": options.predictions}, _files_of(options.data))
    labels = source.labels()
    mapping = propose_mapping(labels.counts).with_choices(_choices(options.label, labels))
    for note in (*source.notes, *labels.notes):
        print_error(note)
    _print_mapping(mapping, labels)
    evaluation_set = _evaluate(models, source, labels, mapping, cropped=options.cropped)
    calibrations = {model.name: model.calibration for model in models}
    _print_result(evaluation_set, models, as_json=options.json)
    if options.predictions is not None:  # last: what cannot be written takes no figures
        write_atomic(options.predictions, csv_file(to_csv(evaluation_set, calibrations)))
    if not len(evaluation_set):
        raise DatasetError(
            "Expected labelled photos with a face. Received: none of the seven emotions in which a "
            "face was found."
        )
    return 0


def _files_of(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]


def _open(path: Path) -> PhotoSource:
    from emosense.evaluation_set.source import archive_source, folder_source

    if not path.exists():
        raise DatasetError(f"There is no data set {path}.")
    return folder_source(path) if path.is_dir() else archive_source(path)


def _choices(texts: Sequence[str], labels: Labels) -> dict[str, str]:
    from emosense.evaluation_set.labels import LEFT_OUT

    choices = {}
    for text in texts:
        name, separator, emotion = text.rpartition("=")
        if not separator or name not in labels.counts or (emotion and emotion not in EMOTIONS):
            raise DatasetError(
                f"--label: expected CLASS=EMOTION, with a class of {', '.join(labels.counts)} and one of "
                f"{', '.join(EMOTIONS)} or nothing. Received: {text!r}"
            )
        choices[name] = emotion or LEFT_OUT
    return choices


def _print_mapping(mapping: ClassMapping, labels: Labels) -> None:
    for name, count in labels.counts.items():
        note = ""
        if name in mapping.unknown:
            note = f" (not recognised: say what it is with --label {name!r}=EMOTION)"
        print_error(f"{name!r}, {count:,} photos: {mapping.emotions[name]}{note}")
    if mapping.numbering:
        print_error(
            f"Classes with numbers are taken for those of {mapping.numbering}; others number them "
            "differently. --label says otherwise."
        )


def _evaluate(
    models: Sequence[TrainedModel],
    source: PhotoSource,
    labels: Labels,
    mapping: ClassMapping,
    *,
    cropped: bool,
) -> EvaluationSet:
    from emosense.analyzer import Analyzer
    from emosense.cli.progress import progress_bar
    from emosense.evaluation_set.builder import EvaluationSetBuilder
    from emosense.evaluation_set.measure import measure_photo

    analyzers = [Analyzer(model.name) for model in models]
    builder = EvaluationSetBuilder("", mapping, cropped=cropped)

    def measure(name: str) -> MeasuredFace:
        return measure_photo(analyzers[0], source.photos[name](), cropped=cropped, picture_side=0)

    with progress_bar() as bar:
        task = bar.add_task("Finding the faces", total=len(labels.labels))
        for label in labels.labels:
            builder.add(label, partial(measure, label.photo))
            bar.advance(task)
    for analyzer in analyzers:
        builder.predict(analyzer.model, partial(analyzer.classify, raw=True))
    return builder.build()


def _print_result(
    evaluation_set: EvaluationSet, models: Sequence[TrainedModel], *, as_json: bool
) -> None:
    from emosense.evaluation.metrics import compute_metrics

    metrics = {}
    if len(evaluation_set):
        for model in models:
            predictions = evaluation_set.predictions(model.name).calibrated(model.calibration)
            metrics[model.name] = compute_metrics(predictions.labels, predictions.probabilities)
    for row in evaluation_set.rows:
        if row.outcome == "not readable":
            print_error(f"{row.name}: {row.message}")
    if as_json:
        outcomes = dict(evaluation_set.counts)
        by_model = {name: of_model.as_dict() for name, of_model in metrics.items()}
        print(json.dumps({"outcomes": outcomes, "metrics": by_model}, indent=2))
        return
    for outcome, count in evaluation_set.counts.items():
        print_line(f"  {outcome:28s} photos {count:,}")
    print_metrics(metrics)
