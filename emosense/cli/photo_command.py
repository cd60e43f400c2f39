"""``emosense photo``: analyse photo files."""

from __future__ import annotations

import argparse
import io
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emosense import settings
from emosense.cli.terminal import print_error, print_line
from emosense.export import photo as photo_export
from emosense.faces.options import STRICT_THRESHOLD, DetectorOptions
from emosense.filesystem.filenames import utf8_safe
from emosense.formatting import probability_percent
from emosense.results import PhotoFailure, PhotoResult

if TYPE_CHECKING:
    from emosense.analyzer import Analyzer


def add_parser(commands: Any) -> None:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "photo", help="say what each face of photos expresses"
    )
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    output_format = parser.add_mutually_exclusive_group()
    output_format.add_argument("--json", action="store_true", help="print JSON")
    output_format.add_argument("--csv", action="store_true", help="print CSV, one row per face")
    parser.add_argument("--annotated", type=Path, metavar="DIR", help="write annotated PNGs here")
    parser.add_argument(
        "--explain", type=Path, metavar="DIR", help="write what each answer rests on here, as PNGs"
    )
    parser.add_argument("--model", default=None, help=f"default {settings.MODEL.default}")
    parser.add_argument("--backend", default=None, help=settings.BACKEND.help)
    parser.add_argument("--engine", dest="backend", help=argparse.SUPPRESS)  # its former name
    defaults = DetectorOptions()
    parser.add_argument(
        "--threshold",
        type=float,
        default=defaults.threshold,
        help="lowest score in 0..1 that the detector must give a face; default %(default)s",
    )
    parser.add_argument(
        "--strict",
        action="store_true",
        help=f"only what is surely a face: the same as --threshold {STRICT_THRESHOLD}",
    )
    parser.add_argument("--min-face", type=int, default=defaults.min_face, metavar="PX")
    parser.add_argument("--long-side", type=int, default=defaults.long_side, metavar="PX")
    parser.add_argument("--turned", action="store_true", help="look for turned faces too")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; 1 if a photo could not be analysed, after the others were."""
    from emosense.analyzer import Analyzer

    detector = DetectorOptions(
        threshold=STRICT_THRESHOLD if options.strict else options.threshold,
        min_face=options.min_face,
        long_side=options.long_side,
        turned=options.turned,
    )
    analyzer = Analyzer(options.model, options.backend)
    results = analyzer.photos(options.files, detector, names=_names(options.files))
    if options.csv:
        _write_data(photo_export.to_csv(results))
    elif options.json:
        _write_data(photo_export.to_json(results) + "\n")
    else:
        for result in results:
            _print(result)
    failures = [result for result in results if isinstance(result, PhotoFailure)]
    for failure in failures:
        print_error(f"{failure.source}: {failure.message}")
    # After the results are printed: a folder that cannot be written to takes none of them.
    if options.annotated is not None:
        _write_annotated(options.annotated, options.files, results)
    if options.explain is not None:
        _write_explanations(options.explain, analyzer, options.files, results)
    return 1 if failures else 0


def _write_data(text: str) -> None:
    """Write to standard output for other programs: UTF-8 and unchanged, whatever the terminal has."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="", errors="backslashreplace")
    sys.stdout.write(text)


def _names(files: list[Path]) -> list[str]:
    """Return what the files are called: their names, with folders where a name occurs twice."""
    times = Counter(path.name for path in files)
    return [utf8_safe(path.name if times[path.name] == 1 else str(path)) for path in files]


def _print(result: PhotoResult | PhotoFailure) -> None:
    if isinstance(result, PhotoFailure):
        return
    count = len(result.faces)
    print_line(f"{result.source}: {count} {'face' if count == 1 else 'faces'}")
    for number, face in enumerate(result.faces, start=1):
        box = face.box
        print_line(
            f"  {number}  {face.emotion:9s} {probability_percent(face.probability, 1):>7s}   "
            f"box {box.x:.0f},{box.y:.0f} {box.width:.0f}x{box.height:.0f}   "
            f"detection {face.detection_score:.2f}"
            + ("" if face.sure else "   unsure")
            + ("   perhaps no face" if face.doubtful else "")
            + "".join(f"   {flag}" for flag in face.flags)
        )


def _write_annotated(
    folder: Path, files: list[Path], results: list[PhotoResult | PhotoFailure]
) -> None:
    from emosense.media.images import read_photo
    from emosense.render.annotate import annotated_png
    from emosense.settings import photo_limits

    with _written_to(folder):
        for path, stem, result in _analysed(files, results):
            picture = annotated_png(read_photo(path, photo_limits()), result)
            _beside(files, folder / f"{stem}.png").write_bytes(picture)


def _write_explanations(
    folder: Path,
    analyzer: Analyzer,
    files: list[Path],
    results: list[PhotoResult | PhotoFailure],
) -> None:
    """Write a PNG per face, and print what it says."""
    from emosense.media.png import encode_png
    from emosense.render.explanation import draw_explanation

    with _written_to(folder):
        for path, stem, result in _analysed(files, results):
            for number, face in enumerate(result.faces, start=1):
                explanation = analyzer.explain(path, face)
                target = _beside(files, folder / f"{stem}-why-{number}.png")
                target.write_bytes(encode_png(draw_explanation(explanation)))
                print_line(f"{result.source}, face {number}: {explanation.summary}", error=True)


def _analysed(
    files: list[Path], results: list[PhotoResult | PhotoFailure]
) -> Iterator[tuple[Path, str, PhotoResult]]:
    """Yield (path, a stem that no other file of the call has, result) of what was analysed."""
    taken: set[str] = set()
    for path, result in zip(files, results, strict=True):
        if isinstance(result, PhotoResult):
            stem, number = path.stem, 2
            while stem in taken:  # two folders may hold a file of the same name
                stem, number = f"{path.stem}-{number}", number + 1
            taken.add(stem)
            yield path, stem, result


def _beside(files: list[Path], target: Path) -> Path:
    """Return ``target`` after checking that it is none of the photos themselves."""
    from emosense.errors import MediaError

    if target.exists() and any(path.exists() and path.samefile(target) for path in files):
        raise MediaError(
            f"{target}: expected another folder for the pictures. Received: one in which they "
            "would replace the photos themselves."
        )
    return target


@contextmanager
def _written_to(folder: Path) -> Iterator[None]:
    from emosense.errors import MediaError

    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise MediaError(f"{folder}: cannot write pictures ({error}).") from error
