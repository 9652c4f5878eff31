"""A finding in words."""

from __future__ import annotations

from viz.facts import formatting
from viz.facts.text_table import Text
from viz.nonfinite.evidence import Evidence, Example, TensorFacts

__all__ = ["message", "text"]


def message(found: Evidence) -> str:
    """What happened in one or two sentences, of at most 500 characters."""
    what = f"{_happened(found)}{_where(found)}{_at(found)}."
    if found.examples:
        what += f" For example {_example(found.examples[0], formatting.clean(found.culprit, 40))}."
    fix = f" Fix: {found.fix}."
    return what[:498] + "…" if len(what) > 499 else what + fix if len(what + fix) <= 500 else what


def _happened(found: Evidence) -> str:
    op = formatting.clean(found.op, 40)
    if found.part:
        op = f"{formatting.clean(found.part, 40)}, a part of {op},"
    if found.kind == "op":
        made = ", ".join([_flaws(t) for t in found.outputs if t.nan or t.inf]) or "NaN or infinity"
        what = f"the gradient of {op}" if found.phase == "backward" else op
        known = [t for t in found.inputs if t.measured]
        if known and not any(t.nan or t.inf for t in known):
            return f"{what} made {made} from finite numbers"
        return f"{what} made {made}"
    culprit = next((t for t in found.inputs if t.nan or t.inf), None)
    held = _flaws(culprit) if culprit is not None else "NaN or infinity"
    noun = "the weight " if found.kind == "weight" else "the data: "
    return f"{noun}{formatting.clean(found.culprit, 60)} held {held} when it came to {op}"


def _flaws(facts: TensorFacts) -> str:
    size = 1
    for length in facts.shape:
        size *= length
    parts = [f"{n:,} {noun}" for n, noun in ((facts.nan, "NaN"), (facts.inf, "infinite")) if n]
    return f"{' and '.join(parts)} of {formatting.count(size, 'element')}"


def _where(found: Evidence) -> str:
    layer = f" in {formatting.clean(found.layer, 80)!r}" if found.layer else ""
    return layer + ("" if found.step is None else f", step {found.step}")


def _at(found: Evidence) -> str:
    return f", {formatting.clean(formatting.place(found.source), 120)}" if found.source is not None else ""


def _example(example: Example, culprit: str) -> str:
    given = ", ".join(
        [f"{formatting.clean(name, 30)} = {value:.6g}" for name, value in list(example.inputs.items())[:4]]
    )
    at = f" at {list(example.index)}" if example.index else ""
    return f"{given or culprit} → {example.value}{at}" if given or culprit else f"{example.value}{at}"


def text(found: Evidence) -> Text:
    """Everything that is known, in lines."""
    where = [formatting.clean(found.layer) or "no layer", found.phase]
    lines = [f"{_happened(found)}.", _line("where", ", ".join(where) + _step(found))]
    for i, frame in enumerate(found.stack[:4]):
        code = f"   {formatting.clean(frame.code, 80)}" if frame.code else ""
        lines.append(_line("" if i else "line", formatting.clean(formatting.place(frame), 120) + code))
    lines += [_line("input", _tensor(t)) for t in found.inputs]
    lines += [_line("output", _tensor(t)) for t in found.outputs]
    lines += [_line("example", _example(e, formatting.clean(found.culprit, 40))) for e in found.examples]
    if not found.examples:
        lines.append(_line("example", "values weren't kept; viz.trace(values='') keeps them all"))
    return Text("\n".join([*lines, _line("fix", found.fix)]))


def _step(found: Evidence) -> str:
    return "" if found.step is None else f", step {found.step}"


def _line(head: str, rest: str) -> str:
    return f"  {head:8} {rest}"


def _tensor(facts: TensorFacts) -> str:
    """`x  8×3 f32  min -1.2  max 3.4  mean 0.01`."""
    name = formatting.clean(facts.path or facts.name, 60)
    shown = f"{name}  {formatting.shape(facts.shape)} {formatting.dtype(facts.dtype)}"
    if not facts.measured:
        return shown
    numbers = (("min", facts.min), ("max", facts.max), ("mean", facts.mean), ("std", facts.std))
    shown += "".join([f"  {noun} {number:.4g}" for noun, number in numbers if number is not None])
    return shown + (f"  ({_flaws(facts)})" if facts.nan or facts.inf else "")
