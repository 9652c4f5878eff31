"""What objects of the running program are, as plain data that doesn't keep them alive; and what the run itself is."""

from __future__ import annotations

import datetime
import platform
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy

from eagerflow.config import kernels
from eagerflow.core.observe import clock, unobserved
from viz.facts.json_data import to_plain
from viz.facts.schema import Scope

__all__ = ["PLAIN", "about", "described", "device_name", "filling", "flat", "frozen", "learning_rate_of"]
__all__ += ["makes_its_own", "run_facts", "settings_at"]

PLAIN = frozenset([int, float, bool, str, type(None)])


def makes_its_own(scope: Scope) -> bool:
    """Did a scope make what it reads and wasn't given, as a layer its mask, or the result of a metric its constants?"""
    return scope.kind == "layer" or (scope.kind == "metric" and not scope.inputs)


def about(owner: Any) -> dict[str, Any]:
    """The class, settings, weights and origin of a layer, model, loss or optimizer, as far as it tells."""
    created_at = getattr(owner, "created_at", None)
    return {
        "cls": type(owner).__name__,
        "config": _asked(owner, "get_config"),
        "params": _asked(owner, "count_params"),
        "created_at": created_at if isinstance(created_at, tuple) and len(created_at) == 2 else None,
    }


def _asked(owner: Any, method: str) -> Any:
    """What a method without arguments answers, as plain data; None where it has none to give."""
    ask = getattr(owner, method, None)
    if ask is None:
        return None
    try:
        with unobserved():
            return to_plain(ask())
    except Exception:  # noqa: BLE001  (an unbuilt layer, or one without get_config: recording must not break a run)
        return None


def learning_rate_of(optimizer: Any) -> float | None:
    """Its learning rate now, as a number; None for a schedule that needs more than that to tell, and without one."""
    try:
        with unobserved():
            return float(getattr(optimizer, "learning_rate", None))  # type: ignore[arg-type]
    except Exception:  # noqa: BLE001  (a schedule of one's own may raise anything)
        return None


def settings_at(facts: dict[str, Any], rate: float | None) -> dict[str, Any]:
    """The settings of an object in one of its calls: those of an optimizer have the learning rate of that step."""
    config: dict[str, Any] = facts.get("config") or {}
    known = config.get("learning_rate", rate)
    if rate is None or known == rate:
        return config
    return {"current_learning_rate": rate} | config if isinstance(known, dict) else config | {"learning_rate": rate}


def flat(nested: Any) -> Iterator[Any]:
    """The leaves of nested tuples, lists and dicts."""
    if isinstance(nested, (list, tuple)):
        for each in nested:
            yield from flat(each)
    elif isinstance(nested, dict):
        for each in nested.values():
            yield from flat(each)
    else:
        yield nested


def frozen(settings: tuple[Any, ...]) -> tuple[Any, ...]:
    """Settings as plain data: arrays among them are described, not kept."""
    for value in settings:
        if value.__class__ not in PLAIN:
            return tuple([to_plain(each) for each in settings])
    return settings


def described(error: BaseException | None) -> str | None:
    """An error as text."""
    return None if error is None else f"{type(error).__name__}: {error}"[:500]


def device_name(array: Any) -> str:
    """`"cpu"`, or `"gpu:N"` for an array of CuPy's."""
    device = getattr(array, "device", None)  # of NumPy's arrays a text, if any
    return "cpu" if device is None or device.__class__ is str else f"gpu:{device.id}"


def run_facts(options: Mapping[str, Any], began: int, stopped: int) -> dict[str, Any]:
    """What a recording says of itself: `Record.meta`."""
    since = datetime.timedelta(microseconds=(clock() - began) / 1000)
    return {
        "name": options["name"],
        "options": to_plain(options),
        "duration": stopped - began,
        "origin": began,  # when times are 0, on the clock of the process
        "began": (datetime.datetime.now(datetime.UTC) - since).isoformat(timespec="milliseconds"),
        "python": platform.python_version(),
        "platform": sys.platform,
        "numpy": numpy.__version__,
        "kernels": kernels(),
    }


def filling(op: str, settings: tuple[Any, ...]) -> str:
    """What an array is called that an op fills by itself: see `Observer.on_fill`.

    >>> filling("arange", (12,)), filling("zeros", ())
    ('arange(12)', 'zeros')
    """
    told = ", ".join([f"{each:.6g}" if isinstance(each, float) else str(each) for each in settings])
    return f"{op}({told})" if 0 < len(told) <= 24 else op
