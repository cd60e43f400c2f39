"""Entry point: parses the command line and calls the chosen command."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from emosense import __version__
from emosense.cli.terminal import print_error
from emosense.errors import EmoSenseError
from emosense.runtime.environment import set_tensorflow_defaults

COMMANDS = ("photo", "video", "batch", "train", "evaluate", "calibrate", "models")


def parser(commands: Sequence[str] = COMMANDS) -> argparse.ArgumentParser:
    """Return the parser of the command line.

    Args:
        commands: names of the commands to include; each brings imports of its own.
    """
    top = argparse.ArgumentParser(
        prog="emosense", description="What a face expresses, and how far to trust the answer."
    )
    top.add_argument("--version", action="version", version=f"emosense {__version__}")
    subparsers = top.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name in commands:
        import_module(f"emosense.cli.{name}_command").add_parser(subparsers)
    return top


def _needed(arguments: Sequence[str]) -> Sequence[str]:
    """Return the commands that a command line needs: only its own, if it names one."""
    first = arguments[0] if arguments else ""
    if first == "--version":
        return ()
    return (first,) if first in COMMANDS else COMMANDS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status: 0, or 1 after an error message."""
    set_tensorflow_defaults()
    arguments = sys.argv[1:] if arguments is None else arguments
    options = parser(_needed(arguments)).parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):  # a name that is no UTF-8 takes no results with it
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return int(options.run(options))
    except EmoSenseError as error:
        print_error(str(error))
        return 1
    except KeyboardInterrupt:
        print_error("stopped")
        return 130
    except BrokenPipeError:
        # The reader (head, less) has gone; nothing more can be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:  # a full disk, a folder that may not be written to
        print_error(str(error))
        return 1
