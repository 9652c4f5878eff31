"""`viz diff A B`: its arguments."""

from __future__ import annotations

import re

from viz.choices import TOLERANCE
from viz.chosen_steps import ChosenSteps
from viz.shell.options.steps import steps
from viz.shell.parser import Parser, written

__all__ = ["add_command"]

_ABOUT = """\
Say what differs between two recordings (.efz), or two files of weights (.keras, .weights.h5, .h5, .safetensors):
ops and layers added, removed and changed, the first tensor with other elements, times, bytes, weights.

  viz diff before.efz after.efz         what changed, and what it costs
  viz diff --steps 0,9 run.efz          the first and the tenth step of one recording
  viz diff --steps 5- before.efz after.efz      both from step 5 on, conditions too
  viz diff --tolerance 1e-3 a.efz b.efz  ignore differences below a thousandth of a tensor's largest number
  viz diff --html diff.html a.efz b.efz  the interactive page of b.efz, changes marked
  viz diff monday.keras friday.keras    which weights differ, and how much
  viz diff --fail-if "time>10%" --fail-if "peak>5%" a.efz b.efz    for CI: fails only if it is more than chance
  viz diff --fail-if "time>10%" --markdown a.efz b.efz             for a pull request
  viz diff a1.efz b1.efz --fail-if "time>5%" --more-a a2.efz a3.efz --more-b b2.efz b3.efz    several runs of each

Numbers are compared where both were recorded with `viz run --stats basic` or `--values ''`.
Conditions: time, forward, backward, update, loss, memory, peak, ops, params, flops, and what training reports; > or <;
10% is a change from A to B, 5ms or 2GB B itself. Times and losses are compared over all steps, or those of
--steps (6 at least).
Exit status: 0 no difference (times and bytes don't count), 1 a difference, 2 wrong usage or an unreadable file;
with --fail-if: 0 no condition came true, 1 one did, 3 none did, but one can't be decided."""


def add_command(parser: Parser) -> None:
    """Add the command's arguments to a parser."""
    parser.description = _ABOUT
    parser.add_argument("a", metavar="A", help="a recording, or a file of weights")
    parser.add_argument("b", metavar="B", nargs="?", help="another one; may be left out with --steps")
    parser.add_argument(
        "--steps",
        type=_steps,
        metavar="I,J",
        help="compare step I of A with step J of B; 5- or 2-9: these steps of both",
    )
    parser.add_argument(
        "--tolerance",
        type=float,
        default=TOLERANCE,
        metavar="X",
        help=f"numbers differ if they are further apart than this, relatively (default: {TOLERANCE:g})",
    )
    parser.add_argument(
        "--html",
        type=written("html", "htm"),
        metavar="FILE.html",
        help="write the interactive page with changes marked",
    )
    parser.add_argument(
        "--fail-if", action="append", default=[], metavar="COND", help='what makes it fail, such as "time>10%%"'
    )
    for side, which in (("a", "A"), ("b", "B")):
        parser.add_argument(
            f"--more-{side}", nargs="+", default=[], metavar="FILE", help=f"more recordings of {which}, for conditions"
        )
    parser.add_argument("--markdown", action="store_true", help="print Markdown for a pull request")
    parser.add_argument("--json", action="store_true", help="print JSON for other programs (times in nanoseconds)")
    parser.set_defaults(command="viz.command.diff.run_diff")


def _steps(given: str) -> tuple[int, int] | ChosenSteps:
    """Two numbers, one for each side; or the steps of both."""
    if re.fullmatch(r"\s*\d+\s*,\s*\d+\s*", given, re.ASCII):
        i, j = map(int, given.split(","))
        return i, j
    return steps(given)
