"""`viz diff A B`: what differs between two recordings, or two files of weights."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from typing import Any

from viz.compare.markdown import markdown, verdict_lines
from viz.comparison import TOLERANCE, diff
from viz.facts.archive import TraceFileError

__all__ = ["add_command", "run_diff"]

_ABOUT = """\
Say what differs between two recordings (.efz), or two files of weights (.keras, .weights.h5, .h5, .safetensors):
ops and layers added, removed and changed, the first tensor with other elements, times, bytes, weights.

  viz diff before.efz after.efz         what changed, and what it costs
  viz diff --steps 0,9 run.efz          the first and the tenth step of one recording
  viz diff --tolerance 1e-3 a.efz b.efz let elements differ by a thousandth of the largest in their tensor
  viz diff --html diff.html a.efz b.efz the interactive page of b.efz, changes marked
  viz diff monday.keras friday.keras    which weights differ, and how much
  viz diff --fail-if "time>10%" --fail-if "peak>5%" a.efz b.efz    for CI: fails only beyond noise
  viz diff --fail-if "time>10%" --markdown a.efz b.efz             for a pull request

Elements are compared where both were recorded with `viz run --stats basic` or `--values ''`.
Conditions: time, forward, backward, update, loss, memory, peak, ops, params, flops, and what training reports; > or <;
10% is a change from A to B, 5ms or 2GB B itself. Times and losses are compared over all steps (record 6 at least).
Exit status: 0 no difference (times and bytes don't count), 1 a difference, 2 wrong usage or an unreadable file;
with --fail-if: 0 no condition came true, 1 one did, 2 also when one can't be decided."""


def add_command(commands: Any) -> None:
    """Enter the command into those of the command line."""
    added = commands.add_parser("diff", help="compare two recordings, or two files of weights", description=_ABOUT)
    added.add_argument("a", metavar="A", help="a recording, or a file of weights")
    added.add_argument("b", metavar="B", nargs="?", help="another one; may be left out with --steps")
    added.add_argument("--steps", type=_two, metavar="I,J", help="compare step I of A with step J of B")
    added.add_argument(
        "--tolerance",
        type=float,
        default=TOLERANCE,
        metavar="X",
        help=f"elements differ from this relative distance on (default: {TOLERANCE:g})",
    )
    added.add_argument("--html", metavar="FILE.html", help="write the interactive page with changes marked")
    added.add_argument(
        "--fail-if", action="append", default=[], metavar="COND", help='what must not be, such as "time>10%%"'
    )
    added.add_argument("--markdown", action="store_true", help="print Markdown for a pull request")
    added.add_argument("--json", action="store_true", help="print JSON for other programs")
    added.set_defaults(command=run_diff)


def _two(given: str) -> tuple[int, int]:
    try:
        i, j = (int(part) for part in given.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{given!r}: expected two steps such as 0,9") from None
    return i, j


def run_diff(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `a`, `b`, `steps`, `tolerance`, `html`, `fail_if`, `markdown` and `json`.

    Returns:
        0 without a difference, 1 with one, 2 for wrong usage and files that can't be read; with conditions 0 when none
        came true, 1 when one did, 2 when one can't be decided.
    """
    try:
        found = diff(options.a, options.b, steps=options.steps, tolerance=options.tolerance)
        verdicts = found.check(*options.fail_if) if options.fail_if else []
        if options.html:
            found.to_html(options.html)
    except (TraceFileError, ValueError, TypeError, ImportError, OSError) as error:
        print(f"viz diff: {error}", file=sys.stderr)
        return 2
    if options.json:
        told = found.to_dict()
        told |= {"conditions": [dataclasses.asdict(each) for each in verdicts]} if verdicts else {}
        print(json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False))
    elif options.markdown:
        print(markdown(found, verdicts))
    else:
        print(found)
        print("\n".join(["conditions:", *verdict_lines(verdicts)]) if verdicts else "", end="\n" if verdicts else "")
    if not verdicts:
        return int(bool(found))
    failed = {verdict.failed for verdict in verdicts}
    return 1 if True in failed else 2 if None in failed else 0
