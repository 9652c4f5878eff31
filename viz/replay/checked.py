"""Is what a file says of its steps possible? Asked before anything is computed from it."""

from __future__ import annotations

import math
from typing import Any

from eagerflow.ops.replaying import op_named
from viz.facts.columns import Damaged
from viz.replay.kept import Kept, KeptStep

__all__ = ["check"]

# What each kind of event consists of: a type, or the method that looks at a part.
_EVENTS: dict[str, dict[str, Any]] = {
    "op": {"op": "op", "in": "refs", "set": "settings", "out": "makes", "tape": bool, "at": "place"},
    "gradient": {"gradient": "refs", "of": "refs", "out": "gradients"},
    "assign": {"assign": "variable", "to": "ref"},
    "apply": {"apply": "optimizer", "gradients": "refs", "variables": "variables", "rate": (int, float)},
    "begin": {"begin": str, "name": str, "cls": str, "in": "refs", "at": "place"},
    "end": {"end": "refs"},
    "python": {"python": str, "out": "pairs", "at": "place"},
}
_META = {"cause": str, "keep": int, "machine": dict}
_MOST = 1_000_000  # steps; events and tensors of one
_LARGEST = 1 << 28  # a number among settings, and what lengths among them multiply to: arrays are smaller
_LONGEST = 1000  # letters of a setting


def check(kept: Kept) -> None:
    """Refuse what can't be by raising `Damaged`."""
    _Check(kept).everything()


class _Check:
    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.known: set[int] = set()  # the tensors that the running step has made so far

    def everything(self) -> None:
        kept = self.kept
        for name, kind in _META.items():
            self._is(kept.meta.get(name), kind, name)
        if kept.meta["keep"] < 1 or not 0 < len(kept.steps) <= _MOST:
            raise Damaged(f"it has {len(kept.steps)} steps, and its keep is {kept.meta['keep']}")
        for each in kept.variables:
            self._is(each.path, str, "path")
            self._is(each.trainable, bool, "trainable")
            self._array(each.array)
        for optimizer in kept.optimizers:
            self._is(optimizer.name, str, "name")
            self._is({} if optimizer.config is None else optimizer.config, dict, "config")
            self._variables([*optimizer.state, *optimizer.trained])
        self._variables([*kept.after, *kept.digests])
        for array in kept.after.values():
            self._array(array)
        for place in kept.places:
            self._is(place.line, int, "line")
            for text in (place.file, place.function, place.code):
                self._is(text, str, "line of code")
        for step in kept.steps:
            self._step(step)

    def _step(self, step: KeptStep) -> None:
        self._is(step.number, int, "number")
        self._is(step.error, str, "error")
        self._is(0.0 if step.loss is None else step.loss, (int, float), "loss")
        for _, array in step.batch:
            self._array(array)
        for row in step.rows or ():
            self._is(row, int, "row")
        if not isinstance(step.events, list) or len(step.events) > _MOST:
            raise Damaged("the events of a step are no list, or too many")
        self.known, depth = set(), 0
        for event in step.events:
            kind = self._event(event)
            depth += (kind == "begin") - (kind == "end")
            if depth < 0:
                raise Damaged("a scope ends that didn't begin")

    def _event(self, event: Any) -> str:
        self._is(event, dict, "event")
        kind = next((k for k in _EVENTS if k in event), "")
        if not kind or set(event) != _EVENTS[kind].keys():
            raise Damaged(f"an event has the parts {sorted(map(str, event))!s:.80}")
        for part, wanted in _EVENTS[kind].items():
            if isinstance(wanted, str):
                getattr(self, f"_{wanted}")(event[part])
            else:
                self._is(event[part], wanted, part)
        if kind == "gradient" and len(event["out"]) != len(event["of"]):
            raise Damaged(f"{len(event['out'])} gradients of {len(event['of'])} tensors")
        made = op_named(event["op"]) if kind == "op" else None
        if made is not None and (len(event["in"]), len(event["set"])) != (len(made.arrays), len(made.settings)):
            given = f"{len(event['in'])} arrays and {len(event['set'])} settings"
            taken = f"{len(made.arrays)} and {len(made.settings)}"
            raise Damaged(f"{made.name} has {given}, not {taken}; was it written by another version of eagerflow?")
        return kind

    # ------------------------------------------------------------------ parts of events

    def _op(self, name: Any) -> None:
        if not isinstance(name, str) or op_named(name) is None:
            raise Damaged(f"there is no op {name!r:.60}; was it written by another version of eagerflow?")

    def _place(self, number: Any) -> None:
        self._below(0 if number is None else number, len(self.kept.places) + (number is None), "place")

    def _optimizer(self, number: Any) -> None:
        self._below(number, len(self.kept.optimizers), "optimizer")

    def _variable(self, number: Any) -> None:
        self._below(number, len(self.kept.variables), "variable")

    def _variables(self, numbers: Any) -> None:
        self._is(numbers, list, "variables")
        for number in numbers:
            self._variable(number)

    def _array(self, number: Any, least: int = 0) -> None:
        self._below(number, len(self.kept.arrays), "array", least)

    def _makes(self, numbers: Any) -> None:
        self._is(numbers, list, "out")
        for number in numbers:
            self._below(number, _MOST, "tensor")
            self.known.add(number)

    def _gradients(self, numbers: Any) -> None:
        self._is(numbers, list, "gradients")
        self._makes([number for number in numbers if number is not None])

    def _pairs(self, pairs: Any) -> None:
        self._is(pairs, list, "out")
        for pair in pairs:
            if not isinstance(pair, list) or len(pair) != 2:
                raise Damaged(f"what a function gave is {pair!r:.40}")
            self._array(pair[1], -1)
        self._makes([number for number, _ in pairs])

    # ------------------------------------------------------------------ values

    def _refs(self, refs: Any) -> None:
        self._is(refs, list, "arguments")
        for ref in refs:
            self._ref(ref)

    def _ref(self, ref: Any) -> None:
        if isinstance(ref, int) and not isinstance(ref, bool):
            if ref not in self.known:
                raise Damaged(f"tensor {ref} is used before it is made")
            return
        kind, value = self._only(ref)
        if kind == "v":
            self._variable(value)
        elif kind == "a":
            self._array(value, -1)
        elif kind == "l":
            self._refs(value)
        elif kind != "n" or not (value is None or isinstance(value, (bool, int, float, str))):
            raise Damaged(f"an argument is {ref!r:.60}")

    def _settings(self, values: Any) -> None:
        self._is(values, list, "settings")
        if len(values) > _MOST:
            raise Damaged(f"an op has {len(values)} settings")
        for value in values:
            self._setting(value)

    def _setting(self, value: Any) -> None:
        if value is None or isinstance(value, (bool, float)):
            return
        if isinstance(value, (str, int)):
            if (len(value) > _LONGEST) if isinstance(value, str) else (abs(value) > _LARGEST):
                raise Damaged(f"a setting is {value!r:.60}, which is too large")
            return
        kind, inner = self._only(value)
        if kind in ("tuple", "list", "slice", "complex"):
            self._settings(inner)
            lengths = [abs(v) for v in inner if isinstance(v, int) and v]
            if len(inner) != {"slice": 3, "complex": 2}.get(kind, len(inner)):
                raise Damaged(f"a {kind} has {len(inner)} parts")
            if kind == "tuple" and len(lengths) <= 32 and math.prod(lengths) > _LARGEST:
                raise Damaged(f"a setting asks for {math.prod(lengths)} numbers")
        elif kind == "a":
            self._array(inner)
        elif kind == "t":
            self._ref(inner)
        elif kind not in ("ellipsis", "dtype", "python") or not isinstance(inner, (str, bool)):
            raise Damaged(f"a setting is {value!r:.60}")

    @staticmethod
    def _only(value: Any) -> tuple[Any, Any]:
        """The kind and the value of `{kind: value}`."""
        if not isinstance(value, dict) or len(value) != 1:
            raise Damaged(f"a value is {value!r:.60}")
        ((kind, inner),) = value.items()
        return kind, inner

    @staticmethod
    def _is(value: Any, kind: Any, what: str) -> None:
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Damaged(f"its {what} is {value!r:.60}")

    @staticmethod
    def _below(number: Any, count: int, what: str, least: int = 0) -> None:
        if not isinstance(number, int) or isinstance(number, bool) or not least <= number < count:
            raise Damaged(f"it refers to {what} {number!r:.30} of {count}")
