"""`viz reproduce SCRIPT`: its arguments."""

from __future__ import annotations

import argparse

from viz.shell.parser import Parser

__all__ = ["add_command"]

_ABOUT = """\
Run a script twice, each time in a new process, and find the first result in which the runs differ, with its line:
random numbers, a weight, a batch, an op, the loss or a gradient. What the script prints and writes is thrown away.

  viz reproduce train.py                the first 20 training steps
  viz reproduce --steps 0 train.py      the whole script
  viz reproduce --json train.py         what was found as JSON
  viz reproduce -m package.train        a module instead of a file

Exit status: 0 the same bits, 1 a difference, 2 wrong usage, 3 the script failed, or runs no op."""


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.description = _ABOUT
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.add_argument("--steps", type=int, default=20, metavar="N", help="training steps; 0: all (default: 20)")
    parser.add_argument("--journal", metavar="FILE", help=argparse.SUPPRESS)
    parser.add_script()
    parser.set_defaults(command="viz.command.reproduce.run_reproduce")
