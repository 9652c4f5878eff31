"""A step told op by op, forward and backward, with the numbers: what `--step` and the page show.

Of a backward rule it shows `upstream × local = gradient`: the gradient that arrives, the derivative of this op alone,
and what goes on to its input.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy

from eagerflow import GradientTape, Tensor, Variable
from eagerflow.core.observe import Scope, unobserved
from viz.doctor.facts.host_arrays import array_of, finite
from viz.facts.formatting import short
from viz.recorder.descriptions import flat
from viz.replay.kept import Kept

__all__ = ["Film", "Frame", "numbers"]

_SIDE = 6  # rows and columns of an array whose numbers are shown
_FEW = 4 * _SIDE  # elements of one whose numbers all are
_JACOBIAN = 256  # elements of a local derivative that is shown as a matrix
_PRODUCTS = ("dense", "matmul")


@dataclasses.dataclass
class Frame:
    """One picture of the film."""

    phase: str  # `"forward"`, `"backward"` or `"update"`
    op: str
    layer: str  # the path of the layer
    title: str  # what runs, in one line
    lines: list[str]
    nonfinite: bool = False  # whether something in it is NaN or infinite

    def __str__(self) -> str:
        head = f"{self.phase}{f'  {self.layer}' if self.layer else ''}{'  NaN or infinity' if self.nonfinite else ''}"
        return "\n".join([head, self.title, *[f"  {line}" for line in self.lines]])


def numbers(x: Any) -> list[str]:
    """The numbers of an array as lines: all of a small one, else the corner and what describes the rest."""
    array = numpy.asarray(array_of(x))
    if array.size <= _FEW and array.ndim <= 2:
        return _rows(array)
    shown = array.reshape(-1, array.shape[-1]) if array.ndim else array.reshape(1, 1)
    lines = [f"{row} ..." for row in _rows(shown[:2, :_SIDE])]
    if array.dtype.kind in "fc" and array.size:
        known = array[numpy.isfinite(array)]
        if known.size:
            middle = short(float(numpy.mean(known, dtype="float64")))
            lines.append(f"from {short(float(known.min()))} to {short(float(known.max()))}, mean {middle}")
        if known.size < array.size:
            lines.append(f"{array.size - known.size} of {array.size} are NaN or infinite")
    return lines


def _rows(array: numpy.ndarray) -> list[str]:
    if not array.ndim:
        return [_number(array.item())]
    rows = array.reshape(1, -1) if array.ndim == 1 else array
    return ["[" + ", ".join([_number(v) for v in row.tolist()]) + "]" for row in rows] or ["[]"]


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _size(x: Any) -> str:
    lengths = tuple(getattr(x, "shape", ()))
    return "×".join(map(str, lengths)) if lengths else "a number"


def _is_array(x: Any) -> bool:
    return hasattr(x, "shape") and hasattr(x, "dtype")


class Film:
    """Hears of a step that runs again, and tells it."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.frames: list[Frame] = []
        self._path: list[str] = []
        self._made: dict[int, tuple[Any, tuple[Any, ...], tuple[Any, ...], str]] = {}  # ops by the keys they made

    def on_scope_begin(self, scope: Scope) -> None:
        if scope.kind in ("model", "layer", "loss", "metric"):
            self._path.append(scope.name)

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        if scope.kind in ("model", "layer", "loss", "metric") and self._path:
            self._path.pop()

    def on_op(
        self, op: Any, inputs: Any, settings: Any, outputs: Any, started: int, ended: int, error: Any = None
    ) -> None:
        layer = "/".join(self._path)
        given = [(n, x) for n, x in zip(op.arrays, inputs) if x is not None]
        made = [x for x in flat(outputs) if x is not None]
        title = f"{op.name}({', '.join(f'{n} {_size(x)}' for n, x in given)})"
        title += f" = {', '.join(map(_size, made))}" if made else f" raised {type(error).__name__}: {error!s:.200}"
        lines = []
        for name, x in given:
            lines += _labelled(f"{name}{_variable(x)}", x)
        for x in made:
            lines += _labelled("result", x)
        for x in made:
            if x.key is not None:
                self._made[x.key] = op, inputs, settings, layer
        bad = error is not None or not all(map(_finite, made))
        self.frames.append(Frame("forward", op.name, layer, title, lines, bad))

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any, *times: Any) -> None:
        _, inputs, settings, layer = next((self._made[k] for k in out_keys if k in self._made), (op, (), (), ""))
        upstream = [g for g in gradients if g is not None]
        title = f"gradient of {op.name}: upstream {', '.join(map(_size, upstream))}"
        lines = []
        for g in upstream:
            lines += _labelled("upstream", g)
        for place, x in enumerate(inputs):
            for key, result in zip(in_keys, results):
                if key is not None and getattr(x, "key", None) == key and result is not None:
                    name = op.arrays[min(place, len(op.arrays) - 1)]
                    lines += _rule(op, inputs, settings, place, name, upstream, result)
                    break
        bad = not all(map(_finite, results))
        self.frames.append(Frame("backward", op.name, layer, title, lines, bad))

    def on_update(self, name: str, variable: Any, inputs: tuple[Any, ...], started: int, ended: int) -> None:
        lines = []
        for x in inputs:
            if _is_array(x):
                lines += _labelled("by", x)
        lines += _labelled("now", variable)
        title = f"{name} changes {variable.path} ({_size(variable)})"
        self.frames.append(Frame("update", name, "/".join(self._path), title, lines, not _finite(variable)))


def _finite(x: Any) -> bool:
    return not _is_array(x) or finite(array_of(x))


def _variable(x: Any) -> str:
    return f" ({x.path})" if isinstance(x, Variable) else ""


def _labelled(label: str, x: Any) -> list[str]:
    if not _is_array(x):
        return [f"{label}: {x!s:.80}"]
    first, *others = numbers(x) or ["[]"]
    space = " " * (len(label) + 2)
    return [f"{label}: {first}", *[f"{space}{line}" for line in others]]


# ---------------------------------------------------------------------- upstream × local = gradient


def _rule(
    op: Any, inputs: Sequence[Any], settings: Any, place: int, name: str, upstream: Sequence[Any], gradient: Any
) -> list[str]:
    """What one input gets: `upstream × local = gradient`."""
    label = f"{name}{_variable(inputs[place])}"
    words, local = _local(op, inputs, settings, place, upstream, gradient)
    lines = [f"for {label}: upstream × local = gradient   ({words})"]
    if local is not None:
        lines += _labelled("  local", local)
    return lines + _labelled("  gradient", gradient)


def _local(
    op: Any, inputs: Sequence[Any], settings: Sequence[Any], place: int, upstream: Sequence[Any], gradient: Any
) -> tuple[str, Any]:
    """In words how the two are multiplied, and the local derivative, None where it is too large to show."""
    g = upstream[0]
    if op.name in _PRODUCTS and len(inputs) >= 2 and all(getattr(x, "ndim", 0) == 2 for x in inputs[:2]):
        passed = ", which is 0 where relu gave 0" if "relu" in op.settings and any(settings) else ""
        if place > 1:
            return f"local is 1 for each row: the columns of upstream{passed}{',' if passed else ''} are summed", None
        other = array_of(inputs[1 - place]).T
        if place == 0:
            return f"upstream {_size(g)}{passed}, @ local {_size(other)}, the other factor transposed", other
        return f"local {_size(other)}, the other factor transposed, @ upstream {_size(g)}{passed}", other
    if len(upstream) == 1 and _is_array(inputs[place]) and tuple(inputs[place].shape) == tuple(g.shape):
        diagonal = _vector_product(op, inputs, settings, place, numpy.ones(g.shape, g.dtype))
        if diagonal is not None and numpy.allclose(
            diagonal * numpy.asarray(g), numpy.asarray(array_of(gradient)), rtol=1e-4, atol=1e-30, equal_nan=True
        ):
            return "element by element", diagonal
    size, out = int(numpy.prod(inputs[place].shape)), int(numpy.prod(g.shape))
    if len(upstream) == 1 and size * out <= _JACOBIAN and out:
        rows = [_vector_product(op, inputs, settings, place, e.reshape(g.shape)) for e in numpy.eye(out, dtype=g.dtype)]
        if all(row is not None for row in rows):
            matrix = numpy.stack([numpy.asarray(row).reshape(-1) for row in rows])
            return f"upstream as a row of {out} @ local {out}×{size}, flattened", matrix
    return f"local is a linear map of {_size(g)} to {_size(gradient)}, applied without writing it down", None


def _vector_product(op: Any, inputs: Sequence[Any], settings: Sequence[Any], place: int, g: Any) -> Any:
    """What the op's rule gives for another upstream; None where it can't be asked alone."""
    fresh = [Tensor(x.data, None, None) if isinstance(x, Tensor) else x for x in inputs]
    with unobserved(), GradientTape() as tape:
        if not isinstance(fresh[place], Tensor):
            return None
        tape.watch(fresh[place])
        made = op.call(**dict(zip(op.arrays, fresh)), **dict(zip(op.settings, settings)))
    if not isinstance(made, Tensor):
        return None
    with unobserved():
        found = tape.gradient(made, fresh[place], output_gradients=Tensor(g, None, None))
    return None if found is None else found.data
