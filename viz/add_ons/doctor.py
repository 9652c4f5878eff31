"""`viz doctor SCRIPT`: run a script as it is, and say what is wrong with its training."""

from __future__ import annotations

import argparse
import contextlib
import os
import shlex
import sys
from collections.abc import Callable
from typing import Any

from eagerflow import __version__
from viz.command.ranks import ranks_here
from viz.doctor.code_review import github_lines, sarif
from viz.doctor.patches import base_of, patch, without_patch
from viz.doctor.report import text
from viz.doctor.watched_script import Examination, examine
from viz.facts.json_data import json_text
from viz.facts.text_files import write_text
from viz.fit_gap.of_script import Found, listening
from viz.shell.output_files import check_target
from viz.shell.program import Script
from viz.shell.statuses import of_script, unanswered
from viz.shell.terminal import output_to_stderr, paint

__all__ = ["run_doctor"]


def run_doctor(options: argparse.Namespace) -> int:
    """Run `viz doctor`."""
    script = Script.of(options)
    if options.json and options.fix:
        raise ValueError("--json and --fix both write to stdout; give one of them")
    check_target(options.sarif, may_stream=True)
    ranks = ranks_here()
    compared = (
        listening(nonfinite=script.rerun("nonfinite"))
        if options.gap and ranks is None
        else contextlib.nullcontext(Found([], []))
    )
    with output_to_stderr(options.json or options.fix), compared as found:
        examination = examine(
            options.script, options.arguments, ranks=ranks, ignored=options.ignore, as_module=options.module
        )
    for name, error in examination.failures:
        print(
            f"viz doctor: the check {name} failed ({type(error).__name__}: {error}); please report it", file=sys.stderr
        )
    if ranks is None or ranks.rank == 0:
        _tell(examination, options, found)
    elif examination.crashed:  # on this rank alone, perhaps
        print(f"rank {ranks.rank}: {_words(examination, paint)}", file=sys.stderr)
    if examination.crashed or not (examination.steps or examination.diagnosis.findings):
        if ranks is None or ranks.rank == 0:
            return unanswered("viz doctor", _why_unanswered(examination), examination.status)
        return of_script(examination.status)
    counted = ("error", "warning") if options.strict else ("error",)
    return int(any(finding.severity in counted for finding in examination.diagnosis))


def _tell(examination: Examination, options: argparse.Namespace, compared: Found) -> None:
    """Print what was found, and write it for code review."""
    findings = examination.diagnosis.findings
    if options.sarif:
        log = sarif(findings, __version__, not examination.crashed)
        write_text(options.sarif, log)
        print(f"wrote {options.sarif}", file=sys.stderr)
    if options.json and options.gap:
        print(json_text({**_as_data(examination), **compared.to_dict(examination.ended)}))
    else:
        _print(examination, options.json, options.fix)
        if options.gap:
            print(f"\n{compared.text(examination.ended)}", file=sys.stderr if options.fix else sys.stdout)
    if options.annotations and findings:
        print(github_lines(findings), file=sys.stderr if options.json or options.fix else sys.stdout)


def _print(examination: Examination, as_json: bool, fix: bool) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    if as_json:
        print(json_text(_as_data(examination)))
        return
    findings = examination.diagnosis.findings
    where = sys.stderr if fix else sys.stdout
    seen = f"{examination.steps} training step{'' if examination.steps == 1 else 's'}"
    seen += f" in {examination.trainings} trainings" if examination.trainings > 1 else ""
    watched = "begun" if examination.crashed and examination.steps == 1 else "watched"  # it may have failed within it
    title = f"doctor: {seen} {watched}{f', then {examination.ended}' if examination.ended else ''}"
    print(f"\n{paint(title, '1;4', where)}\n", file=where)
    if findings or not (examination.crashed or not examination.steps):
        print(_words(examination, lambda words, code: paint(words, code, where)), file=where)
    if fix:
        made = patch(findings)
        print(made, end="")
        if made and (base := base_of(findings)) != os.getcwd():
            print(f"the paths of the patch begin in {base}: git -C {shlex.quote(base)} apply", file=where)
        left = ", ".join([f"{f.kind} (line {f.line})" if f.line else f.kind for f in without_patch(findings)])
        if findings and not made:
            print("no line has a cure that is certain, so there is no patch", file=where)
        elif left:
            print(f"the patch leaves to you: {left}", file=where)


def _as_data(examination: Examination) -> dict[str, Any]:
    """The findings, and whether they are of a whole run: no findings mean nothing where no step ran."""
    return {**examination.diagnosis.to_dict(), "steps": examination.steps, "failed": examination.crashed}


def _words(examination: Examination, painted: Callable[[str, str], str]) -> str:
    """The findings as text; without any, whether all is well or nothing can be said."""
    if examination.diagnosis.findings or (examination.steps and not examination.crashed):
        return text(examination.diagnosis.findings, painted)
    return _why_unanswered(examination)


def _why_unanswered(examination: Examination) -> str:
    ended = examination.ended
    if not examination.crashed:
        return "no training step of eagerflow or PyTorch ran: is the model trained by this script, in its main thread?"
    if examination.diagnosis.findings:
        return f"{ended}; this is what was found until then"
    if examination.steps > 1:
        return f"nothing was found until {ended}"
    when = "in or after its first training step" if examination.steps else "before it trained"
    return f"no diagnosis: {ended} {when}"
