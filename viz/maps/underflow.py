"""`viz.underflow`: what share of each layer's half-precision numbers is too small for their type."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy

from eagerflow.core.observe import Scope
from viz.doctor.facts.host_arrays import host, key_of, tensors
from viz.facts.text_table import table
from viz.frameworks import observing
from viz.frameworks.objects import array_of
from viz.recorder.listening import Listening

__all__ = ["Small", "Underflow", "underflow"]

_NORMAL = {"float16": 2.0**-14, "bfloat16": 2.0**-126}  # the smallest number that has all its digits


@dataclasses.dataclass
class Small:
    """How many elements are small.

    Attributes:
        elements: the number of all elements.
        zeros: of those, how many are 0, by underflow or otherwise (such as behind a ReLU).
        subnormal: how many are not 0, but so small that digits are lost: below 6.1e-5 in float16, 1.2e-38 in bfloat16.
    """

    elements: int = 0
    zeros: int = 0
    subnormal: int = 0

    def add(self, array: Any) -> None:
        """Counts the elements of an array in half precision; others are left out."""
        limit = _NORMAL.get(getattr(array.dtype, "name", ""))
        if limit is not None:
            sizes = numpy.abs(host(array).astype("float32"))
            self.elements += sizes.size
            self.zeros += int((sizes == 0).sum())
            self.subnormal += int(((sizes > 0) & (sizes < limit)).sum())

    def shares(self) -> list[str]:
        """The shares of zeros and of subnormal numbers, as text."""
        return [f"{n / self.elements:.1%}" if self.elements else "" for n in (self.zeros, self.subnormal)]


class Underflow:
    """What `viz.underflow` found; printed, it is a table.

    Attributes:
        outputs: `Small` by the path of the layer: of what its ops made.
        gradients: the same of the gradients that their backward rules made.
    """

    def __init__(self, outputs: Mapping[str, Small], gradients: Mapping[str, Small]) -> None:
        self.outputs, self.gradients = dict(outputs), dict(gradients)

    def __repr__(self) -> str:
        none = Small()
        heads = ["layer", "outputs: zero", "subnormal", "gradients: zero", "subnormal"]
        names = dict.fromkeys([*self.outputs, *self.gradients])
        both = [(name, self.outputs.get(name, none), self.gradients.get(name, none)) for name in names]
        rows = [[name, *a.shares(), *b.shares()] for name, a, b in both if a.elements or b.elements]
        return str(table(heads, rows)) if rows else "nothing was in half precision"


class _Heard:
    """Counts by the innermost layer in which an op ran."""

    def __init__(self) -> None:
        self.outputs: dict[str, Small] = {}
        self.gradients: dict[str, Small] = {}
        self._open: list[str] = []
        self._made_in: dict[int | None, str] = {}

    def on_scope_begin(self, scope: Scope) -> None:
        self._open.append(str(getattr(scope.owner, "path", None) or scope.name))

    def on_scope_end(self, scope: Scope, outputs: Any, error: BaseException | None = None) -> None:
        self._open.pop()

    def on_op(self, op: Any, inputs: Any, settings: Any, outputs: Any, *about: Any) -> None:
        name = self._open[-1] if self._open else op.name
        for tensor in tensors(outputs):
            self._made_in[key_of(tensor)] = name
            self.outputs.setdefault(name, Small()).add(array_of(tensor))

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any, *about: Any) -> None:
        name = next((self._made_in[key] for key in out_keys if key in self._made_in), op.name)
        for result in results or ():
            if result is not None:
                self.gradients.setdefault(name, Small()).add(array_of(result))


def underflow(step: Callable[..., Any], *inputs: Any, **options: Any) -> Underflow:
    """What share of each layer's half-precision numbers is zero or subnormal, when a training step is run once.

    Gradients that are subnormal in float16 will soon be 0: scale the loss (`LossScaleOptimizer`, PyTorch's
    `GradScaler`), or use bfloat16. What is in float32 isn't counted.

    Args:
        step: what is called once, such as `model.train_on_batch` or a function with your own step.
        *inputs: what it is called with.
        **options: named arguments of the call.

    Returns:
        An `Underflow`.

    >>> import eagerflow as ef, viz
    >>> ef.utils.set_random_seed(0)
    >>> model = ef.Sequential([ef.Input((2,)), ef.layers.Dense(1, dtype="mixed_float16", name="head")], name="net")
    >>> model.compile("sgd", "mse", auto_scale_loss=False)
    >>> found = viz.underflow(model.train_on_batch, ef.ops.ones((4, 2)) * 1e-5, ef.ops.zeros((4, 1)))
    >>> found
    layer               outputs: zero  subnormal  gradients: zero  subnormal
    ────────────────────────────────────────────────────────────────────────
    net                          0.0%     100.0%
    net/head                    14.3%      57.1%            66.7%      33.3%
    mean_squared_error                                       0.0%     100.0%
    """
    heard = _Heard()
    with observing(Listening.to(heard, everywhere=True)):
        step(*inputs, **options)
    return Underflow(heard.outputs, heard.gradients)
