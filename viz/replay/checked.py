"""Is what a file says of its steps possible? Asked before anything is computed from it."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.ops.replaying import op_named
from viz.facts.columns import Damaged
from viz.replay.kept import Kept, KeptStep

__all__ = ["check"]

_EVENTS = {
    "op": {"op", "in", "set", "out", "tape", "at"},
    "gradient": {"gradient", "of", "out"},
    "assign": {"assign", "to"},
    "apply": {"apply", "gradients", "variables", "rate"},
    "begin": {"begin", "name", "cls", "in", "at"},
    "end": {"end"},
    "python": {"python", "out", "at"},
}
_MOST = 1_000_000  # events and tensors of a step
_LARGEST = 1 << 28  # a number among settings: lengths and axes are smaller
_MOST_NUMBERS = 1 << 28  # that lengths among settings multiply to
_STEPS = 10_000


def check(kept: Kept) -> None:
    """Refuse what can't be by raising `Damaged`."""
    _Check(kept).all()


class _Check:
    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.tensors = 0  # of the running step: all so far have a number below this
        self.known: set[int] = set()

    def all(self) -> None:
        """Look at everything."""
        kept = self.kept
        self._meta(kept.meta)
        if not kept.steps or len(kept.steps) > _STEPS:
            raise Damaged(f"it has {len(kept.steps)} steps")
        for variable in kept.variables:
            self._is(variable.path, str, "the path of a variable")
            self._is(variable.trainable, bool, "whether a variable is trainable")
            self._below(variable.array, len(kept.arrays), "array")
        for optimizer in kept.optimizers:
            self._is(optimizer.name, str, "the name of an optimizer")
            if optimizer.config is not None:
                self._is(optimizer.config, dict, "the settings of an optimizer")
            for number in (*optimizer.state, *optimizer.trained):
                self._below(number, len(kept.variables), "variable")
        for number, array in kept.after.items():
            self._below(number, len(kept.variables), "variable")
            self._below(array, len(kept.arrays), "array")
        for number in kept.digests:
            self._below(number, len(kept.variables), "variable")
        for place in kept.places:
            self._is(place.line, int, "a line")
            for text in (place.file, place.function, place.code):
                self._is(text, str, "a line of code")
        for step in kept.steps:
            self._step(step)

    def _meta(self, meta: dict[str, Any]) -> None:
        for name, kind in (("cause", str), ("keep", int), ("data", bool), ("machine", dict), ("random", dict)):
            self._is(meta.get(name), kind, f"its {name}")
        if meta["keep"] < 1:
            raise Damaged(f"its keep is {meta['keep']}")

    def _step(self, step: KeptStep) -> None:
        self._is(step.number, int, "the number of a step")
        self._is(step.error, str, "the error of a step")
        if step.loss is not None:
            self._is(step.loss, (int, float), "a loss")
        for _, array in step.batch:
            self._below(array, len(self.kept.arrays), "array")
        for row in step.rows or ():
            self._is(row, int, "the number of a row")
        if not isinstance(step.events, list) or len(step.events) > _MOST:
            raise Damaged("the events of a step are no list, or too many")
        self.known = set()
        depth = 0
        for event in step.events:
            kind = self._kind(event)
            getattr(self, f"_{kind}")(event)
            depth += (kind == "begin") - (kind == "end")
            if depth < 0:
                raise Damaged("a scope ends that didn't begin")

    def _kind(self, event: Any) -> str:
        self._is(event, dict, "an event")
        kind = next((k for k in _EVENTS if k in event), "")
        if not kind or set(event) != _EVENTS[kind]:
            raise Damaged(f"an event has the parts {sorted(map(str, event))!s:.80}")
        if "at" in event and event["at"] is not None:
            self._below(event["at"], len(self.kept.places), "place")
        return kind

    # ------------------------------------------------------------------ events

    def _op(self, event: dict[str, Any]) -> None:
        made = op_named(event["op"]) if isinstance(event["op"], str) else None
        if made is None:
            raise Damaged(f"there is no op {event['op']!r:.60}; was it written by another version of eagerflow?")
        self._refs(event["in"])
        self._is(event["set"], list, "settings")
        self._is(event["tape"], bool, "whether a tape heard")
        if len(event["in"]) != len(made.arrays) or len(event["set"]) != len(made.settings):
            raise Damaged(
                f"{made.name} has {len(event['in'])} arrays and {len(event['set'])} settings, not "
                f"{len(made.arrays)} and {len(made.settings)}; was it written by another version of eagerflow?"
            )
        for value in event["set"]:
            self._setting(value)
        self._makes(event["out"])

    def _gradient(self, event: dict[str, Any]) -> None:
        self._refs(event["gradient"])
        self._refs(event["of"])
        self._is(event["out"], list, "gradients")
        if len(event["out"]) != len(event["of"]):
            raise Damaged(f"{len(event['out'])} gradients of {len(event['of'])} tensors")
        self._makes([n for n in event["out"] if n is not None])

    def _assign(self, event: dict[str, Any]) -> None:
        self._below(event["assign"], len(self.kept.variables), "variable")
        self._ref(event["to"])

    def _apply(self, event: dict[str, Any]) -> None:
        self._below(event["apply"], len(self.kept.optimizers), "optimizer")
        self._refs(event["gradients"])
        self._is(event["variables"], list, "variables")
        self._is(event["rate"], (int, float), "a learning rate")
        for number in event["variables"]:
            self._below(number, len(self.kept.variables), "variable")

    def _begin(self, event: dict[str, Any]) -> None:
        for name in ("begin", "name", "cls"):
            self._is(event[name], str, "the name of a scope")
        self._refs(event["in"])

    def _end(self, event: dict[str, Any]) -> None:
        self._refs(event["end"])

    def _python(self, event: dict[str, Any]) -> None:
        self._is(event["python"], str, "the name of a function")
        self._is(event["out"], list, "what a function gave")
        for pair in event["out"]:
            if not isinstance(pair, list) or len(pair) != 2:
                raise Damaged(f"what a function gave is {pair!r:.40}")
            self._below(pair[1], len(self.kept.arrays), "array", -1)
        self._makes([number for number, _ in event["out"]])

    # ------------------------------------------------------------------ values

    def _makes(self, numbers: Any) -> None:
        self._is(numbers, list, "what an op made")
        for number in numbers:
            self._below(number, _MOST, "tensor")
            self.known.add(number)

    def _refs(self, refs: Any) -> None:
        self._is(refs, list, "arguments")
        for ref in refs:
            self._ref(ref)

    def _ref(self, ref: Any) -> None:
        if isinstance(ref, int) and not isinstance(ref, bool):
            if ref not in self.known:
                raise Damaged(f"tensor {ref} is used before it is made")
            return
        if not isinstance(ref, dict) or len(ref) != 1:
            raise Damaged(f"an argument is {ref!r:.60}")
        ((kind, value),) = ref.items()
        if kind == "v":
            self._below(value, len(self.kept.variables), "variable")
        elif kind == "a":
            self._below(value, len(self.kept.arrays), "array", -1)
        elif kind == "l":
            self._refs(value)
        elif kind != "n" or not (value is None or isinstance(value, (bool, int, float, str))):
            raise Damaged(f"an argument is {ref!r:.60}")

    def _setting(self, value: Any) -> None:
        if value is None or isinstance(value, (bool, float)):
            return
        if isinstance(value, str):
            if len(value) > 1000:
                raise Damaged(f"a setting has {len(value)} letters")
            return
        if isinstance(value, int):
            if abs(value) > _LARGEST:
                raise Damaged(f"a setting is {value}")
            return
        if not isinstance(value, dict) or len(value) != 1:
            raise Damaged(f"a setting is {value!r:.60}")
        ((kind, inner),) = value.items()
        if kind in ("tuple", "list", "slice"):
            self._several(kind, inner)
        elif kind == "a":
            self._below(inner, len(self.kept.arrays), "array")
        elif kind == "t":
            self._ref(inner)
        elif kind == "complex":
            self._several("complex", inner)
        elif kind not in ("ellipsis", "dtype", "python") or not isinstance(inner, (str, bool)):
            raise Damaged(f"a setting is {value!r:.60}")

    def _several(self, kind: str, values: Any) -> None:
        self._is(values, list, "a setting")
        if len(values) != {"slice": 3, "complex": 2}.get(kind, len(values)) or len(values) > _MOST:
            raise Damaged(f"a {kind} has {len(values)} parts")
        for value in values:
            self._setting(value)
        lengths = [abs(v) for v in values if isinstance(v, int) and v]
        if kind == "tuple" and len(lengths) <= 32 and math.prod(lengths) > _MOST_NUMBERS:
            raise Damaged(f"a setting asks for {math.prod(lengths)} numbers")

    def _is(self, value: Any, kind: Any, what: str) -> None:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Damaged(f"{what} is {value!r:.60}")

    def _below(self, number: Any, count: int, what: str, least: int = 0) -> None:
        if not isinstance(number, int) or isinstance(number, bool) or not least <= number < count:
            raise Damaged(f"it refers to {what} {number!r:.30} of {count}")
