"""`viz estimate SCRIPT`: memory and time of a training, by batch size."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from viz.doctor.user_code import Place
from viz.dry_run.first_step import FirstStep
from viz.dry_run.stopped_script import run_until_first_step
from viz.estimate.custom_loop_timing import RECORDED, LoopSteps, fits, loop_facts
from viz.estimate.estimates import Estimate, bytes_of, estimated, memory_of_machine
from viz.estimate.measured import memory_of_viz
from viz.estimate.report import advice, picture, text, text_of_loop
from viz.facts.json_data import json_text
from viz.frameworks import eagerflow_alone
from viz.picture.rendering.raster import write_picture
from viz.shell.output_files import check_chart
from viz.shell.program import Script
from viz.shell.statuses import Impossible
from viz.shell.terminal import output_to_stderr, paint
from viz.tracer import trace

__all__ = ["run_estimate"]

_LEAST = 2**20  # bytes: nobody has less, and means another unit


def run_estimate(options: argparse.Namespace) -> int:
    """Run `viz estimate`."""
    check_chart(options.draw)
    script = Script.of(options)
    limit = memory_of_machine() if options.limit is None else _given(options.limit)
    found: list[Estimate | str] = []
    own = memory_of_viz()
    heard, recorder, loop = LoopSteps(), trace(steps=RECORDED), list[FirstStep]()

    def reached(first: FirstStep) -> bool:
        sys.stdout.flush()  # what the script printed stands above
        print("viz estimate: measuring steps at two batch sizes, some seconds", file=sys.stderr, flush=True)
        found.append(estimated(first, limit, own))
        if first.kind != "loop":
            return False
        loop.append(first)
        heard.go_on()
        return True

    with output_to_stderr(options.json), recorder as recording:
        stopped = run_until_first_step(script, reached, [heard])
    sys.stdout.flush()
    if loop and (isinstance(found[0], str) or len(heard.optimizers) > 1):
        facts = loop_facts(recording, heard, loop[0], str(found[0]), limit, own)
        if facts is not None:
            return _print_loop(options, facts, loop[0].place)
    if not found or isinstance(found[0], str):
        why = (
            str(found[0]) if found else (not stopped.status and eagerflow_alone("viz estimate")) or stopped.why_no_step
        )
        if options.json:
            print(json_text({"script": options.script, "failed": bool(stopped.status), "message": why}))
        raise Impossible(f"{why}; what is set up wrong: {script.rerun('check')}" if found else why)
    _print(options.script, found[0], options.json)
    if options.draw:
        write_picture(options.draw, picture(found[0]))
        print(f"wrote {options.draw}", file=sys.stderr)
    return int(found[0].largest is not None and found[0].largest < found[0].rows)


def _given(limit: str) -> int:
    """The bytes of `--limit`."""
    try:
        size = bytes_of(limit)
    except ValueError as error:
        raise ValueError(f"--limit: {error}") from None
    if limit.strip().isdigit() and size < _LEAST:
        raise ValueError(f"--limit {limit}: that is {limit} bytes; give a unit, as in {limit.strip()}GB")
    return size


def _print_loop(options: argparse.Namespace, facts: dict[str, Any], place: Place | None) -> int:
    """Of a loop whose step can't be made with other batches."""
    if options.json:
        print(json_text({"script": options.script, "failed": False, **facts}))
    else:
        _print_head(options.script, place)
        print(text_of_loop(facts))
    if options.draw:
        print(f"viz estimate: {options.draw} isn't written: one batch size makes no curve", file=sys.stderr)
    return int(not fits(facts))


def _print_head(script: str, at: Place | None) -> None:
    name = os.path.basename(script)
    place = f"{os.path.basename(at.file)}:{at.line}" if at else ""
    own = place.startswith(f"{name}:")
    head = place if own else f"{name}, {place}" if place else name
    print(f"\n{paint(f'estimate: {head}', '1;4')}\n")


def _print(script: str, estimate: Estimate, as_json: bool) -> None:
    if as_json:
        data = {"script": script, "failed": False, **estimate.to_dict(), "advice": advice(estimate)}
        print(json_text(data))
        return
    _print_head(script, estimate.place)
    print(text(estimate))
