"""The digest of a recording as tables and sentences for one screen."""

from __future__ import annotations

import itertools
import math
import sys
from collections.abc import Iterator
from typing import Any

from viz.facts import formatting
from viz.facts.text_table import Columns, Text, table

__all__ = ["following", "shown"]

_MOST_ROWS = 12
_BARS = "▁▂▃▄▅▆▇█"
_NOUNS = {
    "batch": ("batch", "batches"),
    "epoch": ("epoch", "epochs"),
    "evaluation": ("batch of evaluation", "batches of evaluation"),
    "step": ("step", "steps"),
}


def shown(facts: dict[str, Any]) -> Iterator[Text]:
    """The tables, and the sentences below them."""
    for _, course in itertools.groupby(facts["course"], key=lambda each: each["by"]):
        yield Text.of([_course(list(course))])
    if facts["parts"]:
        summed = [f"(times: sums over all {facts['steps']:,} steps)"] if facts["in_ops"] and facts["steps"] > 1 else []
        yield Text.of([_parts(facts["parts"], facts["in_ops"]), *summed])
    sentences = [*_slowest(facts), *_memory(facts["memory"]), *_nonfinite(facts["nonfinite"], facts["kept"])]
    if sentences:
        yield Text.of(sentences)


def following(facts: dict[str, Any], file: str, script: str) -> list[str]:
    """The commands that lead on from here."""
    flawed = facts["nonfinite"] is not None and facts["nonfinite"]["flawed"]
    grew = any(not math.isfinite(each[key]) for each in facts["course"] for key in ("first", "last"))
    found = [f"viz nonfinite {file if flawed else script or 'SCRIPT'} (where NaN begins)"] if flawed or grew else []
    return [*found, f"viz html {file} (a page to click through)", f"viz draw {file}", f"viz top {file}"]


def _course(course: list[dict[str, Any]]) -> Columns:
    """A line for each number that was reported by one kind of step."""
    count, kind = course[0]["count"], course[0]["by"]
    one, many = _NOUNS[kind]
    title = f"{formatting.amount(count)} {one if count == 1 else many}{', means so far' if course[0]['means'] else ''}"
    lines = [
        [
            formatting.clean(each["name"], 40),
            *[_number(each[key]) for key in ("first", "last", "lowest", "highest")],
            _bars(each["values"]),
        ]
        for each in course[:_MOST_ROWS]
    ]
    if len(course) > _MOST_ROWS:
        lines.append([f"… {len(course) - _MOST_ROWS} more", "", "", "", "", ""])
    return table((title, "first", "last", "lowest", "highest", "course"), lines, least="highest,lowest,course")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _bars(values: list[float]) -> str:
    """A course as bars from its lowest to its highest value; nothing for one that is too short, × for NaN."""
    finite = [value for value in values if math.isfinite(value)]
    if len(values) < 3 or not finite or not str(sys.stdout.encoding).lower().startswith("utf"):
        return ""
    low, high = min(finite), max(finite)
    size = (high - low) or 1.0
    return "".join(
        [_BARS[round((value - low) / size * (len(_BARS) - 1))] if math.isfinite(value) else "×" for value in values]
    )


def _parts(parts: list[dict[str, Any]], whole: int) -> Columns:
    """A line for each model, layer, loss, metric and optimizer; of many the outer ones."""
    level = max(part["level"] for part in parts)
    kept = parts
    while len(kept) > _MOST_ROWS and level:
        level -= 1
        kept = [part for part in parts if part["level"] <= level]
    lines = [_part(part, whole) for part in kept[:_MOST_ROWS]]
    left = len(parts) - len(lines)
    if left:
        lines.append([f"… {formatting.amount(left)} more: viz summary", "", "", "", ""])
    heads = ("part", "output", "parameters", "time", "share")[: 5 if whole else 3]  # times may not be recorded
    return table(heads, [line[: len(heads)] for line in lines], least="output,share,time" if whole else "output")


def _part(part: dict[str, Any], whole: int) -> list[str]:
    return [
        "  " * part["level"] + formatting.with_class(part["name"], part["class"], 60),
        ", ".join([formatting.shape(tuple(lengths)) for lengths in part["output"]]),
        "" if part["parameters"] is None else formatting.amount(part["parameters"]),
        formatting.seconds(part["time"]) if part["time"] else "",
        f"{100 * part['time'] / whole:.0f} %" if part["time"] and whole else "",
    ]


def _slowest(facts: dict[str, Any]) -> Iterator[str]:
    head = "slowest:"
    for row in facts["slowest"]:
        backward = " (backward)" if row["phase"] == "backward" else ""
        layer = f" in {formatting.clean(row['layer'])}" if row["layer"] else ""
        line = f", {formatting.clean(row['source'], 100)}" if row["source"] else ""
        took = f"{formatting.seconds(row['time'])} ({100 * row['share']:.0f}%)"
        times = f" ×{row['count']:,}" if row["count"] > 1 else ""
        yield f"{head:9}{formatting.clean(row['op'])}{backward}{times}{layer}: {took}{line}"
        head = ""


def _memory(memory: dict[str, Any] | None) -> Iterator[str]:
    if memory is not None:
        places = [formatting.clean(each, 100) for each in (memory["op"], memory["layer"], memory["source"]) if each]
        at = f", in {' · '.join(places)}" if places else ""
        yield f"memory:  {formatting.nbytes(memory['peak'])} at the peak{at}"


def _nonfinite(found: dict[str, Any] | None, kept: str | None) -> Iterator[str]:
    if found is None:
        told = f"kept of tensors whose label matches {formatting.clean(kept, 40)!r}; " if kept is not None else ""
        yield f"values:  {told}not measured (viz run --stats basic measures them)"
        return
    measured = formatting.count(found["measured"], "measured tensor")
    if not found["flawed"]:
        yield f"values:  all finite in {measured}"
        return
    where = f" · {formatting.clean(found['layer'])}" if found["layer"] else ""
    step = "" if found["step"] is None else f", step {found['step']}"
    origin = f"{formatting.clean(found['op'])}{where}{step}" if found["op"] else "what came from outside"
    first = f", first in {origin}"
    yield f"values:  NaN or infinity in {formatting.amount(found['flawed'])} of {measured}{first}"
