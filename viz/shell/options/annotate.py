"""`viz annotate FILE`: its arguments."""

from __future__ import annotations

from viz.shell.parser import Parser, written

__all__ = ["add_command"]

_ABOUT = """\
Show your source, and beside each line what it costs in one training step: shapes, times forward and backward, bytes,
norms of gradients. The cost of a layer is shown at the line that created it.

  viz run --stats basic train.py        records; with --stats norms of gradients are measured
  viz annotate train.efz
  viz annotate train.efz --html lines.html --step 3
  viz annotate train.efz --all          whole files, not only what is around lines that cost something"""


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.description = _ABOUT
    parser.add_recording()
    parser.add_argument(
        "--step",
        type=int,
        metavar="N",
        help="which step, from 0 (default: the last complete one of the usual batch size)",
    )
    parser.add_argument("--html", type=written("html", "htm"), metavar="FILE.html", help="write a page instead")
    parser.add_argument("--all", action="store_true", help="show whole files")
    parser.add_argument("--json", action="store_true", help="print JSON for other programs (times in nanoseconds)")
    parser.set_defaults(command="viz.command.annotate.run_annotate")
