"""`viz doctor SCRIPT`: run a script as it is, and say what is wrong with its training."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import sys
from typing import Any

from eagerflow import __version__
from viz.command.output_files import check_target
from viz.command.ranks import ranks_here
from viz.command.script_runner import wants_json
from viz.command.terminal import output_to_stderr, paint
from viz.doctor.code_review import github_lines, sarif
from viz.doctor.patches import patch
from viz.doctor.report import text
from viz.doctor.watched_script import Examination, examine
from viz.fit_gap.of_script import Found, listening

__all__ = ["add_command", "run_doctor"]

_ABOUT = """\
Run a script as `python` would, and say what is wrong with its training, with the guilty line.

  viz doctor train.py --epochs 3        arguments after the script are the script's
  viz doctor train.py --json            findings as JSON; what the script prints goes to stderr
  viz doctor --sarif out.sarif train.py a file for code review (SARIF 2.1.0)
  viz doctor --annotations github train.py   lines that GitHub shows beside the code
  viz doctor --fix train.py             a patch of the lines whose cure is certain; no file is changed
  viz doctor --gap train.py             also why fit and evaluate disagree (see `viz gap`)
  viz doctor train.py -- --json         after `--` everything is the script's

The first steps are looked at closely, the rest cheaply. Scripts that import Keras run on eagerflow.
Several ranks find together, and rank 0 tells: python -m eagerflow launch -n 2 -m viz doctor train.py
Exit status: 0 no errors found, 1 errors found, 2 wrong usage, 3 the script failed."""


def add_command(commands: Any) -> None:
    """Enter the command into those of the command line."""
    added = commands.add_parser(
        "doctor", help="run a script and say what is wrong with its training", description=_ABOUT
    )
    added.add_argument("--json", action="store_true", help="print findings as JSON for other programs")
    added.add_argument("--sarif", metavar="FILE.sarif", help="also write the findings for code review")
    added.add_argument(
        "--annotations", choices=("github",), help="also print a line per finding that CI shows in place"
    )
    added.add_argument("--fix", action="store_true", help="print a patch of the lines whose cure is certain, alone")
    added.add_argument("--gap", action="store_true", help="also say why fit and evaluate disagree, after the last fit")
    added.add_argument("script", help="a Python file")
    added.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")
    added.set_defaults(command=run_doctor)


def run_doctor(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `script`, `arguments`, `json`, `sarif`, `annotations`, `fix` and `gap`.

    Returns:
        0 without errors among the findings, 1 with, 2 when there is no such script, 3 when the script failed.
    """
    if not os.path.isfile(options.script):
        print(f"viz doctor: there is no script {options.script!r}", file=sys.stderr)
        return 2
    asked, arguments = wants_json(options.arguments)
    as_json = options.json or asked
    if as_json and options.fix:
        print("viz doctor: --json and --fix both write to stdout; give one of them.", file=sys.stderr)
        return 2
    try:
        check_target(options.sarif)
    except (ValueError, OSError) as refusal:
        print(f"viz doctor: {refusal}", file=sys.stderr)
        return 2
    ranks = ranks_here()
    compared = listening() if options.gap and ranks is None else contextlib.nullcontext(Found([], []))
    with output_to_stderr() if as_json or options.fix else contextlib.nullcontext(), compared as found:
        examination = examine(options.script, arguments, ranks=ranks)
    for name, error in examination.failures:
        print(
            f"viz doctor: the check {name} failed ({type(error).__name__}: {error}); please report it", file=sys.stderr
        )
    if ranks is None or ranks.rank == 0:
        _tell(examination, options, as_json, found)
    elif examination.crashed:  # on this rank alone, perhaps
        print(f"rank {ranks.rank}: {examination.diagnosis.text}", file=sys.stderr)
    if examination.crashed:
        return 3
    return int(any(finding.severity == "error" for finding in examination.diagnosis))


def _tell(examination: Examination, options: argparse.Namespace, as_json: bool, compared: Found) -> None:
    """Print what was found, and write it for code review."""
    findings = examination.diagnosis.findings
    if options.sarif:
        log = sarif(findings, __version__, not examination.crashed)
        pathlib.Path(options.sarif).write_text(log, encoding="utf-8")
    if as_json and options.gap:
        data = json.loads(examination.diagnosis.to_json())
        print(json.dumps({**data, **compared.to_dict()}, indent=1, ensure_ascii=False, allow_nan=False))
    else:
        _print(examination, as_json, options.fix)
        if options.gap:
            print(f"\n{compared.text}", file=sys.stderr if options.fix else sys.stdout)
    if options.annotations and findings:
        print(github_lines(findings), file=sys.stderr if as_json or options.fix else sys.stdout)


def _print(examination: Examination, as_json: bool, fix: bool) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    if as_json:
        print(examination.diagnosis.to_json())
        return
    findings = examination.diagnosis.findings
    where = sys.stderr if fix else sys.stdout
    seen = f"{examination.steps} training step{'' if examination.steps == 1 else 's'}"
    title = f"doctor: {seen} watched{', then the script failed' if examination.crashed else ''}"
    print(f"\n{paint(title, '1;4', where)}\n", file=where)
    if findings:
        print(text(findings, lambda words, code: paint(words, code, where)), file=where)
    elif not examination.crashed and examination.steps:
        print(text(findings), file=where)
    elif examination.crashed and not examination.steps:
        print("nothing can be said: the script failed before it trained", file=where)
    elif examination.crashed:
        print("nothing was found until the script failed", file=where)
    else:
        print("no training step of eagerflow ran: is the model trained by this script?", file=where)
    if fix:
        print(patch(findings), end="")
