"""`viz run SCRIPT`: its arguments."""

from __future__ import annotations

import argparse

from viz.choices import FORMATS, LEVELS
from viz.shell.options.steps import steps
from viz.shell.parser import Parser, written

__all__ = ["add_command"]

_ABOUT = """\
Run a script as `python` would, and record what eagerflow does in it.

  viz run train.py --epochs 3           arguments after the script are the script's
  viz run --steps 1,10-12 train.py      only the steps 1, 10, 11 and 12, counted from 0
  viz run --stats full -o a.efz train.py
  viz run -m package.module             a module instead of a file
  viz run --live train.py               watch the training on a page in your browser
  viz run --keep 3 train.py             keep the last three steps, and write them when one goes wrong

If the script fails, everything up to that point is still written, with the op that failed. With several ranks:

  python -m eagerflow launch -n 2 -m viz run train.py     one file with all ranks, on one clock"""


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.description = _ABOUT
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.add_argument("-o", "--out", metavar="FILE.efz", help="where to write (default: named like the script)")
    parser.add_argument("--stats", choices=LEVELS, default="none", help="measure tensors (default: none)")
    parser.add_argument(
        "--steps",
        type=steps,
        metavar="N[,N...]",
        help="only the steps with these numbers, from 0, evaluations' batches included; also ranges: 5-9, 5:10, 9-",
    )
    parser.add_argument("--values", metavar="REGEX", help="keep the values of tensors whose label matches")
    parser.add_argument("--draw", type=written(*FORMATS), metavar="FILE.svg", help="also draw the last step")
    _add_live(parser)
    _add_keep(parser)
    parser.add_script()
    parser.set_defaults(command="viz.command.run.run_run")


def _add_live(parser: argparse.ArgumentParser) -> None:
    """Give `viz run` the options of the live page."""
    options = parser.add_argument_group("live page")
    options.add_argument("--live", action="store_true", help="show the training in your browser while it runs")
    options.add_argument("--port", type=int, help="port of the page (default: any that is free)")
    options.add_argument(
        "--open", action=argparse.BooleanOptionalAction, help="open a browser (default: where there is a screen)"
    )
    options.add_argument(
        "--exit", action="store_true", help="end when the script does, instead of showing the page until Ctrl-C"
    )


def _add_keep(parser: argparse.ArgumentParser) -> None:
    """Give `viz run` the options of keeping."""
    options = parser.add_argument_group("the last steps")
    options.add_argument(
        "--keep",
        type=int,
        metavar="STEPS",
        help="don't record; hold the last STEPS steps, and write them to SCRIPT.efr when one makes NaN, raises an "
        "error, or its loss jumps (see viz replay)",
    )
    options.add_argument(
        "--no-data", action="store_true", help="with --keep: write which rows were in the batch, not the rows"
    )
