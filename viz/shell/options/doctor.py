"""`viz doctor SCRIPT`: its arguments."""

from __future__ import annotations

import argparse
from importlib import import_module

from viz.shell.parser import Parser, written

__all__ = ["add_command"]

_ABOUT = """\
Run a script as `python` would, and say what is wrong with its training, on which line, and what to do.

  viz doctor train.py --epochs 3        arguments after the script are the script's
  viz doctor --json train.py            findings as JSON; what the script prints goes to stderr
  viz doctor --sarif out.sarif train.py a file for code review (SARIF 2.1.0)
  viz doctor --annotations github train.py   lines that GitHub shows beside the code
  viz doctor --fix train.py             a patch for the lines where the cure is certain; no file is changed
  viz doctor --ignore label_leak,overfit train.py   without findings of these kinds
  viz doctor --strict train.py          exit with 1 also for warnings, as in CI
  viz doctor --gap train.py             also why fit and evaluate disagree (see `viz gap`)
  viz doctor -m package.train           a module instead of a file

The first steps are watched closely, the rest at little cost. Scripts that import Keras run on eagerflow.
With several ranks, rank 0 reports what was found on all: python -m eagerflow launch -n 2 -m viz doctor train.py
Exit status: 0 no error was found (warnings count with --strict, hints never do), 1 an error was found, 2 wrong
usage, 3 the script failed or never trained."""


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.description = _ABOUT
    parser.add_argument("--json", action="store_true", help="print findings as JSON for other programs")
    parser.add_argument(
        "--sarif", type=written("sarif", "json"), metavar="FILE.sarif", help="also write the findings for code review"
    )
    parser.add_argument(
        "--annotations", choices=("github",), help="also print a line per finding, which CI shows beside the code"
    )
    parser.add_argument(
        "--fix", action="store_true", help="print only a patch, for the lines where the cure is certain"
    )
    parser.add_argument(
        "--ignore", metavar="KIND[,KIND...]", type=_kinds, default=(), help="kinds of findings that you disagree with"
    )
    parser.add_argument("--strict", action="store_true", help="exit with 1 also for warnings; hints don't count")
    parser.add_argument("--gap", action="store_true", help="also say why fit and evaluate disagree, after the last fit")
    parser.add_script()
    parser.set_defaults(command="viz.command.doctor.run_doctor")


def _kinds(given: str) -> list[str]:
    kinds_of = import_module("viz.doctor.finding").kinds_of  # loaded where it is needed: it brings all checks
    try:
        return sorted(kinds_of([each.strip() for each in given.split(",")]))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("ignore: ")) from None
