"""What is asked of a model: which number of its outputs, and what parts of the inputs it may depend on."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy

from eagerflow import GradientTape, Tensor, ops, tree
from eagerflow.core.observe import observing
from eagerflow.data.arrays import as_arrays, check_lengths
from eagerflow.layer.symbolic.text_type import is_text
from viz.attribution.run_survey import Catch, Place, Survey
from viz.recorder.listening import Listening

__all__ = ["MIXES", "Question", "Source"]

MIXES = 1e-2  # an answer that differs more than this from that for the row alone depends on other rows, too
_AT_ONCE = 1 << 20  # elements of inputs that go through the model together


@dataclasses.dataclass
class Source:
    """What an explanation divides its answer among: an input of numbers, or what an embedding made of one."""

    name: str  # the input's name or position, or the embedding layer's name
    leaf: int  # which of the inputs
    data: numpy.ndarray  # the numbers, one row per sample
    place: Place | None = None  # where the embedding gives its output; None for an input
    ids: numpy.ndarray | None = None  # what the embedding looked up; None for an input


class Question:
    """A model, what it is called with, and the number of its outputs that is asked about: see `explain`."""

    def __init__(self, model: Any, x: Any, target: Any, output: Any, logits: bool, layer: Any = None) -> None:
        if not callable(model):
            raise TypeError(f"viz.explain(model): expected a model or a function, got {type(model).__name__}")
        self._model = model
        arrays = as_arrays("x", x)
        self.rows = check_lengths(x=arrays)  # how many samples
        self._structure = arrays
        self._leaves = [each if is_text(each) else numpy.asarray(each) for each in tree.flatten(arrays)]
        self._names = _names(arrays, len(self._leaves))
        _refuse_stateful(model)
        self.survey = self._surveyed(layer)  # what the model did
        self.sources = self._found_sources()  # what the answer is divided among
        self.target = Target(target, output, logits, self._outputs, self.rows)  # what is asked about, row by row
        self.scores = numpy.concatenate([self.score(part) for part in self.parts()])  # the answer for each row
        alone = self.score(slice(0, 1))[0] if self.rows > 1 else self.scores[0]
        self.mixes = not abs(alone - self.scores[0]) <= MIXES * max(abs(alone), abs(self.scores[0]), 1e-6)

    # ------------------------------------------------------------------ the model

    def _surveyed(self, layer: Any) -> Survey:
        if not getattr(self._model, "built", True):
            self._call(self._tensors(slice(0, 1), 1))  # building would be counted as a part of the run
        tensors = self._tensors(slice(None), 1)
        survey = Survey([each if isinstance(each, Tensor) else None for each in tensors], layer)
        with observing(Listening.to(survey)):
            self._outputs = self._call(tensors)
        return survey

    def _call(self, tensors: list[Any]) -> Any:
        nested = tree.is_nested(self._structure)
        x = tree.pack_sequence_as(self._structure, tensors) if nested else tensors[0]
        return self._model(x, training=False) if hasattr(self._model, "built") else self._model(x)

    def _tensors(self, rows: slice, copies: int) -> list[Any]:
        """The inputs of some rows, all of them `copies` times one after the other."""
        found: list[Any] = []
        for leaf in self._leaves:
            part = leaf[rows] if copies == 1 else numpy.concatenate([leaf[rows]] * copies)
            found.append(part if is_text(part) else Tensor(part))
        return found

    def _found_sources(self) -> list[Source]:
        """Embeddings for the inputs that they look up; inputs themselves for the others."""
        called = [each for each in self.survey.embedded if each.made.shape[:1] == (self.rows,)]
        known = [each for each in called if each.inputs]
        looked_up = frozenset().union(*[each.inputs for each in known])
        found: list[Source] = []
        for number, (leaf, name) in enumerate(zip(self._leaves, self._names)):
            if number in looked_up:
                continue
            if is_text(leaf):
                if not called:
                    raise ValueError(
                        f"viz.explain(x): the input {name} is text, and no Embedding made numbers of it whose gradient "
                        "could be asked for. Call it with the vectors instead."
                    )
                continue
            if leaf.dtype.kind in "biu" and not known and called:
                continue  # an embedding looked it up after all, behind something that isn't heard
            if leaf.dtype.kind in "biu":
                leaf = leaf.astype("float32")
            found.append(Source(name, number, leaf))
            self._leaves[number] = leaf
        for each in known or called:
            name = formatted(each.place.name, [source.name for source in found])
            leaf = min(each.inputs, default=0)
            found.append(Source(name, leaf, each.made, each.place, each.ids))
        return found

    # ------------------------------------------------------------------ answers

    def parts(self) -> Iterator[slice]:
        """The rows in portions that go through the model together."""
        step = self.copies_at_once(slice(0, 1))
        for start in range(0, self.rows, step):
            yield slice(start, min(start + step, self.rows))

    def copies_at_once(self, rows: slice) -> int:
        """How many copies of some rows go through the model together."""
        width = sum([source.data[rows].size for source in self.sources])
        return max(1, _AT_ONCE // max(1, width))

    def score(self, rows: slice, given: Sequence[numpy.ndarray] | None = None, copies: int = 1) -> numpy.ndarray:
        """The answers for some rows."""
        scores, _, _ = self.ask(rows, given, copies)
        return numpy.array(scores.numpy(), dtype="float64")

    def ask(
        self,
        rows: slice,
        given: Sequence[numpy.ndarray] | None = None,
        copies: int = 1,
        tape: GradientTape | None = None,
        extra: Sequence[Place] = (),
    ) -> tuple[Tensor, list[Tensor | None], dict[Place, Tensor]]:
        """The answers as a tensor, the tensors of the sources, and those of other places. See `score`."""
        tensors = self._tensors(rows, copies)
        places: dict[Place, numpy.ndarray | None] = dict.fromkeys(extra)
        for number, source in enumerate(self.sources):
            value = None if given is None else given[number]
            if source.place is not None:
                places[source.place] = value
            elif value is not None:
                tensors[source.leaf] = Tensor(value.astype(source.data.dtype, copy=False))
        catch = Catch(places, tape)
        with contextlib.ExitStack() as stack:
            if tape is not None:
                stack.enter_context(tape)
                for source in self.sources:
                    if source.place is None:
                        tape.watch(tensors[source.leaf])
            if places:
                stack.enter_context(observing(Listening.to(catch)))
            scores = self.target.of(self._call(tensors), rows, copies)
        met = [tensors[s.leaf] if s.place is None else catch.found.get(s.place) for s in self.sources]
        return scores, met, catch.found

    def embedded(self, source: Source, ids: Any) -> numpy.ndarray:
        """What an embedding makes of other ids, in the shape of the source."""
        assert source.place is not None
        assert source.ids is not None
        leaf = self._leaves[source.leaf]
        try:
            other = numpy.broadcast_to(numpy.asarray(ids, dtype=leaf.dtype), leaf.shape)
        except ValueError:
            raise ValueError(
                f"viz.explain(baseline): expected numbers to look up of a shape that fits {leaf.shape}, "
                f"got shape {numpy.shape(ids)}"
            ) from None
        kept, self._leaves[source.leaf] = leaf, other
        try:
            catch = Catch({source.place: None})
            with observing(Listening.to(catch)):
                self._call(self._tensors(slice(None), 1))
        finally:
            self._leaves[source.leaf] = kept
        return numpy.array(catch.found[source.place].numpy())


def formatted(name: str, taken: Sequence[str]) -> str:
    """`name`, with a number behind it where it is taken."""
    if name not in taken:
        return name
    return next(f"{name} ({n})" for n in range(2, len(taken) + 3) if f"{name} ({n})" not in taken)


def _names(structure: Any, count: int) -> list[str]:
    if isinstance(structure, Mapping):
        flat = [str(key) for key, value in sorted(structure.items()) if value is not None]
        if len(flat) == count:
            return flat
    return ["x"] if count == 1 else [f"x[{i}]" for i in range(count)]


def _refuse_stateful(model: Any) -> None:
    flattened = getattr(model, "_flatten_layers", None)
    for layer in flattened() if flattened is not None else ():
        if getattr(layer, "stateful", False):
            raise ValueError(
                f"viz.explain(model): the layer {layer.name!r} is stateful, so what the model answers depends on what "
                "it was called with before. Make it with stateful=False and give it the same weights."
            )


class Target:
    """Which number of a model's outputs is explained, for each row: see `explain`."""

    def __init__(self, given: Any, output: Any, logits: bool, outputs: Any, rows: int) -> None:
        self._output, self._logits = output, logits
        self._function: Callable[[Any], Any] | None = given if callable(given) else None
        self.chosen: list[Any] | None = None
        found = self._picked(outputs)
        if self._function is not None:
            found = self._function(found)
            if not isinstance(found, Tensor) or tuple(found.shape) != (rows,):
                raise ValueError(
                    f"viz.explain(target=function): expected a tensor with one number per sample, shape ({rows},); got "
                    f"{getattr(found, 'shape', type(found).__name__)}"
                )
            return
        if not isinstance(found, Tensor) or not found.shape or found.shape[0] != rows:
            raise ValueError(
                f"viz.explain: expected a model that gives one row per sample ({rows}), got "
                f"{getattr(found, 'shape', type(found).__name__)}. Pass target=a function of the outputs that gives "
                "one number per sample."
            )
        axes = found.shape[1:]
        self._flat = _positions(given, numpy.asarray(found.numpy()).reshape(rows, -1), axes)
        places = numpy.unravel_index(self._flat, axes) if axes else ()
        one = [tuple([int(axis[row]) for axis in places]) for row in range(rows)]
        self.chosen = [each[0] if len(each) == 1 else each for each in one]

    def _picked(self, outputs: Any) -> Any:
        found = outputs
        if tree.is_nested(outputs):
            found = _one_of(outputs, self._output, self._function is not None)
        elif self._output not in (None, 0):
            raise ValueError(f"viz.explain(output={self._output!r}): the model has one output; leave it out")
        if not self._logits:
            return found
        kept = getattr(found, "logits", None)
        if kept is None:
            raise ValueError(
                "viz.explain(logits=True): the output doesn't come straight from a softmax or sigmoid; leave it out, "
                "as what the model gives may be logits already"
            )
        return kept[1]

    def of(self, outputs: Any, rows: slice, copies: int) -> Tensor:
        """The numbers that are explained, one per row, where some rows stand `copies` times one after the other."""
        found = self._picked(outputs)
        if self._function is not None:
            return self._function(found)
        at = numpy.tile(self._flat[rows], copies)
        flat = found.reshape((len(at), -1))
        picked: Tensor = ops.take_along_axis(flat, Tensor(at[:, None]), axis=1)[:, 0]
        return picked


def _one_of(outputs: Any, output: Any, whole: bool) -> Any:
    if isinstance(outputs, Mapping):
        if output in outputs:
            return outputs[output]
        known = ", ".join(map(repr, outputs))
    else:
        if isinstance(output, int) and not isinstance(output, bool) and -len(outputs) <= output < len(outputs):
            return outputs[output]
        known = f"0 to {len(outputs) - 1}"
    if output is None and whole:
        return outputs
    raise ValueError(f"viz.explain(output={output!r}): the model has several outputs; expected one of {known}")


def _positions(given: Any, flat: numpy.ndarray, axes: tuple[int, ...]) -> numpy.ndarray:
    """For each row a position among the row's numbers."""
    rows, size = flat.shape
    if given is None:
        if len(axes) > 1:
            raise ValueError(
                f"viz.explain(target=None): for each sample the model gives numbers of shape {axes}; say which one, "
                f"such as target={tuple([0] * len(axes))}"
            )
        return numpy.argmax(flat, axis=1)
    several = len(axes) > 1
    asked = numpy.asarray(given)
    if asked.dtype.kind not in "iu":
        raise ValueError(f"viz.explain(target={given!r:.60}): expected whole numbers, or a function of the outputs")
    if not axes:
        raise ValueError("viz.explain(target=...): the model gives one number per sample; leave it out")
    wanted = (len(axes),) if several else ()
    if asked.shape not in (wanted, (rows, *wanted)):
        one = f"a tuple of {len(axes)} positions" if several else "a class"
        raise ValueError(
            f"viz.explain(target=...): expected {one} or {rows} of them, one per sample; got shape {asked.shape}"
        )
    asked = numpy.broadcast_to(asked, (rows, *wanted)).reshape(rows, len(axes))
    if ((asked < 0) | (asked >= numpy.array(axes))).any():
        bounds = ", ".join([f"0 to {length - 1}" for length in axes])
        raise ValueError(f"viz.explain(target={given!r:.60}): expected positions from {bounds}")
    assert math.prod(axes) == size
    return numpy.ravel_multi_index(tuple(asked.T), axes)
