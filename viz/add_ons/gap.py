"""`viz gap SCRIPT`: why `fit` and `evaluate` disagree about the same rows."""

from __future__ import annotations

import argparse
import sys

from viz.facts.json_data import json_text
from viz.fit_gap.of_script import Found, listening
from viz.shell.output_files import check_chart
from viz.shell.parser import nearest
from viz.shell.program import Script
from viz.shell.script_runner import run_script
from viz.shell.statuses import ended, unanswered
from viz.shell.terminal import output_to_stderr

__all__ = ["run_gap"]


def run_gap(options: argparse.Namespace) -> int:
    """Run `viz gap`."""
    script = Script.of(options)
    check_chart(options.draw)
    listens = listening(options.each, script.rerun("nonfinite"))
    with output_to_stderr(options.json):
        found, failed = run_script(script, listens)
    if options.draw and found.gaps:
        found.gaps[-1].draw(options.draw)
        print(f"wrote {options.draw}", file=sys.stderr)
    _print(found, options, failed)
    if not found.gaps:
        return unanswered("viz gap", "; ".join(found.refusals) or found.text(ended(failed) if failed else ""), failed)
    if failed:
        return unanswered("viz gap", ended(failed), failed)  # a note has told what the numbers are about
    if options.metric is not None and not any(options.metric in gap.numbers for gap in found.gaps):
        known = list(found.gaps[-1].numbers)
        raise ValueError(
            f"--metric {options.metric}: expected one of {', '.join(known)}{nearest(options.metric, known)}"
        )
    return 0 if all(gap.ok for gap in found.gaps) else 1


def _print(found: Found, options: argparse.Namespace, failed: int) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    if options.json:
        facts = found.to_dict(ended(failed) if failed else "")
        print(json_text({**facts, "failed": bool(failed)}))
        return
    if found.gaps:
        print(f"\n{found.text(ended(failed) if failed else '')}")
    for gap in found.gaps:
        if options.metric is None:
            break
        if options.metric in gap.numbers:
            print(f"\n{gap.table(options.metric)}")
