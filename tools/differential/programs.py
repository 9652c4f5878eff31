"""Random programs as data: what JSON can hold, and nothing of any framework.

A program is a dict:

    {"inputs": [{"values": [[...]], "variable": true}, ...],
     "steps": [["multiply", [0, 1], {}], ["sum", [2], {"axis": 0, "keepdims": false}], ["assign", [0, 3], {}], ...],
     "outputs": [4, 7], "mode": "plain"}

Each step makes one value, numbered behind the inputs; its arguments are numbers of values. `assign` gives a variable
the values of another (no gradient flows through that); who reads it later reads those. Gradients of the outputs are
taken one by one from a persistent tape (`"persistent"`), together (`"plain"`), or twice (`"second"`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tools.differential.ops_numpy import OPS

__all__ = ["MODES", "Program", "random_program", "values_of"]

Program = dict[str, Any]
MODES = ("plain", "persistent", "second")
_LENGTHS = (0, 1, 1, 2, 2, 3, 3, 4, 5)
_LARGEST, _MOST = 600, 30.0  # elements of a value, and their size
_BINARY = "add subtract multiply divide maximum minimum power arctan2 logaddexp".split()
_UNARY = """exp log sqrt tanh sin cos abs negative square reciprocal expm1 log1p erf sigmoid softplus relu leaky_relu
    elu silu gelu clip floor sign stop_gradient tril""".split()
_REDUCING = "sum mean prod max min var std logsumexp".split()
_ALONG = "norm cumsum cumprod softmax log_softmax sort median diff".split()
_OTHERS = """matmul where top_k reshape transpose swapaxes moveaxis expand_dims squeeze broadcast_to flip roll pad
    repeat tile concatenate stack split index index index take take_along_axis diagonal einsum outer assign""".split()


def values_of(program: Program) -> list[np.ndarray]:
    """All values, by NumPy. Variables are replaced where they are assigned to."""
    values = [np.array(i["values"], "float64").reshape(i["shape"]) for i in program["inputs"]]
    now = list(values)
    for name, arguments, settings in program["steps"]:
        if name == "assign":
            now[arguments[0]] = now[arguments[1]]
            now.append(now[arguments[1]])
        else:
            now.append(np.asarray(OPS[name](*[now[i] for i in arguments], **settings)))
    return now


def random_program(seed: int) -> Program:
    """A program of 3 to 25 steps."""
    rng = np.random.default_rng(seed)
    shape = [int(n) for n in rng.choice(_LENGTHS, rng.integers(0, 4))]
    inputs = []
    for i in range(rng.integers(1, 4)):
        own = [1 if rng.random() < 0.2 else n for n in shape[rng.integers(0, len(shape) + 1) :]] if i else shape
        values = rng.normal(size=own).round(3)
        inputs.append({"values": values.tolist(), "shape": own, "variable": bool(rng.random() < 0.7 or not i)})
    program: Program = {"inputs": inputs, "steps": [], "outputs": [], "mode": "plain"}
    now = values_of(program)
    wanted = int(rng.integers(3, 26))
    for _ in range(12 * wanted):
        if len(program["steps"]) == wanted:
            break
        step = _random_step(rng, now, len(inputs), [i for i, x in enumerate(inputs) if x["variable"]])
        if step is None:
            continue
        found = _tried(now, step)
        if found is not None:
            if step[0] == "assign":
                now[step[1][0]] = found
            now.append(found)
            program["steps"].append(step)
    program["mode"] = str(rng.choice(MODES))
    last = len(now) - 1
    chosen = {last, int(rng.integers(len(inputs), last + 1))} if last >= len(inputs) else {last}
    program["outputs"] = sorted(chosen)
    return program


def _tried(now: list[np.ndarray], step: list[Any]) -> Any:
    """The value of a step; None where it can't be, grows, or stands on a kink."""
    name, arguments, settings = step
    if name == "assign":
        given, target = now[arguments[1]], now[arguments[0]]
        return given if given.shape == target.shape else None
    try:
        with np.errstate(all="ignore"):
            found = np.asarray(OPS[name](*[now[i] for i in arguments], **settings))
    except (ValueError, IndexError, TypeError):
        return None
    fits = found.size <= _LARGEST and found.ndim <= 5 and np.isfinite(found).all()
    return found if fits and (not found.size or np.abs(found).max() < _MOST) else None


def _random_step(rng: Any, now: list[np.ndarray], inputs: int, variables: list[int]) -> list[Any] | None:
    recent = len(now) - 1 - min(int(rng.exponential(2.0)), len(now) - 1)
    other = int(rng.integers(len(now)))
    x = now[recent]
    kind = rng.choice(["unary", "binary", "reducing", "along", "others"], p=[0.25, 0.2, 0.1, 0.1, 0.35])
    if kind == "unary":
        return [str(rng.choice(_UNARY)), [recent], {}]
    if kind == "binary":
        return [str(rng.choice(_BINARY)), [recent, other] if rng.random() < 0.5 else [other, recent], {}]
    axis = int(rng.integers(-x.ndim, x.ndim)) if x.ndim else 0
    if kind == "reducing":
        axes: Any = None if rng.random() < 0.25 or not x.ndim else axis
        if x.ndim > 1 and rng.random() < 0.3:
            axes = sorted({int(a) for a in rng.integers(0, x.ndim, 2)})
        return [str(rng.choice(_REDUCING)), [recent], {"axis": axes, "keepdims": bool(rng.random() < 0.4)}]
    if not x.ndim:
        return ["expand_dims", [recent], {"axis": 0}]
    if kind == "along":
        return [str(rng.choice(_ALONG)), [recent], {"axis": axis}]
    name = str(rng.choice(_OTHERS))
    if name == "assign":
        return [name, [int(rng.choice(variables)), other], {}] if variables else None
    return _other_step(rng, name, recent, other, x, now[other], axis)


def _other_step(
    rng: Any, name: str, recent: int, other: int, x: np.ndarray, y: np.ndarray, axis: int
) -> list[Any] | None:
    shape, n = x.shape, x.shape[axis]
    pick = lambda *given: given[int(rng.integers(len(given)))]  # noqa: E731
    one: dict[str, Any] = {
        "transpose": lambda: {"axes": [int(a) for a in rng.permutation(x.ndim)]},
        "swapaxes": lambda: {"a": axis, "b": int(rng.integers(x.ndim))},
        "moveaxis": lambda: {"a": axis, "b": int(rng.integers(x.ndim))},
        "expand_dims": lambda: {"axis": int(rng.integers(-x.ndim - 1, x.ndim + 1))},
        "squeeze": lambda: {"axis": axis},
        "broadcast_to": lambda: {"shape": [*pick([], [2]), *[pick(2, 3) if k == 1 else k for k in shape]]},
        "flip": lambda: {"axis": axis},
        "roll": lambda: {"shift": int(rng.integers(-3, 4)), "axis": axis},
        "pad": lambda: {"widths": [[int(a) for a in rng.integers(0, 3, 2)] for _ in shape]},
        "repeat": lambda: {"count": int(rng.integers(1, 4)), "axis": axis},
        "tile": lambda: {"counts": [int(a) for a in rng.integers(1, 3, x.ndim)]},
        "split": lambda: {"parts": (parts := pick(1, 2, 3)), "axis": axis, "take": int(rng.integers(parts))},
        "reshape": lambda: {"shape": pick([-1], [*shape, 1], [1, *shape[::-1]], [*shape[1:], shape[0]])},
        "index": lambda: {"spec": _random_index(rng, shape)},
        "take": lambda: {"places": rng.integers(-n, n, pick(0, 1, 4)).tolist(), "axis": axis},
        "take_along_axis": lambda: {"places": rng.integers(0, n, shape).tolist(), "axis": axis},
        "top_k": lambda: {"k": int(rng.integers(1, shape[-1] + 1))},
        "diagonal": dict,
    }
    if name in one:
        try:
            return [name, [recent], one[name]()]
        except ValueError:  # of an empty axis nothing can be taken
            return None
    both = [recent, other]
    if name in ("concatenate", "stack"):
        return [name, [*both, recent][: pick(1, 2, 3)], {"axis": axis}]
    if name == "where":
        return [name, both, {"mask": [bool(b) for b in rng.random(7) < 0.5]}]
    if name == "einsum":
        forms = ["ij,jk->ik", "ij,ij->i", "i,j->ij", "ij,kj->ki", "ijk,ik->ij", "i,i->", "ij,j->ji"]
        return [name, both, {"form": pick(*forms)}]
    return [name, both, {}]


def _random_index(rng: Any, shape: tuple[int, ...]) -> list[Any]:
    spec: list[Any] = []
    # NumPy and torch place the axis of an array differently where a number stands beside it.
    picking = str(rng.choice(["number", "array"]))
    for n in shape:
        kind = rng.choice(["slice", picking, "new", "all", "stop"], p=[0.4, 0.3, 0.1, 0.1, 0.1])
        if kind == "stop":
            return [*spec, "..."] if rng.random() < 0.5 else spec
        if kind == "new":
            spec.append("new")
        if kind == "number" and n:
            spec.append(int(rng.integers(-n, n)))
        elif kind == "array" and n and not any(isinstance(s, list) and s[0] == "array" for s in spec):
            spec.append(["array", rng.integers(-n, n, int(rng.integers(1, 5))).tolist()])
        elif kind == "slice":
            start, stop = (None if rng.random() < 0.4 else int(k) for k in rng.integers(-n - 1, n + 2, 2))
            spec.append(["slice", start, stop, [None, 1, 2, -1, -2][int(rng.integers(5))]])
        else:
            spec.append(["slice", None, None, None])
    return spec
