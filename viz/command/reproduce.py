"""`viz reproduce SCRIPT`: two runs of a script, and the first thing in which they differ."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from viz.check.reproduce import as_json, reproduce, run_noted
from viz.check.row import fault, fine, shown
from viz.command.script_runner import wants_json
from viz.command.terminal import paint

__all__ = ["add_command", "run_reproduce"]

_ABOUT = """\
Run a script twice, each time in a new process, and name the first result in which the runs differ, with its line:
random numbers, a weight, a batch, an op, the loss or a gradient. What it prints and writes is dropped.

  viz reproduce train.py                the first 20 training steps
  viz reproduce --steps 0 train.py      the whole script
  viz reproduce train.py --json         what was found as JSON

Exit status: 0 the same bits, 1 a difference, 2 wrong usage, 3 the script failed, or runs no op."""


def add_command(commands: Any) -> None:
    """Enter the command into those of the command line."""
    added = commands.add_parser(
        "reproduce", help="run a script twice, and name the first difference", description=_ABOUT
    )
    added.add_argument("--json", action="store_true", help="print JSON for other programs")
    added.add_argument("--steps", type=int, default=20, metavar="N", help="training steps; 0: all (default: 20)")
    added.add_argument("--journal", metavar="FILE", help=argparse.SUPPRESS)
    added.add_argument("script", help="a Python file")
    added.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")
    added.set_defaults(command=run_reproduce)


def run_reproduce(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `script`, `arguments`, `json` and `steps`; with `journal`, one run is written down there, which is how
            the command runs its script.

    Returns:
        0 when both runs gave the same bits, 1 when not, 2 for wrong usage, 3 when the script failed.
    """
    few = options.steps < 0 and not options.journal
    if not os.path.isfile(options.script) or few:
        wrong = "--steps must be 0 or more" if few else f"there is no script {options.script!r}"
        print(f"viz reproduce: {wrong}", file=sys.stderr)
        return 2
    asked, arguments = wants_json(options.arguments)
    steps = options.steps or None
    if options.journal:
        return run_noted(options.script, arguments, steps, options.journal, first_step=options.steps < 0)
    found = reproduce(options.script, arguments, steps)
    if options.json or asked:
        print(as_json(found))
    elif isinstance(found, str):
        print(f"viz reproduce: nothing can be said: {found}", file=sys.stderr)
    else:
        row = fine(found.message) if found.same else fault(found.message, found.fix, found.place)
        row.name = "two runs"
        print(shown([row], paint))
    return 3 if isinstance(found, str) else int(not found.same)
