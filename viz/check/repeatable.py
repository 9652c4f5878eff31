"""Do the script's seeds make it repeatable? It is run once more, up to its first step."""

from __future__ import annotations

import os
import tempfile
from typing import Any

from viz.check.journal import Journal, read
from viz.check.reproduce import compare, run_once
from viz.check.row import Row, fault, fine, open_question
from viz.check.stopwatch import PATIENCE
from viz.shell.program import Script

__all__ = ["check_repeatable"]


def check_repeatable(journal: Journal, script: Script, seconds: float, took: float) -> Row:
    """✗ where a seed was set, and two runs differ all the same.

    Args:
        journal: of the first run, with one training step.
        script: the script.
        seconds: how long the second run may take.
        took: how long the first one took. Both are seconds of computing: the clock would say how busy the machine is.
    """
    if took > seconds:
        return open_question(f"another run would take {took:.0f} s more; viz reproduce runs it")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "second")
        failed = run_once(script, -1, path, PATIENCE * max(seconds, 5.0))
        if failed is not None:
            return open_question(f"the script was run once more, and {failed}")
        head, events = read(path)
    mine: dict[str, Any] = {"seeds": journal.seeds, "steps": journal.steps}
    found = compare([mine, head], [journal.events[: len(events)], events[: len(journal.events)]])
    evidence = {"events": found.events, "seeded": found.seeded}
    if found.same:
        words = f"{found.events:,} results up to the end of the first step are the same bits in both runs"
        return fine(words, **evidence)
    if "eagerflow" not in found.seeded:
        words = f"{found.message.partition(';')[0]}. {found.fix[:1].upper()}{found.fix[1:]}"
        return open_question(f"not everything is seeded: {words}", found.place, **evidence)
    return fault(found.message, found.fix, found.place, **evidence)
