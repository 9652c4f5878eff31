"""Two names for one thing: a copy that is none, blocks that share their weights, a layer that only seems frozen."""

from __future__ import annotations

import ast
import re
import weakref
from collections.abc import Iterator
from typing import Any

from viz.doctor import thresholds as limits
from viz.doctor.check_base import Check, Rule
from viz.doctor.facts.source_calls import last_name, tree_of
from viz.doctor.facts.variable_owners import layers_in
from viz.doctor.program import layer_label
from viz.doctor.user_code import Place, made_at, user_frames

__all__ = ["Aliases"]

_COPIES = re.compile(r"(^|_)(target|teacher|ema|frozen|old|reference|momentum)(_|$)")


class Aliases(Check):
    """Looks once at the names of the networks that are trained, and whenever a state is put back."""

    rules = {
        "callback_mismatch.reference": Rule.error(
            "the state that is put back is the one that is there already: it was kept by reference {steps} steps ago, "
            "and went on with the training",
            "Copy what is to be kept: copy.deepcopy(model.state_dict()), or save it to a file.",
        ),
        "frozen.alias": Rule.warning(
            "{copy!r} and {name} are one and the same network: it is no copy, and changes with each update",
            "Copy it: copy.deepcopy(network); then give it the weights of the other one now and then.",
        ),
        "frozen.attribute": Rule.warning(
            "requires_grad = False is set on layer {name} itself, where nobody looks at it: its {count} weights are "
            "trained after all",
            "Call layer.requires_grad_(False), which sets it on all of its parameters.",
        ),
        "bottleneck.shared": Rule.warning(
            "{outer!l} holds one and the same layer {times} times, {name}: all {times} have one set of weights",
            "Make each of them: nn.Sequential(*[Block() for _ in range(n)]) instead of n * [Block()].",
        ),
    }

    always = ("on_routine",)

    def begin(self) -> None:
        self._taken: dict[int, tuple[Any, Any, int]] = {}  # states, by their ids: where and after how many steps

    def on_routine(self, name: str, thing: Any, about: Any) -> None:
        state = about.get("state")
        if name == "state_taken" and state is not None:
            self._taken[id(state)] = weakref.ref(state), self.watch.place(), self.watch.total
        elif name == "state_given" and about["is_itself"]:
            held, place, since = self._taken.get(id(state), (lambda: None, None, 0))
            steps = self.watch.total - since
            if held() is state and steps:
                numbers = {"best": 0, "taken": steps, "steps": steps}
                self.tell("callback_mismatch.reference", place=place or self.watch.place(), **numbers)

    def on_step_end(self) -> None:
        if self.watch.step + 1 != limits.WINDOW:
            return
        for root in self.watch.owners.roots():
            self._look(root)
        names: dict[int, list[tuple[str, Any]]] = {}
        for name, value in _networks():
            names.setdefault(id(value), []).append((name, value))
        for called in names.values():
            copies = [name for name, _ in called if _COPIES.search(name.lower())]
            others = [name for name, _ in called if name not in copies]
            if copies and others:
                place, about = _assigned(copies[0]), {"copy": copies[0], "name": repr(others[0])}
                if place is not None:
                    self.tell("frozen.alias", place=place, key=("frozen", copies[0]), steps=limits.WINDOW, **about)

    def _look(self, root: Any) -> None:
        for layer in layers_in(root):
            held = [each for each in getattr(layer, "layers", ()) if getattr(each, "weights", ())]
            twice = next((each for each in held if sum(each is x for x in held) > 1), None)
            if twice is not None:
                about = {"outer": layer, "times": sum(twice is x for x in held), "outputs": len(held), "units": 1}
                self.tell("bottleneck.shared", layer=twice, place=made_at(twice), **about)
            trained = getattr(layer, "trainable_variables", ())
            if getattr(layer, "seems_frozen", False) and trained:
                place = _assigned((layer_label(layer) or "").rpartition("/")[2], "requires_grad")
                about = {"count": len(trained), "steps": limits.WINDOW, "unchanged": 0}
                self.tell("frozen.attribute", layer=layer, place=place or made_at(layer), **about)


def _networks() -> Iterator[tuple[str, Any]]:
    """What the user's variables, and attributes of the user's objects, call networks."""
    for frame in user_frames():
        around = {**frame.f_globals, **frame.f_locals}
        own = around.get("self")
        for name, value in [*around.items(), *(getattr(own, "__dict__", None) or {}).items()]:
            is_one = callable(getattr(value, "state_dict", None)) or hasattr(value, "trainable_variables")
            if is_one and not isinstance(value, type) and not name.startswith("_"):
                yield name, value


def _assigned(name: str, attribute: str = "") -> Place | None:
    """The line of the user's that gives a name its value, or an attribute of it."""
    for file in dict.fromkeys(frame.f_code.co_filename for frame in user_frames()):
        tree = tree_of(file)
        for node in ast.walk(tree) if tree is not None else ():
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            of_it = isinstance(target, ast.Attribute) and target.attr == attribute and last_name(target.value) == name
            is_other = isinstance(getattr(node, "value", None), (ast.Name, ast.Attribute)) and not attribute
            if of_it or (is_other and target is not None and last_name(target) == name):
                return Place(file, node.lineno)  # type: ignore[attr-defined]
    return None
