"""`viz gap SCRIPT`: why `fit` and `evaluate` disagree about the same rows."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from typing import Any

from viz.command.output_files import check_target
from viz.command.script_runner import run_script, wants_json
from viz.command.terminal import output_to_stderr
from viz.fit_gap.of_script import Found, listening

__all__ = ["add_command", "run_gap"]

_ABOUT = """\
Run a script as `python` would, and say why fit and evaluate disagree: the rows of the last epoch once more, with the
weights that fit left, in both modes and between. The parts sum to the difference.

  viz gap train.py --epochs 3           arguments after the script are the script's
  viz gap --each train.py               every call of fit, not the last one alone
  viz gap --draw gap.svg train.py       also a picture
  viz gap --metric accuracy train.py    also the parts of a metric
  viz gap train.py --json               numbers as JSON; what the script prints goes to stderr

Exit status: 0 nothing needs mending, 1 something does (statistics of batch normalization that lag behind, a loss that
is not a number), 2 wrong usage, 3 the script failed, or no epoch of fit could be taken apart."""


def add_command(commands: Any) -> None:
    """Enter the command into those of the command line."""
    added = commands.add_parser("gap", help="say why fit and evaluate disagree", description=_ABOUT)
    added.add_argument("--json", action="store_true", help="print JSON for other programs")
    added.add_argument("--each", action="store_true", help="every call of fit (default: the last)")
    added.add_argument("--draw", metavar="FILE.svg", help="draw the last one that was taken apart")
    added.add_argument("--metric", metavar="NAME", help="also list the parts of this metric")
    added.add_argument("script", help="a Python file")
    added.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")
    added.set_defaults(command=run_gap)


def run_gap(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `script`, `arguments`, `json`, `each`, `draw` and `metric`.

    Returns:
        See the command's help.
    """
    asked, arguments = wants_json(options.arguments)
    as_json = options.json or asked
    try:
        if not os.path.isfile(options.script):
            raise FileNotFoundError(f"there is no script {options.script!r}")
        check_target(options.draw, ("svg",))
    except (ValueError, OSError) as error:
        print(f"viz gap: {error}", file=sys.stderr)
        return 2
    with output_to_stderr() if as_json else contextlib.nullcontext():
        found, failed = run_script(options.script, arguments, False, listening(options.each))
    if options.draw and found.gaps:
        found.gaps[-1].draw(options.draw)
    _print(found, as_json, options.metric)
    if failed or not found.gaps:
        return 3
    return 0 if all(gap.ok for gap in found.gaps) else 1


def _print(found: Found, as_json: bool, metric: str | None) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    if as_json:
        print(json.dumps(found.to_dict(), indent=1, ensure_ascii=False, allow_nan=False))
        return
    print(f"\n{found.text}")
    for gap in found.gaps:
        if metric is None:
            break
        known = metric in gap.numbers
        print("\n" + (gap.table(metric) if known else f"no metric {metric!r}; there are {', '.join(gap.numbers)}"))
