"""A difference as Markdown: for a pull request or the summary of a CI job."""

from __future__ import annotations

from collections.abc import Sequence

from viz.compare.changes import Changes, Cost
from viz.compare.conditions import Verdict
from viz.compare.report import text
from viz.compare.usual_costs import usual_costs
from viz.facts import formatting

__all__ = ["markdown", "verdict_lines"]

_SIGNS = {True: "❌", False: "✅", None: "❔"}
_MOST_LAYERS = 8


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
    layers = [cost for cost in usual.layers if cost.time_a or cost.time_b][:_MOST_LAYERS]
    if layers:
        parts += [
            f"By layer, {usual.of_which}:",
            "",
            "| layer | time | → | change | made | → |",
            "|---|--:|--:|--:|--:|--:|",
        ]
        parts += [_layer(cost) for cost in layers]
        parts.append("")
    whole = str(text(found, usual))
    fence = "`" * max(3, 1 + max([len(run) for run in _ticks(whole)], default=0))
    parts += ["<details><summary>everything</summary>", "", f"{fence}text", whole, fence, "", "</details>", ""]
    return "\n".join(parts)


def _ticks(words: str) -> list[str]:
    return [run for run in "".join([c if c == "`" else " " for c in words]).split() if run]


def _layer(cost: Cost) -> str:
    change = f"{cost.time_b / cost.time_a - 1:+.0%}" if cost.time_a and cost.time_b else ""
    times = [formatting.seconds(time) if time else "" for time in (cost.time_a, cost.time_b)]
    sizes = [formatting.nbytes(size) for size in (cost.memory_a, cost.memory_b)]
    return f"| {' | '.join([_cell(cost.name), *times, change, *sizes])} |"


def _cell(words: str) -> str:
    """A text that stays in its cell, whatever it holds."""
    found = formatting.clean(words, 120)
    for sign in "\\|<>`*_[]":
        found = found.replace(sign, f"\\{sign}" if sign not in "<>" else {"<": "&lt;", ">": "&gt;"}[sign])
    return found


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
