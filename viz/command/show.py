"""`viz show FILE`: what a recording holds."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from typing import Any

from viz.command.models import seen
from viz.facts.digest.words import following, shown
from viz.facts.formatting import clean
from viz.facts.json_data import json_text
from viz.facts.overview import overview
from viz.facts.ranks import rank_table
from viz.facts.tables.summary import describe
from viz.shell.printed import print_folded, print_table
from viz.shell.terminal import paint

__all__ = ["run_show"]

_MOST_READS = 12  # lines


def run_show(options: argparse.Namespace) -> int:
    """Run `viz show`."""
    recording = seen(options)
    facts = overview(recording)
    if options.json:
        print(json_text(facts))
        return 0
    print_folded(describe(recording, facts["in_ops"]), "1")
    phases = "  ".join([f"{name} {count:,}" for name, count in facts["phases"].items()])
    print_folded(f"ops: {phases}")
    if facts["replayed"]:
        print(f"{facts['replayed']:,} of them in captured steps, replayed")
    began = re.sub(r"\.\d+", "", str(facts["began"]))  # nobody needs its milliseconds here
    print_folded(f"made with Python {facts['python']}, {began}")
    for each in shown(facts):
        print()
        print_table(str(each))
    if recording.others:
        print()
        print_table(rank_table(recording))
    remarks = list(_remarks(facts, recording.notes))
    print(end="\n" if remarks else "")
    for remark in remarks:
        print_folded(remark)
    print()
    script = " ".join(map(shlex.quote, facts["script"]))
    print_folded(f"next: {'; '.join(following(facts, shlex.quote(options.file), script))}")
    return 0


def _remarks(facts: dict[str, Any], notes: list[str]) -> Iterator[str]:
    """What happened besides: values that Python read, notes, and ops that failed."""
    for read in facts["reads"][:_MOST_READS]:
        yield f"read by Python: {_taken(read)}"
    if len(facts["reads"]) > _MOST_READS:
        yield f"read by Python: {len(facts['reads']) - _MOST_READS:,} more lines"
    for note in notes:
        yield f"{paint('note:', '33')} {note}"
    for op in facts["failed"]:
        yield f"{paint('failed:', '31')} {op['op']} in {op['layer'] or 'no layer'} at {op['source']}: {op['error']}"


def _taken(read: dict[str, Any]) -> str:
    """Where Python took values, and of what: what the program did from there on may depend on them."""
    names = [clean(name, 40) for name in read["ops"][:3]] + ["…"] * (len(read["ops"]) > 3)
    times = f", {read['times']:,} times" if read["times"] > 1 else ""
    code = f"  {clean(read['code'], 60)}" if read["code"] else ""
    return f"{clean(read['source'], 120) or 'somewhere'}{code}  ({read['how']} of {', '.join(names)}{times})"
