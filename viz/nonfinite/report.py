"""A finding in words."""

from __future__ import annotations

from viz.facts import formatting
from viz.facts.text_table import Text
from viz.nonfinite.evidence import Evidence, Example, TensorFacts

__all__ = ["flaws", "lines", "message", "sentence", "text"]

_MOST_CODE = 400  # signs of a line: a terminal cuts what it has no room for


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
        made = ", ".join([flaws(t) for t in found.outputs if t.nan or t.inf]) or "NaN or infinity"
        what = f"the gradient of {op}" if found.phase == "backward" else op
        known = [t for t in found.inputs if t.measured]
        if known and not any(t.nan or t.inf for t in known):
            return f"{what} made {made} from finite numbers"
        return f"{what} made {made}"
    culprit = next((t for t in found.inputs if t.nan or t.inf), None)
    held = flaws(culprit) if culprit is not None else "NaN or infinity"
    noun = "the weight " if found.kind == "weight" else "the data: "
    where = f" ({formatting.clean(found.where, 120)})" if found.where else ""
    return f"{noun}{formatting.clean(found.culprit, 60)} held {held}{where} when it came to {op}"


def flaws(facts: TensorFacts) -> str:
    """How many elements aren't finite, of how many."""
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


def sentence(found: Evidence) -> str:
    """What happened, without where."""
    return f"{_happened(found)}."


def text(found: Evidence) -> Text:
    """Everything that is known, in lines."""
    told = [_line("" if i else head, each) for head, all_of_it in lines(found) for i, each in enumerate(all_of_it)]
    return Text("\n".join([sentence(found), *told]))


def lines(found: Evidence) -> list[tuple[str, list[str]]]:
    """What is known under heads: where, the lines of code, inputs and outputs, examples, and what helps."""
    where = ", ".join([formatting.clean(found.layer) or "no layer", found.phase]) + _step(found)
    code = [
        formatting.clean(formatting.place(frame), 120)
        + (f"   {formatting.clean(frame.code, _MOST_CODE)}" if frame.code else "")
        for frame in found.stack[:4]
    ]
    # The one element that a mean makes, of which nothing but that is known, stands above already.
    told = [each for each in found.examples if each.inputs or each.index or found.culprit]
    examples = [_example(each, formatting.clean(found.culprit, 40)) for each in told]
    return [
        ("where", [where]),
        ("line", code),
        *[("input", [_tensor(t)]) for t in found.inputs],
        *[("output", [_tensor(t)]) for t in found.outputs],
        ("example", examples if found.examples else ["values weren't kept; viz.trace(values='') keeps them all"]),
        ("fix", [found.fix]),
    ]


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
    return shown + (f"  ({flaws(facts)})" if facts.nan or facts.inf else "")
