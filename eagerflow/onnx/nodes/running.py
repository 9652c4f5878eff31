"""Runs one node."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from eagerflow.core.observe import current, state, unobserved
from eagerflow.core.tensor import Tensor
from eagerflow.onnx.nodes.limits import hold
from eagerflow.onnx.nodes.values import Known, known

__all__ = ["run", "wants"]

_TOLD = ("opset", "outputs")


class Wants(NamedTuple):
    """What a node's function takes.

    Attributes:
        least, most: numbers of inputs.
        attributes: names, with the type that is annotated; None for any.
        needed: attributes without a default.
        told: of `opset` and `outputs` those that it asks for.
    """

    least: int
    most: float
    attributes: dict[str, str] | None
    needed: frozenset[str]
    told: tuple[str, ...]


@cache
def wants(function: Callable[..., Any]) -> Wants:
    """What a node's function takes, by its signature."""
    parameters = list(inspect.signature(function).parameters.values())
    inputs = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    named = {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}
    return Wants(
        sum(p.default is p.empty for p in inputs),
        float("inf") if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(inputs),
        None
        if any(p.kind is p.VAR_KEYWORD for p in parameters)
        else {name: str(p.annotation) for name, p in named.items() if name not in _TOLD},
        frozenset(name for name, p in named.items() if p.default is p.empty) - set(_TOLD),
        tuple([name for name in _TOLD if name in named]),
    )


def run(
    function: Callable[..., Any], inputs: Sequence[Any], attributes: Mapping[str, Any], opset: int, outputs: int
) -> list[Any]:
    """The outputs of a node, known ones where all inputs are."""
    told = {"opset": opset, "outputs": outputs}
    named = {**attributes, **{name: told[name] for name in wants(function).told}}
    holds_graphs = any([callable(value) for value in attributes.values()])  # which may use anything around them
    aside = not holds_graphs and all([x is None or x.__class__ is Known for x in inputs])
    if aside and state.on and not any([getattr(observer, "folds", False) for observer in current()]):
        with unobserved():
            made = function(*inputs, **named)
    else:
        made = function(*inputs, **named)
    results = [_settled(x, aside) for x in (made if isinstance(made, (list, tuple)) else [made])[:outputs]]
    hold([x.data for x in results if x is not None])
    return results


def _settled(x: Any, aside: bool) -> Any:
    """A result as a tensor."""
    if x is None:
        return x
    if not isinstance(x, Tensor):
        return known(x)
    return known(x.data) if aside else x
