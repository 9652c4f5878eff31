"""`minimize`: gradients and update in one call, as TensorFlow's optimizers have it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from eagerflow.core.tape import GradientTape
from eagerflow.core.variable import Variable

__all__ = ["Minimizing"]


class Minimizing:
    """The part of `Optimizer` which differentiates a loss itself."""

    def minimize(
        self: Any, loss: Any, var_list: Any = None, grad_loss: Any = None, name: str | None = None, tape: Any = None
    ) -> Variable:
        """Differentiates a loss, updates variables once, and returns `iterations`.

        Args:
            loss: a function without arguments that computes the loss; or its value, together with the `tape` that
                has recorded it.
            var_list: the variables, or a function that returns them after `loss` has run.
            grad_loss: factors of the gradients, in the shape of the loss; default: ones.
            name: accepted for TensorFlow's signature; it changes nothing.
            tape: the tape that has recorded `loss`, when that is a value.

        Raises:
            ValueError: for a value without a tape.
            TypeError: without variables.

        >>> x = ef.Variable(3.0)
        >>> for _ in range(3):
        ...     _ = ef.optimizers.SGD(0.25).minimize(lambda: x * x, [x])
        >>> float(x)
        0.375
        """
        if callable(loss):
            with tape or GradientTape() as tape:
                loss = loss()
        elif tape is None:
            raise ValueError(
                f"{type(self).__name__}.minimize(loss): a value needs the tape that recorded it (tape=...). Or give "
                "a function that computes the loss: minimize(lambda: ..., variables)."
            )
        if var_list is None:
            raise TypeError(
                f"{type(self).__name__}.minimize(loss): the variables to change are missing. Pass them, minimize(loss, "
                "model.trainable_variables): there is no graph that knows them all."
            )
        variables: Iterable[Variable] = var_list() if callable(var_list) else var_list
        variables = list(variables)
        gradients = tape.gradient(loss, variables, output_gradients=grad_loss)
        iterations: Variable = self.apply_gradients(zip(gradients, variables))
        return iterations
