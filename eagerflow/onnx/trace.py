"""What a model, or any function of tensors, really runs: its ops in order, for inputs of several sizes.

What is exported is what ran, so custom layers, Lambdas and methods need no converter of their own. Arrays that depend
on the inputs are known by a number and not kept, so a trace takes no more memory than the run itself.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy

from eagerflow.base.machine.memory import give_back
from eagerflow.core.custom_gradient import no_grad
from eagerflow.core.observe import Observer, Scope, observing, unobserved
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.call_context import whole_sequences

__all__ = ["Drawn", "ExportError", "Folded", "Seen", "Step", "Trace", "as_inputs", "traced"]


class ExportError(ValueError):
    """Raised when something in the model can't be expressed in ONNX; the message names layer and op.

    >>> try:
    ...     ef.onnx.export(lambda x: ef.ops.svd(x)[1], "model.onnx", [ef.InputSpec(shape=(3, 3))])
    ... except ef.onnx.ExportError as error:
    ...     print(error)
    op svd: it has no ONNX form (ONNX has no decompositions of matrices)...
    """


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:38]}…{text[-38:]}"


class Seen:
    """A tensor that depends on the inputs.

    Attributes:
        number: by which it is known, the same in runs of other sizes.
        shape: in this run.
        dtype: NumPy's type.
    """

    __slots__ = ("dtype", "number", "shape")

    def __init__(self, number: int, array: Any) -> None:
        self.number, self.shape, self.dtype = number, tuple(array.shape), array.dtype

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Seen) and other.number == self.number

    def __hash__(self) -> int:
        return self.number


class Drawn(NamedTuple):
    """Stands for an op where random numbers were drawn."""

    name: str
    settings: tuple[str, ...]
    arrays: tuple[str, ...] = ()
    reference: None = None


class Step(NamedTuple):
    """One op that ran on something that depends on the inputs.

    Attributes:
        op: the `Op`, or `Drawn`.
        inputs: one per array parameter: `Seen`, `Folded`, a Variable, array, number, None, or a list of such.
        settings: its other arguments, in order; arrays that depend on the inputs are `Seen`.
        outputs: what it gave.
        path: the names of the scopes around it, outermost first.
    """

    op: Any
    inputs: tuple[Any, ...]
    settings: tuple[Any, ...]
    outputs: tuple[Seen, ...]
    path: tuple[str, ...]

    def where(self) -> str:
        """Layer and op, for messages."""
        at = f"layer {_short('/'.join(self.path))!r}, " if self.path else ""
        return f"{at}op {self.op.name}"


class Folded:
    """An array that doesn't depend on the inputs, but was made by an op, for it may change with the sizes.

    Attributes:
        array: its numbers.
        step: the op, with `Folded` among its inputs; its `outputs` are empty.
        place: which of the op's outputs it is.
    """

    __slots__ = ("array", "place", "step")

    def __init__(self, array: Any, step: Step, place: int) -> None:
        self.array, self.step, self.place = array, step, place


def _nothing() -> None:
    """What an unknown array refers to."""


class Known:
    """What is known of arrays, by identity, without keeping them alive."""

    def __init__(self, keeps: bool) -> None:
        self.keeps = keeps
        self.arrays: dict[int, Any] = {}
        self._found: dict[int, tuple[Callable[[], Any], Any]] = {}
        self._count = 0

    def add(self, array: Any) -> Seen:
        """A new array that depends on the inputs."""
        seen = Seen(self._count, array)
        self._count += 1
        self.join(array, seen)
        return seen

    def join(self, array: Any, seen: Seen) -> None:
        """From now on this array is known as `seen`."""
        if self.keeps:
            self.arrays[seen.number] = array
        self._note(array, seen)

    def fold(self, array: Any, step: Step, place: int) -> None:
        """An array that an op made of others that don't depend on the inputs."""
        self._note(array, (step, place))

    def _note(self, array: Any, about: Any) -> None:
        try:
            self._found[id(array)] = weakref.ref(array), about
        except TypeError:  # NumPy's scalars
            self._found[id(array)] = (lambda: array), about

    def find(self, x: Any) -> Seen | Folded | None:
        """What is known of an array."""
        array = x.data if isinstance(x, Tensor) else x
        reference, about = self._found.get(id(array), (_nothing, None))
        if reference() is not array or about is None:
            return None
        if isinstance(about, Seen):
            return about
        step, place = about
        return Folded(array, step, place)

    def within(self, x: Any) -> Any:
        """The same with what is known in the places of arrays, also in tuples and lists."""
        if isinstance(x, (list, tuple)) and not hasattr(x, "_fields"):
            return type(x)([self.within(each) for each in x])
        if isinstance(x, Variable):
            return x
        found = self.find(x)
        if found is not None:
            return found
        return x.data if isinstance(x, Tensor) else x

    def seen_within(self, x: Any) -> Any:
        """The same for settings: what doesn't depend on the inputs stays as it is."""
        if isinstance(x, (list, tuple)) and not hasattr(x, "_fields"):
            return type(x)([self.seen_within(each) for each in x])
        found = self.find(x)
        return found if isinstance(found, Seen) else x


class Trace(NamedTuple):
    """Steps, and what went in and came out.

    Attributes:
        steps: in order.
        inputs: one for each array that was given.
        outputs: `Seen`, or what doesn't depend on the inputs.
        known: arrays as `Seen`; what each was, by its number, where that was asked for.
        cut: the layers, by path, that took tensors and gave something that no op made of them.
        reads: where Python read values of tensors that depend on the inputs.
    """

    steps: list[Step]
    inputs: list[Seen]
    outputs: list[Any]
    known: Known
    cut: list[str]
    reads: list[str]


def _depends(x: Any) -> bool:
    return isinstance(x, Seen) or (isinstance(x, (list, tuple)) and any(map(_depends, x)))


class _Recorder(Observer):
    """Notes the ops; those that `opens` tells of are replaced by the ops of their references.

    Attributes:
        folds: it also wants what files loaded by `load_onnx` compute of shapes, which other observers don't hear of.
    """

    folds = True

    def __init__(self, opens: Callable[[Any], bool], known: Known) -> None:
        self.opens, self.known = opens, known
        self.steps: list[Step] = []
        self.path: list[str] = []
        self.cut: list[str] = []
        self.reads: list[str] = []

    def on_op(
        self,
        op: Any,
        inputs: tuple[Any, ...],
        settings: tuple[Any, ...],
        outputs: Any,
        started: int,
        ended: int,
        error: BaseException | None = None,
    ) -> None:
        if error is not None:
            return
        given, told = self.known.within(inputs), self.known.seen_within(settings)
        made = (outputs,) if isinstance(outputs, Tensor) else tuple(outputs)
        if not _depends(given) and not _depends(told):
            step = Step(op, given, settings, (), tuple(self.path))
            for i, each in enumerate(made):
                self.known.fold(each.data, step, i)
            return
        if self.opens(op):
            self._open(op, inputs, settings, made)
            return
        seen = tuple([self.known.add(each.data) for each in made])
        self.steps.append(Step(op, given, told, seen, tuple(self.path)))

    def _open(self, op: Any, inputs: Any, settings: Any, made: tuple[Tensor, ...]) -> None:
        inner = _Recorder(self.opens, self.known)
        inner.path = [*self.path, op.name]
        with unobserved(), observing(inner):
            found = op.reference(*[_as_tensor(x) for x in inputs], **dict(zip(op.settings, settings)))
        self.steps += inner.steps
        for ours, theirs in zip(made, (found,) if isinstance(found, Tensor) else found, strict=True):
            seen = self.known.find(theirs)
            if isinstance(seen, Seen):
                self.known.join(ours.data, seen)

    def on_draw(self, kind: str, drawn: Any, settings: Mapping[str, Any], started: int, ended: int) -> None:
        seen = self.known.add(drawn)
        op = Drawn(f"random {kind}", tuple(settings))
        self.steps.append(Step(op, (), tuple(settings.values()), (seen,), tuple(self.path)))

    def on_read(self, tensor: Tensor, how: str) -> None:
        """Python reads the values of a tensor."""
        if isinstance(self.known.find(tensor), Seen):
            at = f"layer {_short('/'.join(self.path))!r}, " if self.path else ""
            self.reads.append(f"{at}by {how}")

    def on_scope_begin(self, scope: Scope) -> None:
        self.path.append(scope.name)

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        path = "/".join(self.path)
        self.path.pop()
        given = _leaves(scope.inputs)
        if scope.kind != "layer" or not isinstance(outputs, Tensor) or isinstance(self.known.find(outputs), Seen):
            return
        if _depends(self.known.within(given)):
            self.cut.append(path)
            if type(scope.owner).__module__.startswith("eagerflow.layers.preprocessing"):
                raise ExportError(
                    f"layer {_short(path)!r}, op call of {type(scope.owner).__name__}: what it gives is computed "
                    "outside of ops (by hashes, say), which has no ONNX form. Export the part of the model behind it."
                )

    def on_update(self, name: str, variable: Any, inputs: tuple[Any, ...], started: int, ended: int) -> None:
        if variable.name.startswith("seed_generator_state"):
            return
        raise ExportError(
            f"the variable {_short(variable.path)!r} is changed in inference (by {name}), which a file of fixed "
            "weights can't do. Export a model without stateful layers."
        )


def _leaves(x: Any) -> list[Any]:
    if isinstance(x, dict):
        x = list(x.values())
    return [leaf for each in x for leaf in _leaves(each)] if isinstance(x, (list, tuple)) else [x]


def _as_tensor(x: Any) -> Any:
    return Tensor(x, None, None) if isinstance(x, numpy.ndarray) else x


def traced(
    run: Callable[[Sequence[Tensor]], Sequence[Tensor]],
    arrays: Sequence[Any],
    opens: Callable[[Any], bool],
    keeps: bool = False,
) -> Trace:
    """Run a function and note its ops.

    Args:
        run: takes a list of tensors and gives a list of tensors.
        arrays: its arguments.
        opens: whether an op is to be replaced by the ops of its reference.
        keeps: whether the arrays are kept.
    """
    known = Known(keeps)
    inputs = as_inputs(arrays)
    given = [known.add(x.data) for x in inputs]
    recorder = _Recorder(opens, known)
    before = whole_sequences.set(True)  # so that the ops don't depend on a length; the comparison goes step by step
    try:
        with unobserved(), observing(recorder), no_grad():
            outputs = known.within(list(run(inputs)))
    finally:
        whole_sequences.reset(before)
    give_back()  # what a run takes is freed again, and the comparison needs as much
    return Trace(recorder.steps, given, outputs, known, recorder.cut, recorder.reads)


def as_inputs(arrays: Sequence[Any]) -> list[Any]:
    """Arrays as tensors that nothing else holds."""
    return [Tensor(numpy.array(array)) for array in arrays]
