"""`viz doctor SCRIPT`: run a script as it is, and say what is wrong with its training."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable
from typing import Any

from eagerflow import __version__
from viz.command.output_files import check_target
from viz.command.ranks import ranks_here
from viz.command.script_runner import check_given
from viz.doctor.code_review import github_lines, sarif
from viz.doctor.finding import KINDS, kinds_of
from viz.doctor.patches import patch
from viz.doctor.report import text
from viz.doctor.watched_script import Examination, examine
from viz.facts.json_data import json_text
from viz.facts.text_files import write_text
from viz.fit_gap.of_script import Found, listening
from viz.shell.parser import Parser
from viz.shell.statuses import of_script, unanswered
from viz.shell.terminal import output_to_stderr, paint

__all__ = ["add_command", "run_doctor"]

_ABOUT = """\
Run a script as `python` would, and say what is wrong with its training, on which line, and what to do.

  viz doctor train.py --epochs 3        arguments after the script are the script's
  viz doctor --json train.py            findings as JSON; what the script prints goes to stderr
  viz doctor --sarif out.sarif train.py a file for code review (SARIF 2.1.0)
  viz doctor --annotations github train.py   lines that GitHub shows beside the code
  viz doctor --fix train.py             a patch for the lines where the cure is certain; no file is changed
  viz doctor --ignore label_leak,overfit train.py   without findings of these kinds
  viz doctor --gap train.py             also why fit and evaluate disagree (see `viz gap`)
  viz doctor -m package.train           a module instead of a file

The first steps are watched closely, the rest at little cost. Scripts that import Keras run on eagerflow.
With several ranks, rank 0 reports what was found on all: python -m eagerflow launch -n 2 -m viz doctor train.py
Exit status: 0 no error was found (warnings and hints don't count), 1 an error was found, 2 wrong usage,
3 the script failed or never trained."""


def add_command(parser: Parser) -> None:
    """Give a parser what the command understands."""
    parser.description = _ABOUT
    parser.add_argument("--json", action="store_true", help="print findings as JSON for other programs")
    parser.add_output(
        "--sarif",
        endings=("sarif", "json"),
        suffix=".sarif",
        metavar="FILE.sarif",
        help="also write the findings for code review",
    )
    parser.add_argument(
        "--annotations", choices=("github",), help="also print a line per finding, which CI shows beside the code"
    )
    parser.add_argument(
        "--fix", action="store_true", help="print only a patch, for the lines where the cure is certain"
    )
    parser.add_argument(
        "--ignore", metavar="KIND[,KIND...]", type=_kinds, default=(), help="kinds of findings that you disagree with"
    )
    parser.offered["ignore"] = KINDS
    parser.add_argument("--gap", action="store_true", help="also say why fit and evaluate disagree, after the last fit")
    parser.add_script()
    parser.set_defaults(command=run_doctor)


def _kinds(given: str) -> list[str]:
    try:
        return sorted(kinds_of([each.strip() for each in given.split(",")]))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("ignore: ")) from None


def run_doctor(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `script`, `arguments`, `module`, `json`, `sarif`, `annotations`, `fix`, `ignore` and `gap`.

    Returns:
        0 without errors among the findings, 1 with, 2 when there is no such script, 3 when the script failed.
    """
    check_given(options)
    if options.json and options.fix:
        raise ValueError("--json and --fix both write to stdout; give one of them")
    check_target(options.sarif)
    ranks = ranks_here()
    compared = listening() if options.gap and ranks is None else contextlib.nullcontext(Found([], [], []))
    with output_to_stderr() if options.json or options.fix else contextlib.nullcontext(), compared as found:
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
    return int(any(finding.severity == "error" for finding in examination.diagnosis))


def _tell(examination: Examination, options: argparse.Namespace, compared: Found) -> None:
    """Print what was found, and write it for code review."""
    findings = examination.diagnosis.findings
    if options.sarif:
        log = sarif(findings, __version__, not examination.crashed)
        write_text(options.sarif, log)
        print(f"wrote {options.sarif}", file=sys.stderr)
    if options.json and options.gap:
        print(json_text({**_as_data(examination), **compared.to_dict()}))
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
    title = f"doctor: {seen} watched{f', then {examination.ended}' if examination.ended else ''}"
    print(f"\n{paint(title, '1;4', where)}\n", file=where)
    if findings or not (examination.crashed or not examination.steps):
        print(_words(examination, lambda words, code: paint(words, code, where)), file=where)
    if fix:
        made = patch(findings)
        print(made, end="")
        if findings and not made:
            print("no line has a cure that is certain, so there is no patch", file=where)


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
        return "no training step of eagerflow ran: is the model trained by this script?"
    if examination.diagnosis.findings:
        return f"{ended}; this is what was found until then"
    return f"nothing was found until {ended}" if examination.steps else f"no diagnosis: {ended} before it trained"
