"""``emosense video``: analyse a video."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.progress import TextColumn

from emosense.cli.output_files import check_output_files
from emosense.cli.progress import progress_bar
from emosense.cli.terminal import escaped, print_error, print_line
from emosense.formatting import percent


def add_parser(commands: Any) -> None:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser("video", help="analyse a video")
    parser.add_argument("video", type=Path)
    parser.add_argument("--model", help="registry name; default from EMOSENSE_MODEL")
    parser.add_argument(
        "--per-second",
        type=float,
        default=10.0,
        metavar="N",
        help="analysed frames a second; 0 analyses every frame (default 10)",
    )
    parser.add_argument(
        "--long-side", type=int, metavar="PX", help="working size of the face search"
    )
    parser.add_argument(
        "--detect-every",
        type=int,
        default=1,
        metavar="K",
        help="search faces in every k-th analysed frame and place them between (default 1)",
    )
    parser.add_argument(
        "--from",
        dest="start",
        default="",
        metavar="TIME",
        help="time at which the analysis begins: seconds or m:ss (default: the beginning)",
    )
    parser.add_argument(
        "--to",
        dest="end",
        default="",
        metavar="TIME",
        help="time after which it ends: seconds or m:ss (default: the end)",
    )
    parser.add_argument("--annotated", type=Path, metavar="MP4", help="write the video with boxes")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="a row per face")
    parser.add_argument("--json", type=Path, metavar="FILE", help="everything")
    parser.add_argument("--captions", type=Path, metavar="VTT", help="WebVTT captions")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; returns 1 if something went wrong: the analysis ended early, or a file
    could not be written."""
    from emosense.analyzer import Analyzer
    from emosense.export import video as video_export
    from emosense.export.spreadsheet import csv_file
    from emosense.export.webvtt import to_webvtt
    from emosense.settings import video_limits
    from emosense.video.cost import duration_notice
    from emosense.video.options import VideoOptions
    from emosense.video.time_range import parse_time
    from emosense.video.timeline import timelines

    video_options = VideoOptions(
        per_second=options.per_second or None,
        long_side=options.long_side,
        detect_every=options.detect_every,
        start=parse_time(options.start) or 0.0,
        end=parse_time(options.end),
    )
    outputs = {
        "--annotated": options.annotated,
        "--csv": options.csv,
        "--json": options.json,
        "--captions": options.captions,
    }
    check_output_files(outputs, [options.video])
    analysis = Analyzer(options.model).video(options.video, video_options, options.annotated)
    notice = duration_notice(
        analysis.info, video_options, video_limits(), annotated=options.annotated is not None
    )
    if notice is not None:
        print_error(f"{options.video.name}: {notice}")
    with progress_bar(TextColumn("{task.fields[frames]:,} frames")) as bar:
        task = bar.add_task(escaped(options.video.name), total=1.0, frames=0)
        try:
            for frame in analysis:
                done = video_options.fraction(frame.time, analysis.info.duration)
                bar.update(
                    task,
                    total=None if done is None else 1.0,
                    completed=done or 0.0,
                    frames=analysis.frames_read,
                )
        except KeyboardInterrupt:
            analysis.cancel()
        result = analysis.finish()
    unwritten: list[str] = []
    for path, make in (
        (options.csv, video_export.to_csv),
        (options.json, video_export.to_json),
        (options.captions, to_webvtt),
    ):
        if path is not None:
            try:
                text = make(result)
                path.write_bytes(csv_file(text) if path is options.csv else text.encode())
            except OSError as error:  # the others are still worth having
                unwritten.append(f"{path} cannot be written: {error.strerror or error}.")
    print_line(f"{result.source}: {len(result.frames):,} of {result.frames_read:,} frames analysed")
    for timeline in timelines(result):
        time_shares = ", ".join(
            f"{name} {percent(fraction)}"
            for name, fraction in timeline.time_share.items()
            if fraction
        )
        print_line(
            f"  person {timeline.person}: seen for {timeline.visible_seconds:.1f} s; {time_shares}"
        )
    notes = [*analysis.notes, *([result.problem] if result.problem else []), *unwritten]
    for note in notes:
        print_error(f"{result.source}: {note}")
    return 1 if len(notes) > len(analysis.choices) else 0
