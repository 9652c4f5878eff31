"""`viz.watch`: weights, gradients and activations of a model in TensorBoard, every this many steps."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import numpy

from eagerflow.core import observe
from viz.boundary import boundary
from viz.export.event_files import last_step
from viz.export.summary_writer import SummaryWriter
from viz.export.tensorboard_events import make_folder
from viz.frameworks import observing, owner_of
from viz.frameworks.contract import Array
from viz.frameworks.objects import is_layer, is_tensor, is_variable
from viz.recorder.descriptions import flat
from viz.recorder.kept_values import as_numpy
from viz.recorder.scopes import OpenScope, Scopes

__all__ = ["Watch", "watch"]

_WHAT = ("weights", "gradients", "activations")
_ASIDE = ("test_step", "predict_step")  # of `evaluate` and `predict`


@boundary
def watch(
    model: Any,
    log_dir: str | os.PathLike[str] = "logs/watch",
    every: int = 100,
    what: str | Iterable[str] = ("weights", "gradients"),
) -> Watch:
    """Writes histograms and norms of a model's tensors for TensorBoard while it trains, in `fit` or in a custom loop.

    Tags are `weights/<path>`, `gradients/<path>` and `activations/<layer>` for histograms, and the same with `/norm`
    for L2 norms. Elements that aren't finite are counted under `.../nonfinite`.

    The first step and every `every`-th step after it are written; the others cost next to nothing. A step is a batch
    that trains the model in `fit` or `train_on_batch`, or a block that `viz.step` marks. In other loops, a step ends
    when a gradient comes for the second time; backward passes of other models don't count, and the two losses of a GAN
    are one step. Steps are numbered from 0, or from the optimizer's updates so far, as in a training that is resumed;
    in a folder that was watched before, from the last step there.

    Args:
        model: a model or layer, or a module of PyTorch.
        log_dir: the folder of the run for TensorBoard.
        every: the distance between the steps that are written.
        what: which tensors to write: some of `"weights"`, `"gradients"` and `"activations"`.

    Returns:
        A `Watch`: use it in a `with` statement, or call its `close()` at the end.

    Raises:
        ValueError: for other names in `what`, or when `every` isn't positive.
        TypeError: when `model` isn't a model or layer.
        ImportError: without tensorboardX.
        OSError: when the folder can't be made or written to.

    >>> import tempfile
    >>> import eagerflow as ef, viz
    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    >>> model.compile("sgd", "mse")
    >>> with viz.watch(model, tempfile.mkdtemp(), every=10):
    ...     history = model.fit(ef.ops.ones((8, 3)), ef.ops.ones((8, 2)), verbose=0)
    """
    watched = owner_of(model)
    if watched is model and not is_layer(model):
        raise TypeError(f"watch(model): expected a model or layer; got {type(model).__name__}")
    wanted = (what,) if isinstance(what, str) else tuple(what)
    for word in wanted:
        if word not in _WHAT:
            raise ValueError(f"watch(what={word!r}): expected some of {', '.join(map(repr, _WHAT))}")
    if every < 1:
        raise ValueError(f"watch(every={every}): expected a number of steps, 1 or more")
    return Watch(watched, log_dir, every, frozenset(wanted))


class Watch(observe.Observer):
    """A model that is being watched, as `viz.watch` returns it.

    Attributes:
        step: how many training steps have ended, including those before the watch began. In a loop that doesn't mark
            steps, a step ends when the gradients of the next one come.

    >>> import eagerflow as ef
    >>> import viz
    >>> from pathlib import Path
    >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
    >>> model.compile("sgd", "mse")
    >>> watch = viz.watch(model, "logs", every=10)
    >>> history = model.fit(ef.ops.ones((8, 3)), ef.ops.ones((8, 2)), verbose=0)
    >>> watch.close()
    >>> any(path.name.startswith("events") for path in Path("logs").iterdir())
    True
    """

    hears_steps = True  # those that `viz.step` marks

    def __init__(self, model: Any, log_dir: str | os.PathLike[str], every: int, what: frozenset[str]) -> None:
        made = int(getattr(getattr(model, "optimizer", None), "iterations", None) or 0)
        make_folder(log_dir, f"watch(log_dir={os.fspath(log_dir)!r})")
        last = last_step(log_dir, tuple(f"{word}/" for word in _WHAT))
        self.step = self._first = made or (0 if last is None else last + every)
        self._model, self._every, self._what = model, every, what
        # Of a training that goes on from a checkpoint, what came after that is forgotten.
        self._log = SummaryWriter(log_dir, purge_step=made if made and last is not None and made <= last else None)
        self._steps = Scopes[OpenScope]()
        self._aside = Scopes[OpenScope]()  # batches that are evaluated or predicted, or that train another model
        self._calls = Scopes[OpenScope]()  # of models and layers
        self._wrote: set[tuple[str, int]] = set()
        self._seen: set[Any] = set()  # variables whose gradients came in this step, which nobody marks
        self._held: dict[str, Any] = {}  # what layers gave after that, in this step or the next
        self._observing = observing(self)
        self._observing.__enter__()
        self._open = True

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops watching and closes the file.

        >>> import viz
        >>> watch = viz.watch(ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)]), "logs")
        >>> watch.close()
        """
        if self._open:
            self._end_unmarked()
            self._open = False
            self._observing.__exit__(None, None, None)
            self._log.close()

    @property
    def _chosen(self) -> bool:
        return self._open and (self.step - self._first) % self._every == 0 and not self._aside

    def on_scope_begin(self, scope: observe.Scope) -> None:
        """A step begins, or something else."""
        if scope.kind == "step":
            self._end_unmarked()
            is_ours = scope.name not in _ASIDE and self._is_trained_by(scope.owner)
            (self._steps if is_ours else self._aside).append(OpenScope(scope))
        elif scope.kind in ("layer", "model"):
            self._calls.append(OpenScope(scope))

    def on_scope_end(self, scope: observe.Scope, outputs: Any, error: BaseException | None = None) -> None:
        """A layer has answered, a step is over, or something else."""
        if scope.kind == "step":
            if self._steps.end(scope):
                if not self._steps:
                    self._end_step()
            else:
                self._aside.end(scope)
        elif scope.kind in ("layer", "model"):
            path = "/".join([call.scope.name for call in self._calls])
            self._calls.end(scope)
            if scope.kind == "layer" and "activations" in self._what and (self._chosen or self._seen):
                tensors = [x for x in flat(outputs) if is_tensor(x)]
                if self._is_ours(scope.owner) and tensors:
                    self._activated(self._place(scope, path), tensors[0].data)

    def _activated(self, place: str, data: Any) -> None:
        if self._seen:  # whether this belongs to the next step already, its gradients will tell
            self._held[place] = data.get() if isinstance(data, Array) else data
        else:
            self._write("activations", place, data)

    def on_gradient(self, targets: Sequence[Any], sources: Sequence[Any], results: Sequence[Any]) -> None:
        """A backward pass is over."""
        if self._aside:
            return
        ours = {variable.identity for variable in self._model.trainable_variables}
        found = [pair for pair in zip(sources, results) if is_variable(pair[0]) and pair[0].identity in ours]
        if not found:
            return
        if not self._steps:
            self._of_unmarked({variable.identity for variable, _ in found})
        if self._chosen and "gradients" in self._what:
            for variable, gradient in found:
                if is_tensor(gradient):
                    self._write("gradients", self._within(variable.path), gradient.data)

    def _of_unmarked(self, variables: set[Any]) -> None:
        """Gradients of these came: they belong to the step before them, or begin one."""
        held, self._held = self._held, {}
        if self._seen & variables:
            self._end_unmarked()
        self._seen |= variables
        for place, data in held.items() if self._chosen else ():
            self._write("activations", place, data)

    def _end_unmarked(self) -> None:
        """End the step that nobody marks, if gradients came in it."""
        self._held.clear()
        if self._seen:
            self._seen.clear()
            self._end_step()

    def _is_trained_by(self, trained: Any) -> bool:
        """Does a step of this model change the one that is watched? Those of a GAN's other half don't."""
        ours, theirs = self._model.variables, getattr(trained, "trainable_variables", None)
        if trained is self._model or not ours or not theirs:  # or nobody knows yet
            return True
        return not {variable.identity for variable in ours}.isdisjoint([variable.identity for variable in theirs])

    def _is_ours(self, layer: Any) -> bool:
        known = getattr(self._model, "_flatten_layers", None)
        return layer is self._model or known is None or any(layer is each for each in known())

    def _place(self, scope: observe.Scope, path: str) -> str:
        """What a layer is called: its path, as in the names of its weights; one without weights beside the others."""
        found = str(getattr(scope.owner, "path", scope.name))
        inside = f"{getattr(self._model, 'name', '')}/"
        beside = [layer.path for layer in getattr(self._model, "layers", ()) if layer is not scope.owner]
        return path if "/" not in found and any(each.startswith(inside) for each in beside) else self._within(found)

    def _within(self, path: str) -> str:
        """A path within the model: those of a `Sequential` that was loaded lack its name, and its curves go on."""
        name = self._model.name
        is_inside = path == name or path.startswith(f"{name}/") or not hasattr(self._model, "add")
        return path if is_inside else f"{name}/{path}"

    def _end_step(self) -> None:
        if self._chosen:
            if "weights" in self._what:
                for variable in self._model.weights:
                    self._write("weights", self._within(variable.path), variable.data)
            self._log.flush()
        self._wrote.clear()
        self.step += 1

    def _write(self, kind: str, path: str, data: Any) -> None:
        """The distribution and the norm; a layer that is called several times in a step is written once."""
        tag = f"{kind}/{path}"
        if (tag, self.step) in self._wrote or data.dtype.kind not in "fiub":
            return
        self._wrote.add((tag, self.step))
        values = as_numpy(data)
        self._log.histogram(tag, values, self.step)
        finite = values[numpy.isfinite(values)].astype("float64")
        self._log.scalars({f"{tag}/norm": float(numpy.linalg.norm(finite))}, self.step)
