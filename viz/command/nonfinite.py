"""`viz nonfinite RECORDING|SCRIPT`: where NaN and infinities begin."""

from __future__ import annotations

import argparse
import os
import shlex
import sys

from viz.facts import formatting
from viz.facts.json_data import json_text
from viz.facts.overview import is_empty, why_empty
from viz.nonfinite.find_nonfinite import find_nonfinite
from viz.nonfinite.finding import Nonfinite, NonfiniteError
from viz.nonfinite.first_culprit import statistics_known
from viz.recording import Recording, load
from viz.shell.float_warnings import without_float_warnings
from viz.shell.output_files import check_picture, check_target, default_name
from viz.shell.printed import print_folded
from viz.shell.program import Script
from viz.shell.script_runner import run_script
from viz.shell.statuses import DONE, FOUND, ended, unanswered
from viz.shell.terminal import output_to_stderr
from viz.tracer import trace

__all__ = ["run_nonfinite"]


def run_nonfinite(options: argparse.Namespace) -> int:
    """Run `viz nonfinite`."""
    check_target(options.out)
    check_picture(options.draw)
    recording, found, failed = _searched(options)
    if options.out and not is_empty(recording):
        recording.save(options.out)
        print(f"wrote {options.out}", file=sys.stderr)
    elif options.out:
        print(f"nothing was recorded, and {options.out} not written: {why_empty(recording)}", file=sys.stderr)
    if options.draw and found is not None:
        found.draw(options.draw)
        print(f"wrote {options.draw}", file=sys.stderr)
    _print(found, recording, options, failed)
    if found is not None:
        return FOUND
    if recording.ops and not failed:
        return DONE
    how = ended(failed) if failed else ""
    if recording.ops:
        return unanswered("viz nonfinite", f"{how}; what ran until then was finite", failed)
    why = f"{how} before any op of eagerflow ran" if failed else "no op of eagerflow ran"
    return unanswered("viz nonfinite", why, failed)


def _searched(options: argparse.Namespace) -> tuple[Recording, Nonfinite | None, int]:
    """The recording, what was found in it, and the script's exit status: that of a recording is 1 where it failed."""
    if options.script.endswith(".efz") and not options.module:
        if options.arguments:
            raise ValueError(f"arguments are for scripts; {options.script!r} is a recording")
        recording = load(options.script)
        if not statistics_known(recording):
            raise ValueError(
                f"{options.script!r} is a recording, not a script, and has no statistics; record them with: viz run "
                "--stats basic SCRIPT, or stop a script at the first NaN with: viz nonfinite SCRIPT"
            )
        return recording, find_nonfinite(recording), int(any(note.startswith("ended by ") for note in recording.notes))
    script = Script.of(options)
    errors: list[BaseException] = []
    with output_to_stderr(options.json), without_float_warnings():
        guarded = trace(os.path.basename(options.script), on_nonfinite="raise")
        recording, status = run_script(script, guarded, errors.append, (NonfiniteError,))
    found = next((e.found for e in errors if isinstance(e, NonfiniteError)), None)
    if found is None:  # the script may have caught the error
        found = find_nonfinite(recording)
    return recording, found, status


def _following(found: Nonfinite, options: argparse.Namespace) -> list[str]:
    """Commands that find the rows of a training step with which it begins, where they aren't known already."""
    is_script = options.module or not options.script.endswith(".efz")
    if not is_script or found.step is None or found.rows or found.kind == "weight":
        return []
    script = Script(options.script, options.arguments, options.module)
    kept = shlex.quote(default_name(script, ".efr"))
    return [script.rerun("run --keep 3"), f"viz replay {kept} --bisect-rows"]


def _what_ran(recording: Recording) -> str:
    """`"in 8 steps: forward, backward, updates, metrics"`: what was looked at.

    Of a script not all steps are recorded that were watched.
    """
    phases = {op.phase for op in recording.ops}
    words = {"forward": "forward", "backward": "backward", "update": "updates", "metric": "metrics"}
    told = ", ".join([word for phase, word in words.items() if phase in phases])
    count = recording.meta.get("watched_steps", len(recording.steps))
    return f"in {formatting.count(count, 'step') if count else formatting.count(len(recording.ops), 'op')}: {told}"


def _print(found: Nonfinite | None, recording: Recording, options: argparse.Namespace, failed: int) -> None:
    sys.stderr.flush()
    following = [] if found is None else _following(found, options)
    if options.json:
        facts = None if found is None else found.to_dict()
        print(json_text({"nonfinite": facts, "next": following, "ops": len(recording.ops), "failed": bool(failed)}))
    elif found is not None:
        print(str(found))
        if following:
            print_folded(f"  next     {'; '.join(following)}")
    elif recording.ops and not failed:
        print_folded(f"all finite {_what_ran(recording)}")
