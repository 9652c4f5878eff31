"""`viz check SCRIPT`: its arguments."""

from __future__ import annotations

from viz.choices import CHARTS
from viz.shell.parser import Parser, written

__all__ = ["add_command"]

_ABOUT = """\
Run a script up to its first training step, check there whether it can learn as it is set up, and end it.

  viz check train.py --epochs 3         arguments after the script are the script's
  viz check --json train.py             the table as JSON; what the script prints goes to stderr
  viz check --strict train.py           a – counts, too, but for what the script hasn't (as validation data)
  viz check --augmented rows.svg train.py    a picture of the first rows before and after augmentation
  viz check -m package.train            a module instead of a file

✓ is as it should be, ✗ isn't, – can't be decided here (and says why). Everything is tried on the script's own model and
first batch, and undone. Nothing is left behind: files that the script writes go to a temporary folder.
It takes at most 30 seconds and 20 training steps, after what the script does before it trains.
Exit status: 0 no ✗, 1 at least one ✗ (with --strict: or –), 2 wrong usage, 3 the script failed before it
trained, or doesn't train."""


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.description = _ABOUT
    parser.add_argument("--json", action="store_true", help="print the table as JSON for other programs")
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 also where a question stays open (–), as for a ✗"
    )
    parser.add_argument(
        "--augmented",
        type=written(*CHARTS),
        metavar="FILE.svg",
        help="draw rows before and after augmentation: .svg or .png, or .pdf by CairoSVG or librsvg",
    )
    parser.add_script()
    parser.set_defaults(command="viz.command.check.run_check")
