"""`viz data SCRIPT`: the samples of a training, the hardest first."""

from __future__ import annotations

import argparse
import contextlib
import sys

from eagerflow.core.observe import observing
from viz.command.output_files import check_target
from viz.command.script_runner import check_given, run_script
from viz.facts.json_data import json_text
from viz.samples.gathering import Gatherer
from viz.samples.page import to_html
from viz.samples.reckoning import judged
from viz.shell.parser import Parser
from viz.shell.statuses import INTERRUPTED, Impossible, ended, unanswered
from viz.shell.terminal import output_to_stderr, paint

__all__ = ["add_command", "run_data"]

_ABOUT = """\
Run a script as `python` would, and list the samples that it trains with, the hardest first: label, prediction, loss and
norm of the gradient. Labels that are probably wrong, and duplicates, are marked.

  viz data train.py --epochs 5          arguments after the script are the script's
  viz data --html data.html train.py    a page with pictures of the hardest samples
  viz data -n 100 train.py              more lines
  viz data --json train.py              all samples as JSON; what the script prints goes to stderr
  viz data -m package.train             a module instead of a file

Row numbers are those of the arrays given to fit; data in batches are counted as they come.
Exit status: 0 samples were judged, 2 wrong usage or no such script, 3 there were none, or the script failed."""
_NOTHING = (
    "no step of eagerflow in this thread trained a model by a Loss (such as losses.MeanSquaredError()); a loss that a "
    "plain function computes can't be told sample by sample"
)


def add_command(parser: Parser) -> None:
    """Give a parser what the command understands."""
    parser.description = _ABOUT
    parser.add_argument(
        "-n", "--count", dest="n", type=_from_one, default=20, metavar="N", help="how many lines (default: 20)"
    )
    parser.add_output(
        "--html",
        endings=("html", "htm"),
        suffix=".data.html",
        metavar="FILE.html",
        help="also write a page with pictures of the hardest",
    )
    parser.add_argument("--pictures", type=_from_one, default=200, metavar="N", help="how many there (default: 200)")
    parser.add_argument(
        "--seconds", type=float, default=20.0, metavar="S", help="time for norms of gradients (default: 20)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.add_script()
    parser.set_defaults(command=run_data)


def _from_one(given: str) -> int:
    try:
        number = int(given)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{given!r} is not a whole number of 1 or more")
    return number


def run_data(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `script`, `arguments`, `module`, `n`, `html`, `pictures`, `seconds` and `json`.

    Returns:
        0 when samples were judged, 3 when the script failed.
    """
    check_given(options)
    check_target(options.html, ("html", "htm"))
    gatherer = Gatherer()
    with output_to_stderr() if options.json else contextlib.nullcontext():
        _, failed = run_script(options.script, options.arguments, options.module, observing(gatherer))
    gathering = gatherer.chosen()
    if gathering is None:
        why = gatherer.notes or [f"{ended(failed)} before it trained" if failed else _NOTHING]
        return _without_samples(f"there are no samples to judge: {why[0]}", options.json, failed)
    notes = [*gatherer.notes, *([f"{ended(failed)}; these are the samples until then"] if failed else [])]
    samples = judged(gathering, options.pictures if options.html else min(options.n, 50), options.seconds, notes)
    if options.html:
        to_html(samples, options.html)
    if options.json:
        print(json_text({**samples.to_dict(), "failed": bool(failed)}))
    else:
        sys.stdout.flush()
        print()
        for line in str(samples.text(options.n)).splitlines():
            print(paint(line, "31") if "label likely wrong" in line or "another label" in line else line)
        if options.html:
            print(f"wrote {options.html}")
    return unanswered("viz data", f"{ended(failed)}; these are the samples until then", failed) if failed else 0


def _without_samples(why: str, as_json: bool, failed: int) -> int:
    """Say why there are none, and give the status of that."""
    if as_json:
        print(json_text({"samples": [], "notes": [why], "failed": bool(failed)}))
    if failed in INTERRUPTED:
        print(f"\nviz data: {why}", file=sys.stderr)
        return failed
    raise Impossible(why)
