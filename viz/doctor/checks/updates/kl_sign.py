"""`loss_sign.divergence`: a KL divergence that the loss counts with the wrong sign."""

from __future__ import annotations

from typing import Any

from viz.doctor.check_base import Check, first, first_gradient
from viz.doctor.user_code import Place

__all__ = ["KlSign"]

_DIVERGENCE_STEPS = 3  # in which the gradients of a divergence's two terms are the same number, and below 0

_SQUARES = ("square", "power", "multiply")

_FIXES = {
    "loss_sign.divergence": (
        "Turn its sign: the loss is the error of the reconstruction plus "
        "-0.5 * mean(1 + log_var - mean**2 - exp(log_var)), which is 0 at least."
    )
}


class KlSign(Check):
    """Hears which way the loss goes with exp(log_var) and mean**2, both of which a divergence makes small.

    The divergence of a normal distribution from the standard one is -0.5 * (1 + log_var - mean**2 - exp(log_var)), in
    which both count alike: the gradients that reach them are one and the same number at all places. Where that is
    below 0, training makes both as large as it can.
    """

    fixes = _FIXES

    def __init__(self, watch: Any) -> None:
        super().__init__(watch)
        self._exponentials: list[tuple[tuple[int, ...], float, Any]] = []
        self._squares: list[tuple[tuple[int, ...], float]] = []
        self._times = 0
        self._place: Place | None = None

    def on_rule(self, op: Any, out_keys: Any, in_keys: Any, gradients: Any, results: Any) -> None:
        if op.name != "exp" and op.name not in _SQUARES:
            return
        values = first_gradient(gradients)
        low = float(values.min()) if values.size > 1 and values.ndim else 0.0
        if low >= 0 or float(values.max()) != low:
            return
        if op.name == "exp":
            self._exponentials.append((values.shape, low, first(out_keys)))
        else:
            self._squares.append((values.shape, low))

    def on_step_end(self) -> None:
        for shape, low, key in self._exponentials:
            if (shape, low) in self._squares:
                origin = self.watch.origins.get(key)
                self._place = self._place or (origin.place if origin is not None else None)
                self._times += 1
                if self._times == _DIVERGENCE_STEPS:
                    self._tell(low)
        self._exponentials.clear()
        self._squares.clear()

    def _tell(self, low: float) -> None:
        self.watch.report(
            "loss_sign.divergence",
            "error",
            "the loss falls as exp(log_var) and mean**2 grow, by the same amount everywhere: a KL divergence is "
            "counted with the wrong sign, so training drives the latent numbers away from the normal distribution "
            "instead of towards it",
            place=self._place,
            key=("loss_sign", "divergence"),
            evidence={"perfect": 0.0, "now": low},
        )
