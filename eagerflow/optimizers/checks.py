"""Checks of optimizers' and schedules' arguments: a wrong setting is an error, never a silent run."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable
from types import GeneratorType
from typing import Any, ParamSpec, TypeVar

from eagerflow.base.config import epsilon as default_epsilon
from eagerflow.base.errors import UnknownArgumentError, a_kind
from eagerflow.base.text.hints import hint_for
from eagerflow.base.tracebacks import wrappers
from eagerflow.core.variable import Variable

__all__ = ["NO_GRADIENT", "at_least", "between", "clipping", "epsilon", "number", "pairs", "positive"]
__all__ += ["takes_pairs", "unknown_arguments", "whole"]

P = ParamSpec("P")
R = TypeVar("R")

NO_GRADIENT = "Is the loss computed from them, inside the tape, without .numpy()?"


def number(owner: str, name: str, value: Any) -> float:
    """`value` as a finite float.

    Raises:
        TypeError: when it isn't a number.
        ValueError: when it is infinite or NaN.
    """
    if isinstance(value, (bool, str)) or value is None:
        hint = f" Write it without quotes: {name}={value}." if isinstance(value, str) and _is_number(value) else ""
        raise TypeError(f"{owner}({name}={value!r:.60}): expected a number.{hint}")
    try:
        found = float(value)
    except (TypeError, ValueError):
        weights = name == "learning_rate" and isinstance(value, (list, tuple, GeneratorType))
        way = " The weights come with their gradients: `optimizer.apply(gradients, weights)`." if weights else ""
        raise TypeError(f"{owner}({name}=...): expected a number; got {a_kind(value)}.{way}") from None
    if not math.isfinite(found):
        raise ValueError(f"{owner}({name}={value!r}): expected a finite number.")
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def at_least(owner: str, name: str, value: Any, lowest: float = 0.0) -> float:
    """`value` as a float of at least `lowest`."""
    found = number(owner, name, value)
    if found < lowest:
        raise ValueError(f"{owner}({name}={value!r}): expected a number of at least {lowest:g}.")
    return found


def epsilon(owner: str, value: Any) -> float:
    """`value` as a float of at least 0; for None, Keras 2's default, the process-wide `epsilon()`."""
    return at_least(owner, "epsilon", default_epsilon() if value is None else value)


def positive(owner: str, name: str, value: Any) -> float:
    """`value` as a float above zero."""
    found = number(owner, name, value)
    if found <= 0:
        raise ValueError(f"{owner}({name}={value!r}): expected a positive number.")
    return found


def between(owner: str, name: str, value: Any, low: float = 0.0, high: float = 1.0) -> float:
    """`value` as a float from `low` to `high`, both allowed."""
    found = number(owner, name, value)
    if not low <= found <= high:
        raise ValueError(f"{owner}({name}={value!r}): expected a number from {low:g} to {high:g}.")
    return found


def whole(owner: str, name: str, value: Any, lowest: int = 1) -> int:
    """`value` as an int of at least `lowest`."""
    found = number(owner, name, value)
    if found != int(found) or found < lowest:
        raise ValueError(f"{owner}({name}={value!r}): expected an integer of at least {lowest}.")
    return int(found)


def clipping(owner: str, **limits: Any) -> None:
    """At most one of `clipnorm`, `clipvalue`, `global_clipnorm`, and that one positive."""
    given = {name: value for name, value in limits.items() if value is not None}
    for name, value in given.items():
        positive(owner, name, value)
    if len(given) > 1:
        raise ValueError(f"{owner}: only one of clipnorm, clipvalue, global_clipnorm can be used; got {given}.")


def pairs(owner: str, given: Iterable[Any]) -> list[tuple[Any, Any]]:
    """Gradients with their variables, as `apply_gradients` takes them.

    Raises:
        ValueError: for anything but pairs, such as gradients alone; for none at all.
    """
    found = [tuple(pair) if isinstance(pair, (tuple, list)) else (pair,) for pair in given]
    if any(len(pair) != 2 for pair in found):
        raise ValueError(
            f"{owner}.apply_gradients(grads_and_vars): expected pairs of a gradient and its variable; write "
            "apply_gradients(zip(gradients, weights)), or apply(gradients, weights)."
        )
    if any(isinstance(gradient, Variable) and not isinstance(variable, Variable) for gradient, variable in found):
        raise TypeError(
            f"{owner}.apply_gradients(grads_and_vars): in each pair the gradient comes first, then its variable."
        )
    if not found:
        raise ValueError(
            f"{owner}.apply_gradients(grads_and_vars): there are no pairs, so nothing would be trained. A model that "
            "isn't built yet has no variables: take model.trainable_variables after its first call or give it an "
            "Input. If pairs whose gradient is None were left out, no variable has one."
        )
    return found


def takes_pairs(function: Callable[P, R]) -> Callable[P, R]:
    """For `apply_gradients`: say what to write where gradients and variables are two arguments."""

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if len(args) > 2:
            raise TypeError(
                f"{type(args[0]).__name__}.apply_gradients(grads_and_vars) takes one argument, pairs of a gradient and "
                "its variable: write apply_gradients(zip(gradients, weights)), or apply(gradients, weights)."
            )
        return function(*args, **kwargs)

    wrappers.add(call.__code__)  # type: ignore[attr-defined]
    return call


def unknown_arguments(cls: type, given: dict[str, Any]) -> None:
    """Refuse arguments that the constructor of `cls` doesn't know.

    Raises:
        UnknownArgumentError: with the nearest known name.
    """
    if not given:
        return
    name = next(iter(given))
    known = [parameter for parameter in inspect.signature(cls).parameters if parameter != "kwargs"]
    raise UnknownArgumentError(
        f"{cls.__name__} has no argument {name!r}.{_meant(name, known, given[name])} It takes {', '.join(known)}."
    )


def _meant(name: str, known: list[str], value: Any) -> str:
    """What stands here for an argument of PyTorch, or of other optimizers, else the nearest of `known`."""
    if name in ("beta", "betas", "momentum") and "beta_1" in known:
        return f" Use beta_1{'' if name == 'momentum' or 'beta_2' not in known else ' and beta_2'}."
    if name == "momentum":  # that of the averages of weights, ema_momentum, is another one
        return ""
    return " Use rho." if name == "alpha" and "rho" in known else hint_for("argument", "Optimizer", name, known, value)
