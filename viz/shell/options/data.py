"""`viz data SCRIPT`: its arguments."""

from __future__ import annotations

import argparse

from viz.shell.parser import Parser, written

__all__ = ["add_command"]

_ABOUT = """\
Run a script as `python` would, and list the samples that it trains with, the hardest first: label, prediction, loss and
norm of the gradient. Labels that are probably wrong, and duplicates, are marked.

  viz data train.py --epochs 5          arguments after the script are the script's
  viz data --html data.html train.py    a page with pictures of the hardest samples
  viz data -n 100 train.py              more lines
  viz data --json train.py              all samples as JSON; what the script prints goes to stderr
  viz data -m package.train             a module instead of a file

Row numbers are those of the arrays given to fit; data in batches are counted as they come.
Exit status: 0 samples were judged, 1 all losses are NaN and samples hold NaN or infinity themselves, 2 wrong usage or
no such script, 3 there were none, all losses are NaN though no sample is, or the script failed."""


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.description = _ABOUT
    parser.add_argument(
        "-n", "--count", dest="n", type=_from_one, default=20, metavar="N", help="how many lines (default: 20)"
    )
    parser.add_argument(
        "--html",
        type=written("html", "htm"),
        metavar="FILE.html",
        help="also write a page with pictures of the hardest",
    )
    parser.add_argument("--pictures", type=_from_one, default=200, metavar="N", help="how many there (default: 200)")
    parser.add_argument(
        "--seconds", type=float, default=20.0, metavar="S", help="time for norms of gradients (default: 20)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.add_script()
    parser.set_defaults(command="viz.command.data.run_data")


def _from_one(given: str) -> int:
    try:
        number = int(given)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{given!r} is not a whole number of 1 or more")
    return number
