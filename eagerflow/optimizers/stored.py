"""The part of `Optimizer` that makes its state, hands it out and takes it in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from eagerflow.base.config import floatx
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import DType, Gradients, InitializerLike, Variables
from eagerflow.core.device import device
from eagerflow.core.stateless_scope import StatelessScope
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable
from eagerflow.optimizers.entry import slot_initializer

__all__ = ["StoredState"]


class StoredState:
    """`add_variable`, `set_weights`, `stateless_apply`, and how the state is saved and loaded."""

    built: bool
    name: str
    _variables: list[Variable]

    @property
    def variables(self) -> list[Variable]:
        """All variables of the state: the number of updates, the learning rate, and those kept for each weight.

        >>> optimizer = ef.optimizers.SGD(0.5, momentum=0.75)
        >>> optimizer.build([ef.Variable([1.0, 2.0], name="kernel")])
        >>> [v.name for v in optimizer.variables]
        ['iteration', 'learning_rate', 'kernel_momentum']
        """
        return self._variables[:]

    def add_variable(
        self,
        shape: Any,
        initializer: InitializerLike = "zeros",
        dtype: DType = None,
        aggregation: str = "none",
        layout: None = None,
        name: str | None = None,
    ) -> Variable:
        """Creates a variable of the optimizer's state.

        Args:
            shape: the shape of the variable.
            initializer: `"zeros"`, `"ones"`, or a function `(shape, dtype=...)`.
            dtype: a type name; default: `floatx()`.
            aggregation: accepted for compatibility with Keras; it changes nothing.
            layout: only None: a variable lives on one device.
            name: the last part of its path.

        Raises:
            ValueError: for another initializer's name, or a layout.

        >>> optimizer = ef.optimizers.SGD()
        >>> optimizer.add_variable((2,), "ones", name="scale").tolist()
        [1.0, 1.0]
        """
        if layout is not None:
            raise ValueError(
                f"{type(self).__name__}.add_variable(layout={layout!r:.100}): expected None; a variable lives on one "
                "device, which eagerflow.device(...) chooses."
            )
        made = Variable(slot_initializer(initializer), shape, dtype or floatx(), trainable=False, name=name)
        return self._track(made)

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: InitializerLike = "zeros"
    ) -> Variable:
        """Creates a variable of the state, with the shape, type and device of another variable.

        Args:
            reference_variable: the other variable.
            name: the end of the new variable's name; default: `"slot"`.
            initializer: `"zeros"`, `"ones"`, or a function `(shape, dtype=...)`.

        >>> weight = ef.Variable([1.0, 2.0], name="kernel")
        >>> slot = ef.optimizers.SGD().add_variable_from_reference(weight, "mean")
        >>> slot.path, slot.shape, slot.tolist()
        ('sgd/kernel_mean', (2,), [0.0, 0.0])
        """
        with device(reference_variable.device):
            made = self.add_variable(
                reference_variable.shape,
                initializer,
                reference_variable.dtype.name,
                name=f"{reference_variable.path}/{name or 'slot'}".replace("/", "_"),
            )
        made.path = f"{self.name}/{made.name}"
        return made

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: Any, initializer: InitializerLike = "zeros"
    ) -> Any:
        """Creates a variable of the state for each variable (with several names: for each name).

        Args:
            trainable_variables: the variables that are trained.
            name: the end of the new variables' names, or a list of such names.
            initializer: `"zeros"`, `"ones"`, or a list with an initializer for each name.

        Returns:
            A list of the new variables, or a tuple with such a list for each name.

        >>> weights = [ef.Variable([1.0, 2.0]), ef.Variable(3.0)]
        >>> means, squares = ef.optimizers.SGD().add_optimizer_variables(weights, ["mean", "square"])
        >>> [m.shape for m in means], [s.shape for s in squares]
        ([(2,), ()], [(2,), ()])
        """
        names = [name] if isinstance(name, str) else list(name)
        several: Any = initializer
        kinds = [initializer] * len(names) if isinstance(initializer, str) else list(several)
        made = [[self.add_variable_from_reference(v, n, k) for n, k in zip(names, kinds)] for v in trainable_variables]
        columns = [list(column) for column in zip(*made)] if made else [[] for _ in names]
        return columns[0] if isinstance(name, str) else tuple(columns)

    def _track(self, variable: Variable) -> Variable:
        if not variable.path.startswith(f"{self.name}/"):
            variable.path = f"{self.name}/{variable.name}"
        self._variables.append(variable)
        return variable

    def set_weights(self, weights: Iterable[Any]) -> None:
        """Sets all variables of the state.

        Args:
            weights: an array for each of `variables`, in their order.

        Raises:
            ValueError: before the optimizer is built, or when numbers or shapes differ; then nothing was changed.

        >>> optimizer, weight = ef.optimizers.SGD(0.5), ef.Variable(1.0)
        >>> optimizer.build([weight])
        >>> optimizer.set_weights([100, 0.25])
        >>> int(optimizer.iterations), float(optimizer.learning_rate)
        (100, 0.25)
        """
        self._check_built("set_weights")
        values = [convert_to_tensor(w) for w in weights]
        for variable, value in _paired(f"{type(self).__name__}.set_weights", self.variables, values):
            variable.assign(value)

    def stateless_apply(
        self, optimizer_variables: Sequence[Any], grads: Sequence[Any], trainable_variables: Sequence[Any]
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Computes one update from the given values, without changing any variable.

        Args:
            optimizer_variables: the values of the state, in the order of `variables`.
            grads: the gradients, in the order of the variables that the optimizer was built for.
            trainable_variables: the values of those variables.

        Returns:
            The values after the update: of the trainable variables, and of the state.

        Raises:
            ValueError: before the optimizer is built, or when numbers or shapes differ.

        >>> weight, optimizer = ef.Variable(1.0), ef.optimizers.SGD(0.5)
        >>> optimizer.build([weight])
        >>> (after,), state = optimizer.stateless_apply(optimizer.variables, [1.0], [3.0])
        >>> float(after), float(weight)
        (2.5, 1.0)
        """
        self._check_built("stateless_apply")
        where = f"{type(self).__name__}.stateless_apply"
        trained, own = self._trained(), self.variables
        pairs = _paired(f"{where}(trainable_variables=...)", trained, trainable_variables)
        pairs += _paired(f"{where}(optimizer_variables=...)", own, optimizer_variables)
        with StatelessScope(pairs):
            self.apply(grads, trained)
            after = [Tensor(v.data, None, None) for v in (*trained, *own)]
        return after[: len(trained)], after[len(trained) :]

    def apply(self, grads: Gradients, trainable_variables: Variables = None) -> None:
        """Update variables by their gradients."""
        raise NotImplementedError

    def _trained(self) -> list[Variable]:
        """The variables that `build` was called for."""
        raise NotImplementedError

    def _check_built(self, method: str) -> None:
        if not self.built:
            raise ValueError(
                f"{type(self).__name__}.{method}: the optimizer has no state yet. Build it for the variables first: "
                "optimizer.build(model.trainable_variables)."
            )

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Puts all variables of the state into `store`, under the numbers "0", "1", ...

        Args:
            store: the dict.

        >>> store = {}
        >>> ef.optimizers.SGD(0.5).save_own_variables(store)
        >>> {number: float(value) for number, value in store.items()}  # the number of updates, and the learning rate
        {'0': 0.0, '1': 0.5}
        """
        store.update({str(i): v.numpy() for i, v in enumerate(self.variables)})

    def load_own_variables(self, store: Any) -> None:
        """Sets all variables of the state from what `save_own_variables` put into `store`.

        Args:
            store: the dict.

        Raises:
            ValueError: when the number of arrays differs; then nothing was changed.

        >>> optimizer = ef.optimizers.SGD(0.5)
        >>> optimizer.load_own_variables({"0": np.array(100), "1": np.array(0.25)})
        >>> int(optimizer.iterations), float(optimizer.learning_rate)
        (100, 0.25)
        """
        if len(store) != len(self.variables):
            raise ValueError(
                f"{type(self).__name__}: {len(store)} arrays stored, {len(self.variables)} expected. "
                "Build the optimizer for the same variables first: optimizer.build(model.trainable_variables)."
            )
        for i, variable in enumerate(self.variables):
            variable.assign(store[str(i)])


def _paired(where: str, variables: list[Variable], values: Sequence[Any]) -> list[tuple[Variable, Any]]:
    """Each variable with its value, of its shape."""
    if len(values) != len(variables):
        raise ValueError(f"{where}: expected {len(variables)} arrays; got {len(values)}.")
    tensors = [convert_to_tensor(v) for v in values]
    for variable, value in zip(variables, tensors):
        if variable.shape != value.shape:
            raise ValueError(f"{where}: {variable.path!r} has shape {variable.shape}; got {signature_of(value)}.")
    return list(zip(variables, tensors))
