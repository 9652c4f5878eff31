"""`viz gap SCRIPT`: its arguments."""

from __future__ import annotations

from viz.choices import CHARTS
from viz.shell.parser import Parser, written

__all__ = ["add_command"]

_ABOUT = """\
Run a script as `python` would, and say why fit and evaluate disagree. The rows of the last epoch are run again with the
final weights, with dropout, augmentation and so on switched on and off; the parts add up to the difference.

  viz gap train.py --epochs 3           arguments after the script are the script's
  viz gap --each train.py               every call of fit, not only the last one
  viz gap --draw gap.svg train.py       also a picture
  viz gap --metric accuracy train.py    also the parts of a metric
  viz gap --json train.py               numbers as JSON; what the script prints goes to stderr
  viz gap -m package.train              a module instead of a file

Exit status: 0 nothing is wrong, 1 something is (statistics of batch normalization that lag behind, a loss that is not a
number), 2 wrong usage, 3 the script failed, or no epoch of fit could be taken apart."""


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.description = _ABOUT
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.add_argument("--each", action="store_true", help="every call of fit (default: the last)")
    parser.add_argument(
        "--draw",
        type=written(*CHARTS),
        metavar="FILE.svg",
        help="draw the last one that was taken apart: .svg or .png, or .pdf by CairoSVG or librsvg",
    )
    parser.add_argument("--metric", metavar="NAME", help="also list the parts of this metric")
    parser.add_script()
    parser.set_defaults(command="viz.command.gap.run_gap")
