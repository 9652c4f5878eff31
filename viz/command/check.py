"""`viz check SCRIPT`: before a training, whether it is set up so that it can learn."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import pathlib
import sys
from typing import Any

from viz.check.all_rows import Checked, check_script
from viz.check.augmented_picture import picture
from viz.check.row import shown
from viz.command.output_files import check_target
from viz.command.script_runner import wants_json
from viz.command.terminal import output_to_stderr, paint

__all__ = ["add_command", "run_check"]

_ABOUT = """\
Run a script up to its first training step, ask there what can be asked before a training, and end it.

  viz check train.py --epochs 3         arguments after the script are the script's
  viz check train.py --json             the table as JSON; what the script prints goes to stderr
  viz check --augmented rows.svg train.py    a picture of the first rows before and after augmentation

✓ as it should be; ✗ it isn't; – can't be decided here, with the reason. All is tried on the script's own model and
first batch, and put back. Nothing is written: files that the script writes go to a temporary folder that vanishes.
It takes at most 30 seconds and 20 training steps, besides what the script does before it trains.
Exit status: 0 no ✗, 1 at least one ✗, 2 wrong usage, 3 the script failed before it trained, or doesn't train."""


def add_command(commands: Any) -> None:
    """Enter the command into those of the command line."""
    added = commands.add_parser(
        "check", help="before a training: is it set up so that it can learn?", description=_ABOUT
    )
    added.add_argument("--json", action="store_true", help="print the table as JSON for other programs")
    added.add_argument("--augmented", metavar="FILE.svg", help="draw rows before and after augmentation")
    added.add_argument("script", help="a Python file")
    added.add_argument("arguments", nargs=argparse.REMAINDER, help="the script's own arguments")
    added.set_defaults(command=run_check)


def run_check(options: argparse.Namespace) -> int:
    """Run the command.

    Args:
        options: `script`, `arguments`, `json` and `augmented`.

    Returns:
        0 without ✗, 1 with, 2 for wrong usage, 3 when the script didn't come to a training step.
    """
    if not os.path.isfile(options.script):
        print(f"viz check: there is no script {options.script!r}", file=sys.stderr)
        return 2
    asked, arguments = wants_json(options.arguments)
    as_json = options.json or asked
    try:
        check_target(options.augmented, ("svg",))
    except (ValueError, OSError) as refusal:
        print(f"viz check: {refusal}", file=sys.stderr)
        return 2
    with output_to_stderr() if as_json else contextlib.nullcontext():
        checked = check_script(options.script, arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    if as_json:
        print(_json(options.script, checked))
    else:
        _print(options.script, checked)
    if options.augmented and checked.augmented is not None:
        pathlib.Path(options.augmented).write_text(picture(*checked.augmented), encoding="utf-8")
        print(f"wrote {options.augmented}", file=sys.stderr)
    elif options.augmented:
        print("viz check: no layer of the model changes the data in training, so there is no picture", file=sys.stderr)
    return 3 if not checked.rows else int(not checked.ok)


def _json(script: str, checked: Checked) -> str:
    rows = [row.to_dict() for row in checked.rows]
    data = {"script": script, "trains": bool(rows), "ok": checked.ok, "seconds": round(checked.seconds, 3)}
    return json.dumps({**data, "rows": rows}, indent=1, ensure_ascii=False, allow_nan=False)


def _print(script: str, checked: Checked) -> None:
    if not checked.rows:
        failed = checked.stopped.error is not None or checked.stopped.status
        why = "the script failed before it trained" if failed else "no training step of eagerflow ran"
        print(f"viz check: nothing can be said: {why}", file=sys.stderr)
        return
    how = {"fit": "fit", "batch": "train_on_batch", "loop": "a loop of its own"}[checked.kind]
    title = f"check: {os.path.basename(script)} trains by {how}; ended before its first step"
    print(f"\n{paint(title, '1;4')}\n")
    print(shown(checked.rows, paint))
    counts = [sum(row.verdict == each for row in checked.rows) for each in ("ok", "fault", "open")]
    print(f"\n{counts[0]} ✓  {counts[1]} ✗  {counts[2]} –   in {checked.seconds:.1f} s")
    if checked.stopped.written:
        names = ", ".join([os.path.basename(each) for each in checked.stopped.written[:4]])
        more = f" and {len(checked.stopped.written) - 4} more" if len(checked.stopped.written) > 4 else ""
        print(f"not kept: what the script wrote until then ({names}{more})")
