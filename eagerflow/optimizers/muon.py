"""Muon: steps of matrices made orthogonal; Adam for everything else."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from eagerflow.base.machine.budget import checked_pattern
from eagerflow.core.dtypes import wide_sum
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable
from eagerflow.optimizers import checks
from eagerflow.optimizers.adam import _adam
from eagerflow.optimizers.base import Optimizer
from eagerflow.optimizers.entry import Entry
from eagerflow.optimizers.rate import Rate
from eagerflow.optimizers.table import OPTIMIZERS

__all__ = ["Muon"]


def _muon(xp: Any, w: Any, g: Any, slots: Any, settings: Any, scratch: Any) -> None:
    of_adam, rate, momentum, nesterov, steps, coefficients, rms_rate = settings
    if len(slots) == 2:
        return _adam(xp, w, g, slots, of_adam, scratch)
    (m,) = slots
    m *= momentum
    m += g
    step = _orthogonal(g + momentum * m if nesterov else m, steps, coefficients)
    if rms_rate is not None:
        rate = rate * math.sqrt(max(w.shape[0], w.shape[1])) * rms_rate
    w -= rate * step
    return None


def _orthogonal(x: Any, steps: int, coefficients: tuple[float, float, float]) -> Any:
    """Nearly the orthogonal matrix nearest to `x`, by iterations of Newton and Schulz."""
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / (wide_sum(x * x) ** 0.5 + 1e-7)
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * (square @ square)) @ x
    return x.T if tall else x


@OPTIMIZERS.add("muon")
class Muon(Optimizer):
    """Muon: momentum whose updates of matrices are orthogonalized, so that all directions have the same weight.

    Adam trains variables that aren't matrices, embeddings, and those that `exclude_layers` names.

    Args:
        learning_rate: a number, schedule or function.
        adam_beta_1: Adam's beta_1.
        adam_beta_2: Adam's beta_2.
        adam_weight_decay: the weight decay of variables that Adam trains; None: none.
        epsilon: Adam's epsilon.
        weight_decay: the weight decay of the other variables; None: none.
        exclude_layers: a list of patterns; Adam trains variables whose path contains one of them.
        exclude_embeddings: whether Adam trains embeddings.
        muon_a: the first coefficient of the Newton-Schulz iteration.
        muon_b: its second coefficient.
        muon_c: its third coefficient.
        adam_lr_ratio: Adam's learning rate, as a multiple of `learning_rate`.
        momentum: the fraction of the old steps that is kept, from 0 to 1.
        ns_steps: the number of Newton-Schulz iterations.
        nesterov: whether to use Nesterov momentum.
        rms_rate: steps are multiplied by `rms_rate * sqrt(longer side)`, so that matrices of all shapes get steps of a
            similar size; None: they aren't.
        **shared: what all optimizers take; see `Optimizer`.

    Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024; Liu et al., "Muon is
    scalable for LLM training", 2025.

    >>> weight = ef.Variable(ef.ops.zeros((2, 2)), name="kernel")
    >>> optimizer = ef.optimizers.Muon(1.0, weight_decay=None, rms_rate=None)
    >>> optimizer.apply([ef.Tensor([[100.0, 0.0], [0.0, 0.5]])], [weight])
    >>> step = -weight.numpy()
    >>> [round(float(n)) for n in np.linalg.svd(step, compute_uv=False)]  # the same for both directions, 100 and 0.5
    [1, 1]
    """

    temporaries = 1
    rule = staticmethod(_muon)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        *,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1.0,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **shared: Any,
    ) -> None:
        super().__init__(learning_rate, weight_decay, **shared)
        self.adam_beta_1 = checks.between("Muon", "adam_beta_1", adam_beta_1)
        self.adam_beta_2 = checks.between("Muon", "adam_beta_2", adam_beta_2)
        self.adam_weight_decay = adam_weight_decay
        self.epsilon = checks.epsilon("Muon", epsilon)
        self.exclude_layers = [checked_pattern("Muon", each) for each in exclude_layers or ()]
        self.exclude_embeddings = bool(exclude_embeddings)
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.adam_lr_ratio = checks.at_least("Muon", "adam_lr_ratio", adam_lr_ratio)
        self.momentum = checks.between("Muon", "momentum", momentum)
        self.ns_steps = checks.whole("Muon", "ns_steps", ns_steps)
        self.nesterov = bool(nesterov)
        self.rms_rate = rms_rate

    def lr_adjust(self, x: Any) -> Any:
        """Multiplies a step of a matrix by `rms_rate * sqrt(longer side)`; without a `rms_rate`, returns it unchanged.

        Args:
            x: the step, a matrix.

        >>> optimizer = ef.optimizers.Muon(rms_rate=0.25)
        >>> float(optimizer.lr_adjust(np.ones((4, 16))).max())  # 0.25 * sqrt(16)
        1.0
        """
        return x if self.rms_rate is None else x * (math.sqrt(max(x.shape[0], x.shape[1])) * self.rms_rate)

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Tensor:
        """Approximates the orthogonal matrix nearest to `x` by Newton-Schulz iterations.

        Args:
            x: a matrix.
            steps: the number of iterations.

        Raises:
            ValueError: when `x` is no matrix.

        >>> matrix = ef.Tensor([[3.0, 0.0], [0.0, -4.0]])
        >>> ef.optimizers.Muon().zeropower_via_newtonschulz5(matrix, 10).numpy().round().tolist()
        [[1.0, 0.0], [0.0, -1.0]]
        """
        matrix = convert_to_tensor(x)
        if matrix.ndim != 2:
            raise ValueError(f"zeropower_via_newtonschulz5: expected a matrix; got shape {matrix.shape}.")
        return Tensor(_orthogonal(matrix.data, steps, (self.muon_a, self.muon_b, self.muon_c)), None, None)

    def _by_adam(self, variable: Variable) -> bool:
        if len(variable.shape) != 2 or (self.exclude_embeddings and "embedding" in variable.path.lower()):
            return True
        return any(re.search(pattern, variable.path) for pattern in self.exclude_layers)

    def _add_slots(self, entry: Entry) -> None:
        names = ("momentum", "velocity") if self._by_adam(entry.variable) else ("momentum",)
        entry.slots = tuple([self.add_variable_from_reference(entry.variable, name) for name in names])

    def _decay(self, entries: list[Entry], rate: float) -> None:
        for entry in entries:
            decay = self.adam_weight_decay if len(entry.slots) == 2 else self.weight_decay
            if decay and self._decays(entry.variable):
                with entry.variable.changing() as w:
                    w -= w * (decay * rate)

    def settings(self, rate: float) -> tuple[Any, ...]:
        step = self._step
        beta_1, beta_2 = self.adam_beta_1, self.adam_beta_2
        alpha = rate * self.adam_lr_ratio * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        of_adam = (alpha, 1 - beta_1, 1 - beta_2, self.epsilon)
        coefficients = (self.muon_a, self.muon_b, self.muon_c)
        return of_adam, rate, self.momentum, self.nesterov, self.ns_steps, coefficients, self.rms_rate
