"""`viz replay FILE.efr`: run kept training steps again."""

from __future__ import annotations

import argparse
import math
import pydoc
import shlex
from typing import Any

from viz.doctor.report import text as findings_as_text
from viz.doctor.watcher import Watcher
from viz.facts import formatting
from viz.facts.json_data import json_text
from viz.facts.lines.room import room
from viz.facts.text_table import Text, table
from viz.replay.file import read
from viz.replay.kept import Kept
from viz.replay.player import CannotReplay, Player
from viz.replay.recorded import filmed, first_nonfinite, traced
from viz.replay.rows import guilty_rows
from viz.replay.verdict import in_cells, told, verdict
from viz.shell.output_files import check_target
from viz.shell.printed import print_folded
from viz.shell.statuses import DONE, FOUND, Impossible

__all__ = ["run_replay"]


def run_replay(options: argparse.Namespace) -> int:
    """Run `viz replay`."""
    check_target(options.trace, ("efz",))
    kept = read(options.file, None if options.no_limit else "auto")
    number = _asked(kept, options.at)
    try:
        return _answer(kept, number, options)
    except CannotReplay as error:
        raise Impossible(str(error)) from error


def _asked(kept: Kept, at: int | None) -> int:
    """The place of a step among those of the file."""
    numbers = [step.number for step in kept.steps]
    if at is None:
        return len(numbers) - 1
    if at not in numbers:
        raise ValueError(f"--at {at}: the file has the steps {numbers[0]} to {numbers[-1]}")
    return numbers.index(at)


def _answer(kept: Kept, number: int, options: argparse.Namespace) -> int:
    if options.step:
        frames = filmed(kept, number)
        pydoc.pager("\n\n".join([f"[{i}/{len(frames)}] {frame}" for i, frame in enumerate(frames, 1)]) + "\n")
        return 0
    if options.bisect_rows:
        found = guilty_rows(kept, number, _band(kept, number))
        _print(options, vars(found), str(found))
        return 0
    if options.nonfinite:
        where = first_nonfinite(kept)
        steps = formatting.count(len(kept.steps), "step")
        words = f"all finite in {steps}: what was made, forward and backward" if where is None else str(where)
        _print(options, {"nonfinite": None if where is None else where.to_dict()}, words)
        return DONE if where is None else FOUND
    if options.trace:
        recording = traced(kept, number)
        recording.save(options.trace)
        words = f"wrote {options.trace}; next: viz html {shlex.quote(options.trace)}, and press play"
        _print(options, {"file": options.trace, "ops": len(recording.ops)}, words)
        return 0
    if options.doctor:
        watcher = Watcher()
        watcher.counter = lambda: kept.steps[0].number + watcher.steps.number  # as in the run
        with watcher:
            Player(kept).run_to(len(kept.steps) - 1)
        findings = watcher.findings
        words = findings_as_text(findings) if findings else "the doctor found nothing"
        _print(options, {"findings": [finding.to_dict() for finding in findings]}, words)
        return FOUND if any(finding.severity == "error" for finding in findings) else DONE
    return _compare(kept, number, options)


def _compare(kept: Kept, number: int, options: argparse.Namespace) -> int:
    """Run the steps and say whether they are the same."""
    player = Player(kept)
    played = player.run_to(number)
    judged = verdict(kept, player, played)
    rows = told(played)
    if options.json:
        steps = [{**row, "asked": row["step"] in {s.number for s in kept.asked}} for row in rows]
        facts = {"file": options.file, "cause": kept.meta["cause"], "steps": steps, **vars(judged)}
        print(json_text(facts))
        return int(not judged.exact)
    first = len(kept.steps) - len(kept.asked)
    message = kept.meta.get("message", kept.meta["cause"])
    script = kept.meta.get("script") or "a program"
    print_folded(f"{options.file}: step {kept.steps[-1].number} of {script} was kept because {message!s:.200}", "1")
    if 0 < first <= number:
        print_folded(
            f"its state is that before step {kept.steps[0].number}; {first} steps run before those that were asked for"
        )
    heads = ("step", "loss then", "loss now", "same bits", "rows")
    lines = [in_cells(row, 2 if (room() or 80) < 80 else 6) for row in rows[first:] or rows]  # in a narrow terminal
    print(Text.of([table(heads, lines, least="rows,loss now")]))
    print_folded(str(judged), "32" if judged.exact else "31")
    if judged.exact and kept.meta["cause"] in ("nan", "raised", "spike"):
        asks = "--nonfinite, --bisect-rows, --step (all: viz replay --help)"
        print_folded(f"next: viz replay {shlex.quote(options.file)} {asks}")
    return int(not judged.exact)


def _band(kept: Kept, number: int) -> float | None:
    """Beyond which a loss that spiked is large: half way from the steps before."""
    losses = [s.loss for s in kept.steps[:number] if s.loss is not None and math.isfinite(s.loss)]
    loss = kept.steps[number].loss
    if kept.meta["cause"] != "spike" or not losses or loss is None:
        return None
    return (max(losses) + loss) / 2


def _print(options: argparse.Namespace, facts: dict[str, Any], words: str) -> None:
    if options.json:
        print(json_text(facts))
    else:
        print_folded(words)
