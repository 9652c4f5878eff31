"""`viz nonfinite RECORDING|SCRIPT`: its arguments."""

from __future__ import annotations

from viz.choices import FORMATS
from viz.shell.parser import Parser, written

__all__ = ["add_command"]

_ABOUT = """\
Find the first op, forward or backward, that makes NaN or infinity from finite numbers: its layer, your line of code,
and the numbers that went in.

  viz nonfinite train.py --epochs 3     run a script up to that op
  viz nonfinite step.efz                search a recording made with `viz run --stats basic`
  viz nonfinite --draw nan.svg train.py also draw the ops around it
  viz nonfinite --json train.py         what was found as JSON; what the script prints goes to stderr
  viz nonfinite -m package.train        a module instead of a file

Exit status: 0 all numbers were finite, 1 some weren't, 2 wrong usage or no such file, 3 the script failed otherwise,
or ran no op of eagerflow."""


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.description = _ABOUT
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.add_argument(
        "--draw", type=written(*FORMATS), metavar="FILE.svg", help="draw the ops around it: .svg, .png, .pdf, .dot"
    )
    parser.add_argument(
        "-o", "--out", type=written("efz"), metavar="FILE.efz", help="write the recording of the step it happened in"
    )
    parser.add_script("RECORDING|SCRIPT", "a recording (.efz), or a Python file to run")
    parser.set_defaults(command="viz.command.nonfinite.run_nonfinite")
