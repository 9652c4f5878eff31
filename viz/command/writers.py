"""`viz tensorboard`, `viz perfetto` and `viz json`: a recording as files for other programs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable

from viz.command.models import opened
from viz.command.output_files import beside, check_target
from viz.shell.parser import Parser
from viz.shell.printed import say

__all__ = ["add_json", "add_perfetto", "add_tensorboard", "run_json", "run_perfetto", "run_tensorboard"]


def add_tensorboard(parser: Parser) -> None:
    """Give a parser what `viz tensorboard` understands."""
    _add(parser, run_tensorboard, "logdir", "the folder to write to (default: runs/FILE)")
    parser.add_examples("viz tensorboard train.efz             then: tensorboard --logdir runs/train")


def add_perfetto(parser: Parser) -> None:
    """Give a parser what `viz perfetto` understands."""
    _add(parser, run_perfetto, "out.json", "where to write, .json or .json.gz (default: FILE.perfetto.json)")
    parser.add_examples("viz perfetto train.efz trace.json.gz")


def add_json(parser: Parser) -> None:
    """Give a parser what `viz json` understands."""
    _add(parser, run_json, "out.json", "where to write, - for the screen (default: FILE.json)")
    parser.add_examples("viz json train.efz                    writes train.json", "viz json train.efz - | jq .meta")


def _add(parser: Parser, command: Callable[[argparse.Namespace], int], metavar: str, about: str) -> None:
    parser.add_recording()
    parser.add_place(metavar, about)
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.set_defaults(command=command)


def run_tensorboard(options: argparse.Namespace) -> int:
    """Write for TensorBoard.

    Args:
        options: `file`, `sizes`, `rank`, `out` and `json`.

    Returns:
        0; problems are raised.
    """
    folder = opened(options).to_tensorboard(options.out or os.path.join("runs", beside(options.file, "")))
    say(options, {"folder": str(folder)}, f"wrote {folder}; look with: tensorboard --logdir {folder}")
    return 0


def run_perfetto(options: argparse.Namespace) -> int:
    """Write for Perfetto.

    Args:
        options: `file`, `sizes`, `rank`, `out` and `json`.

    Returns:
        0; problems are raised.
    """
    path = opened(options).to_perfetto(options.out or beside(options.file, ".perfetto.json"))
    say(options, {"file": str(path)}, f"wrote {path}; open it at https://ui.perfetto.dev")
    return 0


def run_json(options: argparse.Namespace) -> int:
    """Write everything as JSON.

    Args:
        options: `file`, `sizes`, `rank`, `out` and `json`.

    Returns:
        0; problems are raised.
    """
    if options.out == "-":
        print(opened(options).to_json())
        return 0
    out = options.out or beside(options.file, ".json")
    check_target(out)
    opened(options).to_json(out)
    say(options, {"file": out}, f"wrote {out}")
    return 0
