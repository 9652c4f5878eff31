"""`viz estimate SCRIPT`: memory and time of a training, by batch size."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

from viz.command.output_files import CHARTS, check_chart
from viz.command.script_runner import check_given
from viz.estimate.estimates import Estimate, bytes_of, estimated, memory_of_machine
from viz.estimate.measured import memory_of_viz
from viz.estimate.report import advice, picture, text
from viz.facts.json_data import json_text
from viz.picture.raster import write_picture
from viz.shell.parser import Parser
from viz.shell.statuses import Impossible
from viz.shell.terminal import output_to_stderr, paint
from viz.trial.first_step import FirstStep
from viz.trial.stopped_script import run_until_first_step, why_no_step

__all__ = ["add_command", "run_estimate"]

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
    """Give a parser what the command understands."""
    parser.description = _ABOUT
    parser.add_argument("--json", action="store_true", help="print JSON for other programs")
    parser.add_argument("--limit", metavar="SIZE", help="memory that may be used, such as 8GB (default: the machine's)")
    parser.add_output(
        "--draw",
        endings=CHARTS,
        suffix=".estimate.svg",
        metavar="FILE.svg",
        help="also draw memory and time by batch size: .svg, or .png or .pdf by CairoSVG or librsvg",
    )
    parser.add_script()
    script = "it is the script's own: estimate tells of other sizes, too, and the largest that fits"
    parser.not_here |= {"batch-size": script, "batch": script, "batch_size": script}
    parser.set_defaults(command=run_estimate)


def run_estimate(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `script`, `arguments`, `module`, `json`, `limit` and `draw`.

    Returns:
        0 when the script's own batch fits, 1 when not, 2 for wrong usage, 3 when there was no step to measure.
    """
    limit = memory_of_machine() if options.limit is None else bytes_of(options.limit)
    check_chart(options.draw)
    check_given(options)
    found: list[Estimate | str] = []
    own = memory_of_viz()

    def reached(first: FirstStep) -> None:
        found.append(estimated(first, limit, own))

    with output_to_stderr() if options.json else contextlib.nullcontext():
        stopped = run_until_first_step(options.script, options.arguments, reached, as_module=options.module)
    sys.stdout.flush()
    if not found or isinstance(found[0], str):
        why = str(found[0]) if found else why_no_step(stopped)
        if options.json:
            print(json_text({"script": options.script, "failed": bool(stopped.status), "message": why}))
        raise Impossible(why)
    _print(options.script, found[0], options.json)
    if options.draw:
        write_picture(options.draw, picture(found[0]))
        print(f"wrote {options.draw}", file=sys.stderr)
    return int(found[0].largest is not None and found[0].largest < found[0].rows)


def _print(script: str, estimate: Estimate, as_json: bool) -> None:
    if as_json:
        data = {"script": script, "failed": False, **estimate.to_dict(), "advice": advice(estimate)}
        print(json_text(data))
        return
    place = f", {os.path.basename(estimate.place.file)}:{estimate.place.line}" if estimate.place else ""
    print(f"\n{paint(f'estimate: {os.path.basename(script)}{place}', '1;4')}\n")
    print(text(estimate))
