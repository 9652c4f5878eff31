"""`viz estimate SCRIPT`: its arguments."""

from __future__ import annotations

from viz.choices import CHARTS
from viz.shell.parser import Parser, written

__all__ = ["add_command"]

_ABOUT = """\
Run a script up to its first training step, measure a few steps at two batch sizes, and estimate others from them:
memory of the process and of arrays, time of a step, an epoch and all epochs, and the largest batch that fits.

  viz estimate train.py                 the limit is this machine's memory
  viz estimate --limit 8GB train.py
  viz estimate --draw memory.svg train.py   also a picture
  viz estimate --json train.py          the same as JSON; what the script prints goes to stderr
  viz estimate -m package.train         a module instead of a file

Nothing is left behind: files that the script writes go to a temporary folder.
Exit status: 0 the script's batch fits, 1 it doesn't, 2 wrong usage, 3 the script failed, or no step could be made."""


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.description = _ABOUT
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.add_argument("--limit", metavar="SIZE", help="memory that may be used, such as 8GB (default: the machine's)")
    parser.add_argument(
        "--draw",
        type=written(*CHARTS),
        metavar="FILE.svg",
        help="also draw memory and time by batch size: .svg or .png, or .pdf by CairoSVG or librsvg",
    )
    parser.add_script()
    parser.set_defaults(command="viz.command.estimate.run_estimate")
