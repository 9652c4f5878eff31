"""Does every trainable weight get a gradient, and move?"""

from __future__ import annotations

import itertools
from typing import Any

import numpy

from viz.check.row import Row, fault, fine, listed, open_question
from viz.check.subject import Losses, Subject, leaves, name_of
from viz.doctor import thresholds as limits
from viz.doctor.facts.host_arrays import finite
from viz.doctor.facts.source_calls import other_gradients
from viz.doctor.facts.variable_owners import layers_in
from viz.doctor.user_code import Place, made_at

__all__ = ["FIND_NAN", "Trial", "words_of"]

FIND_NAN = "viz nonfinite names the op and its line"


class Trial:
    """Some steps of the script's own, from its first batch on, and what became of the weights."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.losses = Losses()  # what the steps minimized
        self.error: BaseException | None = None  # what the first of them raised, or None
        self.steps = 0
        self._before: list[tuple[Any, numpy.ndarray]] = []
        self._moved: set[int] = set()
        self._spoilt: list[Any] = []  # variables that were finite before

    def run(self) -> None:
        """Make the steps; what they change is put back by who calls this."""
        first = self.subject.first
        if not first.can_train:
            return
        # What begins with a zero before it gets its gradient after the first step.
        steps = max(limits.WINDOW, getattr(first.optimizer, "gradient_accumulation_steps", None) or 0)
        ends = 0.75 * self.subject.left
        self._before = [(v, next(leaves(v)).copy()) for v in first.trainable]
        for batch in itertools.islice(itertools.cycle(list(self.subject.batches(limits.WINDOW))), steps):
            self.subject.train(batch, self.losses)
            self.steps += 1
            if self.subject.left < ends:
                break
        for variable, before in self._before:
            if not numpy.array_equal(before, next(leaves(variable)), equal_nan=True):
                self._moved.add(variable.identity)
            if finite(before) and not finite(next(leaves(variable))):
                self._spoilt.append(variable)

    def check(self) -> Row:
        """✗ where a trainable weight got no gradient, or didn't change."""
        if self.error is not None:
            return open_question(f"the first step failed: {words_of(self.error)}")
        if not self.steps:
            return self._of_gradients()
        if not self._before:
            return fault("the model has no trainable weights", "set trainable = True on some layers")
        if self._spoilt:
            return self._of_nan()
        still = [v for v, _ in self._before if v.identity not in self._moved]
        if not still:
            words = f"{len(self._before)} trainable weights get a gradient and move"
            left, evidence = self._left_out()
            return open_question(f"{words}; {left}", **evidence) if left else fine(words)
        names = listed([v.path for v in still])
        place, count = self._made_at(still[0]), f"{len(still)} of {len(self._before)} trainable weights"
        zero = not any(self.losses.nonzero.get(v.identity) for v in still)
        if zero and all(v.data.ndim < 2 for v in still):
            why = "as of a bias that cancels in a difference, or of balanced data"
            return open_question(f"the gradient of {names} is 0 in all {self.steps} steps, {why}", place)
        if zero:
            message = f"the gradient of {count} is 0 in all {self.steps} steps: {names}"
            fix = "look for units that never fire, a loss that doesn't depend on them, or rounding (argmax, casts)"
            return fault(message, fix, place, weights=[v.path for v in still], steps=self.steps)
        message = f"{count} have a gradient, and don't move in {self.steps} steps: {names}"
        fix = "look at the learning rate, and whether these weights are given to the optimizer"
        return fault(message, fix, place, weights=[v.path for v in still], steps=self.steps)

    def _of_nan(self) -> Row:
        """✗ where steps make weights NaN or infinite; gradients alone may be, where a loss scale leaves such steps out.

        Whoever asks knows whether the first loss is so, too, which is then to be mended first.
        """
        spoilt = self._spoilt
        steps = [self.losses.nonfinite[v.identity] for v in spoilt if v.identity in self.losses.nonfinite]
        first = min(steps, default=None)
        since = "" if first is None else f", as their gradients are from step {first} on"
        names = listed([v.path for v in spoilt])
        count = f"{len(spoilt)} of {len(self._before)} trainable weights"
        message = f"{count} become NaN or infinite{since}: {names}"
        return fault(message, FIND_NAN, weights=[v.path for v in spoilt], nonfinite_step=first)

    def _left_out(self) -> tuple[str, dict[str, Any]]:
        """Which models of a loop have weights that it doesn't ask gradients of in this step; empty for none.

        With names and lines, where other lines ask for gradients: all ends before these.
        """
        first = self.subject.first
        asked = {v.identity for v in first.sources or ()}
        others = {id(call.owner): call.owner for call in first.others if call.owner is not first.model}
        left = [
            (name_of(each), count)
            for each in others.values()
            if (count := sum(v.identity not in asked for v in each.trainable_variables))
        ]
        names = ", ".join([f"the {count} of {name!r}" for name, count in left])
        lines = other_gradients(self.subject.place) if left and self.subject.place is not None else []
        if lines:
            where = f"line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines[:3]))}"
            words = f"whether {names} move isn't known, as the step that may train them, on {where}, wasn't reached"
            return words, {"unreached": [name for name, _ in left], "unreached_lines": lines}
        words = (
            f"this step asks for no gradient of {names}: that is fine if they are to stay as they are, or another step "
            "trains them; else give them to tape.gradient, too"
        )
        return words if left else "", {}

    def _of_gradients(self) -> Row:
        """What the first gradient of a loop tells, whose steps can't be made from outside."""
        first, place = self.subject.first, self.subject.place
        without = [v for v, g in zip(first.sources or (), first.gradients) if g is None]
        if without:
            return fault(
                f"{len(without)} of {len(first.gradients)} variables get no gradient: "
                f"{listed([v.path for v in without])}",
                "connect them to the loss, or leave them out of tape.gradient",
                self._made_at(without[0]) or place,
            )
        zero = first.gradients.count(False)
        words = f"{len(first.gradients)} variables get a gradient" + (
            f", {zero} of them zeros at first" if zero else ""
        )
        return open_question(f"{words}; whether they move is only seen in the loop itself", place)

    def _made_at(self, variable: Any) -> Place | None:
        """Where the layer was made that holds a variable."""
        for layer in reversed(layers_in(self.subject.model)):
            if any(v is variable for v in getattr(layer, "weights", [])) and made_at(layer) is not None:
                return made_at(layer)
        return None


def words_of(error: BaseException) -> str:
    """What an exception says, in one line."""
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0]}"[:240]
