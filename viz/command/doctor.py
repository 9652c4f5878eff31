"""`viz doctor SCRIPT`: run a script as it is, and say what is wrong with its training."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from typing import Any

from viz.command.script_runner import wants_json
from viz.command.terminal import output_to_stderr, paint
from viz.doctor.report import text
from viz.doctor.watched_script import Examination, examine

__all__ = ["add_command", "run_doctor"]

_ABOUT = """\
Run a script as `python` would, and say what is wrong with its training, with the guilty line.

  viz doctor train.py --epochs 3        arguments after the script are the script's
  viz doctor train.py --json            findings as JSON; what the script prints goes to stderr
  viz doctor train.py -- --json         after `--` everything is the script's

The first steps are looked at closely, the rest cheaply. Scripts that import Keras run on eagerflow.
Exit status: 0 no errors found, 1 errors found, 2 wrong usage, 3 the script failed."""


def add_command(commands: Any) -> None:
    """Enter the command into those of the command line."""
    added = commands.add_parser(
        "doctor", help="run a script and say what is wrong with its training", description=_ABOUT
    )
    added.add_argument("--json", action="store_true", help="print findings as JSON for other programs")
    added.add_argument("script", help="a Python file")
    added.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")
    added.set_defaults(command=run_doctor)


def run_doctor(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `script`, `arguments` and `json`.

    Returns:
        0 without errors among the findings, 1 with, 2 when there is no such script, 3 when the script failed.
    """
    if not os.path.isfile(options.script):
        print(f"viz doctor: there is no script {options.script!r}", file=sys.stderr)
        return 2
    asked, arguments = wants_json(options.arguments)
    as_json = options.json or asked
    with output_to_stderr() if as_json else contextlib.nullcontext():
        examination = examine(options.script, arguments)
    for name, error in examination.failures:
        print(
            f"viz doctor: the check {name} failed ({type(error).__name__}: {error}); please report it", file=sys.stderr
        )
    _print(examination, as_json)
    if examination.crashed:
        return 3
    return int(any(finding.severity == "error" for finding in examination.diagnosis))


def _print(examination: Examination, as_json: bool) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    if as_json:
        print(examination.diagnosis.to_json())
        return
    seen = f"{examination.steps} training step{'' if examination.steps == 1 else 's'}"
    title = f"doctor: {seen} watched{', then the script failed' if examination.crashed else ''}"
    print(f"\n{paint(title, '1;4')}\n\n{text(examination.diagnosis.findings, paint)}")
    if not examination.steps and not examination.diagnosis.findings:
        print("no training step of eagerflow ran: is the model trained by this script?")
