"""A difference as Markdown: for a pull request or the summary of a CI job."""

from __future__ import annotations

import re
from collections.abc import Sequence

from viz.compare.changes import Changes
from viz.compare.conditions import Verdict
from viz.compare.report import LONGEST, cost_cells, text
from viz.compare.usual_costs import usual_costs
from viz.facts import formatting

__all__ = ["markdown", "verdict_lines"]

_SIGNS = {True: "❌", False: "✅", None: "❔"}


def markdown(found: Changes, verdicts: Sequence[Verdict] = ()) -> str:
    """The difference: verdicts first, then costs by layer, then everything else, folded."""
    failed = [verdict for verdict in verdicts if verdict.failed]
    unknown = [verdict for verdict in verdicts if verdict.failed is None]
    sign = _SIGNS[True if failed else None if unknown else False] + " " if verdicts else ""
    parts = [f"### {sign}viz diff: {_cell(found.a)} → {_cell(found.b)}", ""]
    if verdicts:
        parts += ["| | fails if | before | after | change | |", "|---|---|--:|--:|--:|---|"]
        for v in verdicts:
            cells = [_SIGNS[v.failed], f"`{_code(v.condition)}`", *map(_cell, (v.a, v.b, v.change, v.why))]
            parts.append(f"| {' | '.join(cells)} |")
        parts.append("")
    usual = usual_costs(found)
    layers = [cost for cost in usual.layers if cost.time_a or cost.time_b][:LONGEST]
    if layers:
        parts += [
            f"By layer, {usual.of_which}:",
            "",
            "| layer | time | → | change | made | → |",
            "|---|--:|--:|--:|--:|--:|",
        ]
        parts += [f"| {' | '.join([_cell(cost.name), *cost_cells(cost)[1:]])} |" for cost in layers]
        parts.append("")
    whole = str(text(found, usual))
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", whole)), default=0))
    parts += ["<details><summary>everything</summary>", "", f"{fence}text", whole, fence, "", "</details>", ""]
    return "\n".join(parts)


def _cell(words: str) -> str:
    """A text that stays in its cell, whatever it holds."""
    found = re.sub(r"[\\|`*_\[\]]", r"\\\g<0>", formatting.clean(words, 120))
    return found.replace("<", "&lt;").replace(">", "&gt;")


def _code(words: str) -> str:
    return formatting.clean(words, 80).replace("`", "'").replace("|", "/")


def verdict_lines(verdicts: Sequence[Verdict]) -> list[str]:
    """The verdicts for a terminal."""
    marks = {True: "✗", False: "✓", None: "–"}
    found = []
    for v in verdicts:
        figures = f"{v.a} → {v.b}" if v.a or v.b else ""
        told = "  ".join([each for each in (figures, v.change, f"({v.why})") if each])
        found.append(f"  {marks[v.failed]} {v.condition}  {told}")
    return found
