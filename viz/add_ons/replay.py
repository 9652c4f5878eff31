"""`viz replay FILE.efr`: run kept training steps again, as they were or changed."""

from __future__ import annotations

import argparse
import math
import shlex
from typing import Any

from viz.doctor.report import text as findings_as_text
from viz.doctor.watcher import Watcher
from viz.dry_run.first_step import FirstStep
from viz.dry_run.stopped_script import run_until_first_step
from viz.facts import formatting
from viz.facts.json_data import json_text
from viz.facts.lines.room import room
from viz.facts.text_table import Text, table
from viz.replay.answers import changed, in_cells, told
from viz.replay.file import read
from viz.replay.first_bad import find_culprit
from viz.replay.kept import Kept
from viz.replay.player import CannotReplay, Player
from viz.replay.prompt import Prompt
from viz.replay.recorded import filmed, traced
from viz.replay.rows import guilty_rows
from viz.replay.script import ScriptPlayer
from viz.replay.verdict import verdict
from viz.shell.output_files import check_target
from viz.shell.printed import print_folded
from viz.shell.program import Script
from viz.shell.statuses import DONE, FOUND, Impossible
from viz.shell.terminal import output_to_stderr
from viz.tracer import trace

__all__ = ["run_replay"]

_USUAL = 80  # signs of a line, which have room for the table


def run_replay(options: argparse.Namespace) -> int:
    """Run `viz replay`."""
    check_target(options.trace, ("efz",))
    if options.lr is not None and not (options.lr >= 0 and math.isfinite(options.lr)):
        raise ValueError(f"--lr {options.lr}: expected a number of at least 0")
    if options.arguments and not options.script:
        given = "".join(options.arguments)
        cure = f"; --step takes no number: --step --at {given}" if options.step and given.isdigit() else ""
        raise ValueError(f"arguments are for --script; got {options.arguments[:3]}{cure}")
    if options.module and not options.script:
        raise ValueError("-m says that --script is a module; give its name: --script package.train -m")
    kept = read(options.file, None if options.no_limit else "auto")
    number = _asked(kept, options.at)
    if options.script:
        Script.of(options)
    try:
        return _by_script(kept, number, options) if options.script else _by_ops(kept, number, options)
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


def _by_ops(kept: Kept, number: int, options: argparse.Namespace) -> int:
    if options.step:
        Prompt(filmed(kept, number)).cmdloop()
        return 0
    if options.bisect_rows:
        found = guilty_rows(kept, number, options.float64, _band(kept, number))
        _print(options, vars(found), str(found))
        return 0
    if options.nonfinite:
        culprit = find_culprit(kept)
        facts = None if culprit is None else vars(culprit)
        return _say_where(options, facts, culprit, len(kept.steps))
    if options.trace:
        recording = traced(kept, number)
        recording.save(options.trace)
        words = f"wrote {options.trace}; next: viz html {shlex.quote(options.trace)}, and press play"
        _print(options, {"file": options.trace, "ops": len(recording.ops)}, words)
        return 0
    if options.doctor:
        with _watcher(kept) as watcher:
            Player(kept).run_to(len(kept.steps) - 1)
        return _say_findings(watcher, options)
    if options.float64 or options.lr is not None or options.without:
        difference = changed(kept, number, double=options.float64, rate=options.lr, without=options.without)
        _print(options, difference.facts(), str(difference))
        return 0
    return _compare(kept, number, Player(kept), options)


def _compare(kept: Kept, number: int, player: Any, options: argparse.Namespace, **around: Any) -> int:
    """Run the steps and say whether they are the same."""
    played = player.run_to(number, **around)
    judged = verdict(kept, player, played)
    rows = told(kept, played)
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
    lines = [in_cells(row, 6 if (room() or _USUAL) >= _USUAL else 2) for row in rows]
    print(Text.of([table(heads, lines[first:] or lines, least="rows,loss now")]))
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


def _watcher(kept: Kept) -> Watcher:
    """A doctor to whom the first step has the number that it had in the run."""
    watcher = Watcher()
    watcher.counter = lambda: kept.steps[0].number + watcher.steps.number
    return watcher


def _say_findings(watcher: Watcher, options: argparse.Namespace) -> int:
    findings = watcher.findings
    facts = {"findings": [finding.to_dict() for finding in findings]}
    words = findings_as_text(findings) if findings else "the doctor found nothing"
    _print(options, facts, words)
    return FOUND if any(finding.severity == "error" for finding in findings) else DONE


def _by_script(kept: Kept, number: int, options: argparse.Namespace) -> int:
    wrong = {"--bisect-rows": options.bisect_rows, "--float64": options.float64, "--without": options.without}
    wrong |= {"--step": options.step, "--trace": options.trace, "--lr": options.lr is not None}
    for name, given in wrong.items():
        if given:
            raise ValueError(f"{name} works on the ops in the file; leave --script out")
    arguments = [a for i, a in enumerate(options.arguments) if i or a != "--"]
    first = list[FirstStep]()
    with output_to_stderr(options.json):
        stopped = run_until_first_step(Script(options.script, arguments, options.module), first.append)
    if stopped.status:
        raise CannotReplay(f"{options.script} failed before its first step: it {stopped}")
    player = ScriptPlayer(kept, first[0] if first else None)
    if options.doctor:
        with _watcher(kept) as watcher:
            player.run_to(number)
        return _say_findings(watcher, options)
    if options.nonfinite:
        return _nonfinite_of_script(player, number, options)
    return _compare(kept, number, player, options)


def _nonfinite_of_script(player: ScriptPlayer, number: int, options: argparse.Namespace) -> int:
    played = player.run_to(number, lambda: trace(on_nonfinite="raise"))
    found = next((each.error for each in played if hasattr(each.error, "found")), None)
    facts = None if found is None else found.found.to_dict()
    return _say_where(options, facts, found, len(played))


def _say_where(options: argparse.Namespace, facts: dict[str, Any] | None, found: object, steps: int) -> int:
    """Say where NaN begins, or in how many steps there was none; gives the exit status."""
    finite = f"all finite in {formatting.count(steps, 'step')}: what was made, forward and backward"
    _print(options, {"nonfinite": facts}, finite if found is None else str(found))
    return DONE if found is None else FOUND


def _print(options: argparse.Namespace, facts: dict[str, Any], words: str) -> None:
    if options.json:
        print(json_text(facts))
    else:
        print_folded(words)
