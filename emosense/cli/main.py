"""Entry point: parses the command line and calls the chosen command."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from emosense import __version__
from emosense.cli import (
    batch_command,
    calibrate_command,
    evaluate_command,
    models_command,
    photo_command,
    train_command,
    video_command,
)
from emosense.errors import EmoSenseError

_COMMANDS = (
    photo_command,
    video_command,
    batch_command,
    train_command,
    evaluate_command,
    calibrate_command,
    models_command,
)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="emosense", description="What a face expresses, and how far to trust the answer."
    )
    top.add_argument("--version", action="version", version=f"emosense {__version__}")
    commands = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add_parser(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status: 0, or 1 after an error message."""
    # Before TensorFlow is loaded: its optimised kernels on, its chatter off.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    options = parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that is no UTF-8 takes no results with it
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return int(options.run(options))
    except EmoSenseError as error:
        print(f"emosense: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("emosense: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone; nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a folder that may not be written to
        print(f"emosense: {error}", file=sys.stderr)
        return 1
