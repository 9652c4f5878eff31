"""Whether two answers agree, and what is left of a program that shows they don't."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from tools.differential.programs import Program, values_of

__all__ = ["difference", "shrunk"]

Run = Callable[[Program], list[np.ndarray]]
_TOLERANCE = 1e-9
_NUDGE = 1e-9
_PER_CONDITION = 1e-5  # how much of what a nudge of the inputs changes may differ


def difference(program: Program, ours: Run, theirs: Run) -> str | None:
    """What differs, None where nothing does.

    Numbers may differ as far as the program's condition makes them: a nudge of its inputs tells.
    """
    expected = theirs(program)
    try:
        found = ours(program)
    except Exception as error:  # noqa: BLE001 # any failure is a finding
        return f"{type(error).__name__}: {error}"
    if len(found) != len(expected):
        return f"{len(found)} results instead of {len(expected)}"
    allowed: list[np.ndarray] | None = None
    for i, (a, b) in enumerate(zip(found, expected, strict=True)):
        if a.shape != b.shape:
            return f"result {i}: shape {a.shape} instead of {b.shape}"
        scale = max(1.0, float(np.abs(b).max(initial=0)))
        if np.allclose(a, b, rtol=_TOLERANCE, atol=_TOLERANCE * scale, equal_nan=True):
            continue
        allowed = allowed or _allowed(program, theirs, expected)
        away = np.abs(a - b)
        if not np.all((away <= _TOLERANCE * scale + allowed[i]) | (np.isnan(a) & np.isnan(b))):
            return f"result {i}: {a.tolist()!s:.200} instead of {b.tolist()!s:.200}"
    return None


def _allowed(program: Program, run: Run, expected: list[np.ndarray]) -> list[np.ndarray]:
    nudged = copy.deepcopy(program)
    rng = np.random.default_rng(0)
    for given in nudged["inputs"]:
        values = np.array(given["values"], "float64")
        given["values"] = (values * (1 + _NUDGE * rng.normal(size=values.shape))).tolist()
    return [_PER_CONDITION * np.abs(a - b) for a, b in zip(run(nudged), expected, strict=True)]


def shrunk(program: Program, fails: Callable[[Program], bool]) -> Program:
    """A smaller program that fails, too: fewer outputs and steps, values in the place of what leads to them."""
    best = program
    while True:
        smaller = next((p for p in _smaller(best) if _still(p, fails)), None)
        if smaller is None:
            return best
        best = smaller


def _still(program: Program, fails: Callable[[Program], bool]) -> bool:
    try:
        return fails(program)
    except Exception:  # noqa: BLE001 # the other side can't run it: no smaller case
        return False


def _smaller(program: Program) -> list[Program]:
    """Candidates, the smallest first."""
    count, found = len(program["inputs"]), []
    for length in range(1, len(program["steps"])):
        found.append({**program, "steps": program["steps"][:length], "outputs": [count + length - 1]})
    if len(program["outputs"]) > 1:
        found += [{**program, "outputs": [o]} for o in program["outputs"]]
    if program["mode"] != "plain":
        found.append({**program, "mode": "plain"})
    try:
        values = values_of(program)
    except Exception:  # noqa: BLE001
        values = []
    for k in reversed(range(len(program["steps"]) - 1)):
        if values and program["steps"][k][0] != "assign":
            found.append(_pruned(_with_value(program, k, values[count + k])))
        else:
            found.append(_pruned(_without(program, k)))
    pruned = _pruned(program)
    if _size(pruned) < _size(program):
        found.append(pruned)
    return [p for p in found if _size(p) < _size(program)]


def _size(program: Program) -> tuple[int, ...]:
    plain = int(program["mode"] != "plain")
    return (len(program["steps"]), len(program["outputs"]), len(program["inputs"]), plain)


def _with_value(program: Program, k: int, value: np.ndarray) -> Program:
    """The value of step k as one more variable."""
    count = len(program["inputs"])
    given = {"values": value.tolist(), "shape": list(value.shape), "variable": True}

    def moved(i: int) -> int:
        return i if i < count else count if i == count + k else i + 1 if i < count + k else i

    steps = [[n, [moved(i) for i in a], s] for j, (n, a, s) in enumerate(program["steps"]) if j != k]
    return {
        **program,
        "inputs": [*program["inputs"], given],
        "steps": steps,
        "outputs": [moved(o) for o in program["outputs"]],
    }


def _without(program: Program, k: int) -> Program:
    """Step k left out: who read it reads what it read."""
    count = len(program["inputs"])
    instead = program["steps"][k][1][-1]

    def moved(i: int) -> int:
        i = instead if i == count + k else i
        return i - 1 if i > count + k else i

    steps = [[n, [moved(i) for i in a], s] for j, (n, a, s) in enumerate(program["steps"]) if j != k]
    return {**program, "steps": steps, "outputs": [moved(o) for o in program["outputs"]]}


def _pruned(program: Program) -> Program:
    """Without steps and inputs that nothing reads."""
    count, steps = len(program["inputs"]), program["steps"]
    needed = set(program["outputs"])
    for k in reversed(range(len(steps))):
        name, arguments, _ = steps[k]
        if count + k in needed or (name == "assign" and arguments[0] in needed):
            needed |= {*arguments, count + k}
    kept = [i for i in range(count + len(steps)) if i in needed]
    places: dict[int, Any] = {old: new for new, old in enumerate(kept)}
    return {
        **program,
        "inputs": [x for i, x in enumerate(program["inputs"]) if i in needed],
        "steps": [[n, [places[i] for i in a], s] for k, (n, a, s) in enumerate(steps) if count + k in needed],
        "outputs": sorted(places[o] for o in program["outputs"]),
    }
