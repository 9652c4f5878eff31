"""`viz estimate SCRIPT`: memory and time of a training, by batch size."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

from eagerflow.base.wording.own_names import in_names_of
from viz.command.output_files import check_chart
from viz.command.script_runner import check_given
from viz.estimate.estimates import Estimate, bytes_of, estimated, memory_of_machine
from viz.estimate.measured import memory_of_viz
from viz.estimate.report import advice, picture, text
from viz.facts.json_data import json_text
from viz.picture.rendering.raster import write_picture
from viz.shell.statuses import Impossible
from viz.shell.terminal import output_to_stderr, paint
from viz.trial.first_step import FirstStep
from viz.trial.stopped_script import run_until_first_step, why_no_step

__all__ = ["run_estimate"]


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
        data = {
            "script": script,
            "failed": False,
            **estimate.to_dict(),
            "advice": [in_names_of(each, script) for each in advice(estimate)],
        }
        print(json_text(data))
        return
    place = f", {os.path.basename(estimate.place.file)}:{estimate.place.line}" if estimate.place else ""
    print(f"\n{paint(f'estimate: {os.path.basename(script)}{place}', '1;4')}\n")
    print(in_names_of(text(estimate), script))
