"""What a step is made of, worked out once for all checks: its losses, with what they compare, and its gradients."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy

from viz.doctor.facts.host_arrays import host, tensors, total
from viz.doctor.facts.loss_questions import answer_kind, function_name, is_ours, loss_kind
from viz.doctor.user_code import loss_weights
from viz.frameworks.contract import Tensor, Variable
from viz.frameworks.objects import is_tensor, is_variable

__all__ = ["Gradients", "Loss", "group_of", "loss_of_scope", "loss_scale"]


class Loss:
    """One call of a loss with labels and answers.

    Attributes:
        opened: its scope.
        given: the labels as they were given.
        answers: the predictions.
        owner: the loss object.
        ours: is it a loss of eagerflow's, not one that the user wrote?
        kind: `"sparse"`, `"categorical"`, `"binary"` or `"other"`.
        name: what its function is called; empty where it has none with a name.
        compares: see `answer_kind`.
        settings: of the loss object.
    """

    def __init__(self, opened: Any, given: Any, answers: Tensor, about: tuple[bool, str, str, str]) -> None:
        self.opened, self.given, self.answers, self.owner = opened, given, answers, opened.owner
        self.ours, self.kind, self.name, self.compares = about
        self.settings = getattr(opened.owner, "settings", {})

    @property
    def tracked(self) -> bool:
        """Do the answers come from weights, within a tape?"""
        return self.answers.key is not None

    @property
    def logits(self) -> bool:
        """Does the loss take the answers for logits?"""
        return bool(self.settings.get("from_logits"))

    @cached_property
    def labels(self) -> numpy.ndarray | None:
        """The labels, in the computer's own memory; None where they are no numbers."""
        found = self.given.data if is_tensor(self.given) else numpy.asarray(self.given)
        return host(found) if found.dtype.kind in "fiub" else None

    @cached_property
    def values(self) -> numpy.ndarray:
        """The answers, in the computer's own memory."""
        return host(self.answers.data)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the answers."""
        return tuple(self.answers.data.shape)

    @cached_property
    def weights(self) -> Any:
        """The weights of the rows, as they were given; None for none."""
        return loss_weights(self.opened.frame)


def loss_of_scope(opened: Any, known: dict[int, tuple[Any, tuple[bool, str, str, str]]]) -> Loss | None:
    """What a loss compares; None where it isn't one array of answers with one of labels.

    Args:
        opened: the scope of the loss.
        known: what is known of loss objects, by their ids: it is added to.
    """
    given = opened.scope.inputs
    if not isinstance(given, tuple) or len(given) != 2 or not is_tensor(given[1]):
        return None
    owner = opened.owner
    about = known.get(id(owner))
    if about is None or about[0] is not owner:
        found = is_ours(owner), loss_kind(owner), function_name(owner), answer_kind(owner)
        about = known[id(owner)] = owner, found
    return Loss(opened, given[0], given[1], about[1])


class Gradients:
    """Gradients that a tape was asked for.

    Attributes:
        targets: what was differentiated: nearly always one number, the loss.
        sources: by what.
        results: the gradients; None where there is none.
        scale: by what the loss was multiplied before, for the sake of float16, as soon as an optimizer tells.
    """

    def __init__(self, targets: Any, sources: Any, results: Any) -> None:
        self.targets, self.sources, self.results = targets, sources, results
        self.scale = 1.0

    @cached_property
    def value(self) -> float:
        """The sum of what was differentiated."""
        return total(self.targets)

    @property
    def loss(self) -> float:
        """The same, without the scale."""
        return self.value / self.scale

    @property
    def key(self) -> Any:
        """By which the one number is known that was differentiated; None for several."""
        return getattr(self.targets[0], "key", None) if len(self.targets) == 1 else None

    @cached_property
    def variables(self) -> list[Variable]:
        """The sources that are variables."""
        return [source for source in self.sources if is_variable(source)]

    @cached_property
    def first(self) -> Variable | None:
        """The first variable that has a gradient."""
        return next((s for s, r in zip(self.sources, self.results) if _is_given(s, r)), None)

    @cached_property
    def asked(self) -> set[int]:
        """The identities of these."""
        return {variable.identity for variable in self.variables}

    @cached_property
    def pairs(self) -> list[tuple[Variable, numpy.ndarray]]:
        """Variables with their gradients, in the computer's own memory, where there are any."""
        return [(s, host(r.data)) for s, r in zip(self.sources, self.results) if _is_given(s, r)]

    @property
    def nothing_left(self) -> bool:
        """Is what is to become small 0 already, everywhere, as a margin that all rows keep?"""
        return all(not host(t.data).any() for t in self.targets)


def group_of(sources: Sequence[Any]) -> tuple[int, ...]:
    """The number and the ends of what gradients are asked of: enough to know them again."""
    return len(sources), *[getattr(source, "identity", 0) for source in (sources[0], sources[-1])]


def _is_given(source: Any, result: Any) -> bool:
    return is_variable(source) and is_tensor(result)


def loss_scale(results: Any, opened: Any) -> float:
    """By what a loss was multiplied before it was differentiated, for the sake of float16; 1 where it wasn't.

    An optimizer that knows its scale says so; else the gradients it is given are smaller than those of the tape.

    Args:
        results: what the tape gave.
        opened: the scope of the optimizer that is given them.

    >>> import eagerflow as ef
    >>> from types import SimpleNamespace
    >>> scope = SimpleNamespace(owner=ef.optimizers.SGD(), scope=SimpleNamespace(inputs=[ef.Tensor([1.0, 2.0])]))
    >>> loss_scale([ef.Tensor([1024.0, 2048.0])], scope)
    1024.0
    """
    factor = float(getattr(opened.owner, "loss_scale_factor", None) or 1.0)
    pairs = list(zip([x for x in results if is_tensor(x)], tensors(opened.scope.inputs)))
    if not pairs or any(a.shape != b.shape for a, b in pairs):
        return factor
    ours, given = min(pairs, key=lambda pair: pair[0].data.size)
    if ours.data is given.data or not ours.data.size:
        return factor
    sizes = [float(numpy.abs(host(x.data).astype("float64")).max()) for x in (ours, given)]
    if not min(sizes) or not all(map(math.isfinite, sizes)):
        return factor
    exponent = math.log2(sizes[0] / sizes[1])  # scales are powers of two; what clipping takes away is none
    return factor * 2.0 ** round(exponent) if exponent > 1 and abs(exponent - round(exponent)) < 1e-3 else factor
