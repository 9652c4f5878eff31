"""The part of `Layer` that holds things: its weights, sublayers, metrics and losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy

from eagerflow.base.errors import signature_of
from eagerflow.base.tracebacks import boundary, warn
from eagerflow.base.typing import ConstraintLike, DType, InitializerLike, RegularizerLike
from eagerflow.core.in_place import kept
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable, changes
from eagerflow.layer.added_losses import add_loss, losses_added
from eagerflow.layer.call_context import current_call
from eagerflow.layer.input_spec import describe
from eagerflow.layer.state import LayerState, members, tracked, unique
from eagerflow.layer.weight_making import KERAS_3_ORDER, by_position, make_weight
from eagerflow.random import SeedGenerator

__all__ = ["WeightHolder", "drop_weight", "gather", "is_metric", "set_own_trainable", "sublayers"]
__all__ += ["track"]

_PLAIN = frozenset({int, float, bool, str, type(None), Tensor, numpy.ndarray})


def is_metric(value: Any) -> bool:
    """Whether an attribute is a metric (which are written on the floor below, or by users)."""
    kind = type(value)
    return hasattr(kind, "update_state") and hasattr(kind, "result") and hasattr(kind, "reset_state")


class _NotBuilt(list[Variable]):
    """No weights, of a layer that isn't built: who takes one out of the list learns why there is none."""

    def __init__(self, layer: WeightHolder) -> None:
        super().__init__()
        self._layer = layer

    def __getitem__(self, place: Any) -> Any:
        if self or isinstance(place, slice):
            return super().__getitem__(place)
        raise IndexError(
            f"{describe(self._layer)} has no weights yet: it isn't built. Call it on data, or build(input_shape)."
        )

    def __reduce__(self) -> Any:
        return list, (list(self),)


class WeightHolder:
    """Tracks what its attributes hold, and answers for the weights, metrics and losses of itself and its sublayers."""

    _reserved = frozenset({"_ef_state"})  # names that no attribute of a user's may have
    _ef_state: LayerState  # set in `Layer.__new__`, so that attributes may be set before `Layer.__init__` ran
    name: str
    built: bool

    if not TYPE_CHECKING:  # to checkers a misspelt name is a mistake

        def __setattr__(self, name: str, value: Any) -> None:
            if name in self._reserved:
                raise AttributeError(
                    f"{type(self).__name__}.{name} is used by the layer itself; choose another name for your attribute."
                )
            _set_attribute(self, name, value)

    def __delattr__(self, name: str) -> None:
        changes.settings += 1
        if self._ef_state.tracked.pop(name, None) is not None:
            changes.count += 1
        object.__delattr__(self, name)

    @boundary
    def add_weight(
        self,
        *args: Any,
        shape: Any = None,
        initializer: InitializerLike = None,
        dtype: DType = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: RegularizerLike = None,
        constraint: ConstraintLike = None,
        aggregation: str = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Creates a weight of this layer.

        Args:
            *args: `shape, initializer, dtype, ...` in Keras 3's order, or with a name first in Keras 2's:
                `name, shape, dtype, initializer, regularizer, trainable, constraint`.
            shape: the shape; default `()`.
            initializer: a name, function or object; default: "glorot_uniform" for floats, zeros for others.
            dtype: a type name; default: the layer's `variable_dtype`.
            trainable: whether optimizers change it.
            autocast: whether a floating-point weight is cast to the compute type when `call` reads it.
            regularizer: a function of the weight whose value is added to the losses.
            constraint: a function that optimizers apply to the weight after changing it.
            aggregation: accepted for compatibility with Keras; it changes nothing.
            overwrite_with_gradient: whether optimizers replace the weight with its gradient instead of updating it.
            name: the weight's name, which is the last part of its path.

        Returns:
            The variable. It belongs to the layer whether or not an attribute holds it.

        Raises:
            ValueError: when the shape has an unknown length.

        >>> class Scale(ef.layers.Layer):
        ...     def build(self, input_shape):
        ...         self.factor = self.add_weight(shape=input_shape[-1:], initializer="ones", name="factor")
        ...     def call(self, inputs):
        ...         return inputs * self.factor
        >>> layer = Scale()
        >>> layer([[1.0, 2.0]]).tolist(), layer.factor.name, layer.factor.shape
        ([[1.0, 2.0]], 'factor', (2,))
        """
        named = (shape, initializer, dtype, trainable, autocast, regularizer, constraint)
        given = dict(zip(KERAS_3_ORDER, named)) | {"name": name} | by_position(self, args)
        variable = make_weight(self, aggregation=aggregation, **given)
        variable.overwrite_with_gradient = overwrite_with_gradient
        state = self._ef_state
        state.own_weights.append(variable)
        state.fixed[id(variable)] = not variable.trainable
        _follow_trainable(self, variable)
        changes.count += 1
        return variable

    def add_variable(self, *args: Any, **kwargs: Any) -> Variable:
        """The same as `add_weight`, under its older name.

        Args:
            *args: as for `add_weight`.
            **kwargs: as for `add_weight`.
        """
        return self.add_weight(*args, **kwargs)

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> Iterator[Any]:
        """This layer and all below, each once, parents first."""
        seen: set[int] = set()
        waiting = [self] if include_self else list(reversed(sublayers(self)))
        while waiting:
            layer = waiting.pop()
            if id(layer) in seen:
                continue
            seen.add(id(layer))
            yield layer
            if recursive or layer is self:
                waiting.extend(reversed(sublayers(layer)))

    @property
    def weights(self) -> list[Variable]:
        """All weights of this layer and its sublayers, each once; without the state of metrics and random generators.

        >>> layer = ef.layers.BatchNormalization()
        >>> layer.build((None, 3))
        >>> [w.name for w in layer.weights]
        ['gamma', 'beta', 'moving_mean', 'moving_variance']
        """
        built = self.built  # first: raises if `super().__init__()` is missing
        state = self._ef_state
        if state.all_weights[0] != changes.count:
            found = unique(v for layer in self._flatten_layers() for v in gather(layer)[0])
            state.all_weights = (changes.count, found)
        found = state.all_weights[1]
        return list(found) if found or built else _NotBuilt(self)

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights which optimizers change.

        >>> layer = ef.layers.BatchNormalization()
        >>> layer.build((None, 3))
        >>> [w.name for w in layer.trainable_weights]
        ['gamma', 'beta']
        """
        own = self.weights
        if not own:
            return own
        return [v for v in own if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights which optimizers leave alone.

        >>> layer = ef.layers.BatchNormalization()
        >>> layer.build((None, 3))
        >>> [w.name for w in layer.non_trainable_weights]
        ['moving_mean', 'moving_variance']
        """
        return [v for v in self.weights if not v.trainable] if self.trainable else self.weights

    @property
    def _stays_shared(self: Any) -> bool:
        """Whether it is to be one layer where it stands in several places of a configuration: its weights are."""
        return bool(self.weights) or not self.built

    @property
    def variables(self) -> list[Variable]:
        """The weights, and the state variables of random generators such as dropout's.

        >>> layer = ef.layers.Dropout(0.5)
        >>> [v.name for v in layer.variables], layer.weights
        (['seed_generator_state'], [])
        """
        seeds = [s.state for layer in self._flatten_layers() for s in gather(layer)[3]]
        return unique([*self.weights, *seeds])

    @property
    def trainable_variables(self) -> list[Variable]:
        """The same as `trainable_weights`.

        >>> layer = ef.layers.Dense(2)
        >>> layer.build((None, 3))
        >>> [v.name for v in layer.trainable_variables]
        ['kernel', 'bias']
        """
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """All variables that optimizers don't change, the state of random generators included.

        >>> layer = ef.layers.Dropout(0.5)
        >>> [v.name for v in layer.non_trainable_variables]
        ['seed_generator_state']
        """
        return [v for v in self.variables if not v.trainable] if self.trainable else self.variables

    @property
    def metrics(self) -> list[Any]:
        """The metrics that this layer and its sublayers hold.

        >>> class Measured(ef.layers.Layer):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.size = ef.metrics.Mean(name="size")
        ...     def call(self, inputs):
        ...         self.size.update_state(abs(inputs))
        ...         return inputs
        >>> layer = Measured()
        >>> y = layer([[-1.0, 3.0]])
        >>> [(metric.name, float(metric.result())) for metric in layer.metrics]
        [('size', 2.0)]
        """
        return unique(m for layer in self._flatten_layers() for m in gather(layer)[2])

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables in which the metrics keep their state.

        >>> model = ef.Sequential([ef.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> [v.path for v in model.metrics_variables]
        ['loss/total', 'loss/count']
        """
        return [v for metric in self.metrics for v in metric.variables]

    @property
    def trainable(self) -> bool:
        """Whether training changes this layer. Setting it reaches all sublayers and their weights.

        >>> model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2), ef.layers.Dense(1)])
        >>> model.layers[0].trainable = False
        >>> [w.path.rsplit("/")[-1] for w in model.trainable_weights], len(model.non_trainable_weights)
        (['kernel', 'bias'], 2)
        """
        return self._ef_state.trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        if isinstance(value, str):  # of which each, "False" too, would count as True
            raise TypeError(f"{describe(self)}.trainable = {value!r:.60}: expected True or False; got text.")
        for layer in list(self._flatten_layers()):
            set_own_trainable(layer, bool(value))

    # Values

    def get_weights(self) -> list[numpy.ndarray]:
        """Returns copies of all weights as NumPy arrays, in the order of `weights`.

        >>> layer = ef.layers.Dense(2, kernel_initializer="ones")
        >>> layer.build((None, 3))
        >>> [w.shape for w in layer.get_weights()]
        [(3, 2), (2,)]
        """
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Sequence[Any]) -> None:
        """Sets all weights of the layer from a list of arrays.

        Args:
            weights: arrays in the order and with the shapes of those that `get_weights` returns.

        Raises:
            ValueError: naming the layer and the weight whose number, order or shape is wrong.

        >>> layer = ef.layers.Dense(1)
        >>> layer.build((None, 2))
        >>> layer.set_weights([[[1.0], [2.0]], [10.0]])
        >>> layer([[1.0, 1.0]]).tolist()
        [[13.0]]
        """
        own = self.weights
        if len(own) != len(weights):
            raise ValueError(
                f"{describe(self)}.set_weights: expected {len(own)} arrays {[signature_of(v) for v in own][:8]}; "
                f"got {len(weights)}.{'' if own else ' The layer has no weights until it is built.'}"
            )
        for i, (variable, value) in enumerate(zip(own, weights)):
            if tuple(numpy.shape(value)) != tuple(variable.shape):
                raise ValueError(
                    f"{describe(self)}.set_weights: weight {i}, {variable.path!r}, has shape {tuple(variable.shape)}; "
                    f"got {signature_of(value)}.{_transposed(variable.shape, numpy.shape(value))}"
                )
        context = current_call.get()
        if context is not None and context.probing:
            with kept():
                _assign_all(own, weights)
        else:
            _assign_all(own, weights)

    def count_params(self) -> int:
        """The number of elements of all weights.

        Raises:
            ValueError: before the layer has weights.

        >>> layer = ef.layers.Dense(2)
        >>> layer.build((None, 3))
        >>> layer.count_params()  # 3 * 2 of the kernel and 2 of the bias
        8
        """
        if not self.built and not self.weights:
            raise ValueError(
                f"{describe(self)}.count_params(): the layer isn't built. Call it on data, or build(input_shape)."
            )
        return sum(v.size for v in self.weights)

    def save_own_variables(self, store: Any) -> None:
        """Puts this layer's own weights (not those of sublayers) into `store`, under the keys `"0"`, `"1"`, ...

        Args:
            store: a dict or dict-like object.

        >>> layer, store = ef.layers.Dense(2), {}
        >>> layer.build((None, 3))
        >>> layer.save_own_variables(store)
        >>> {name: value.shape for name, value in store.items()}
        {'0': (3, 2), '1': (2,)}
        """
        for i, value in enumerate(self._values_in_files()):
            store[str(i)] = value.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Sets this layer's own weights (not those of sublayers) to stored arrays.

        Args:
            store: a dict-like object that `save_own_variables` filled.

        Raises:
            ValueError: when the number of weights differs.

        >>> layer = ef.layers.Dense(1)
        >>> layer.build((None, 2))
        >>> layer.load_own_variables({"0": np.array([[1.0], [2.0]]), "1": np.array([10.0])})
        >>> layer([[1.0, 1.0]]).tolist()
        [[13.0]]
        """
        own = self._variables_in_files()
        if len(store.keys()) != len(own):
            unbuilt = "" if self.built else " It isn't built yet: call it on data first."
            raise ValueError(f"{describe(self)} has {len(own)} own weights; {len(store.keys())} were saved.{unbuilt}")
        for i, variable in enumerate(own):
            variable.assign(store[str(i)])
        for variable in self._cleared_by_files():
            variable.clear()

    def _variables_in_files(self) -> list[Variable]:
        """The own weights that files hold, in their order there."""
        return gather(self)[0]

    def _values_in_files(self) -> Sequence[Any]:
        """What files hold of them."""
        return self._variables_in_files()

    def _cleared_by_files(self) -> list[Variable]:
        """Those that are zero after a file was read: what they added to others is in the file."""
        return []

    # Losses and metrics of a call

    @boundary
    def add_loss(self, loss: Any) -> None:
        """Adds a term to the loss that training minimizes; it counts until the model is called again.

        Args:
            loss: a scalar tensor, or a list of them, usually computed in `call`.

        Raises:
            TypeError: for anything else.

        >>> class Penalized(ef.layers.Layer):
        ...     def call(self, inputs):
        ...         self.add_loss(0.5 * ef.ops.sum(inputs**2))
        ...         return inputs
        >>> layer = Penalized()
        >>> y = layer([[3.0, 4.0]])
        >>> [float(loss) for loss in layer.losses]
        [12.5]
        """
        add_loss(self, loss)

    def add_metric(self, *args: Any, **kwargs: Any) -> None:
        """Gone since Keras 3.

        Args:
            *args: not used.
            **kwargs: not used.

        Raises:
            NotImplementedError: always; it says what to write instead.
        """
        raise NotImplementedError(
            f"{describe(self)}.add_metric is gone since Keras 3. Hold a metric, self.measure = metrics.Mean(name=...) "
            "in __init__, and feed it in call, self.measure.update_state(value): fit shows it."
        )

    @property
    def losses(self) -> list[Tensor]:
        """What `add_loss` added in this layer and its sublayers, then the weight regularizers: a list of scalars.

        >>> layer = ef.layers.Dense(1, kernel_initializer="ones", kernel_regularizer=ef.regularizers.L2(0.5))
        >>> layer.build((None, 3))
        >>> [float(loss) for loss in layer.losses]  # 0.5 * (1 + 1 + 1)
        [1.5]
        """
        found = losses_added(self)
        if self.trainable:
            found += [v.regularizer(v) for v in self.weights if v.regularizer is not None and v.trainable]
        return found


def track(layer: Any, name: str, value: Any) -> Any:
    """Note what an attribute of a layer holds, or a part of its state by a name that no attribute has."""
    value = layer._ef_state.tracked[name] = tracked(value)
    changes.count += 1
    _follow_trainable(layer, value)
    return value


def _set_attribute(layer: Any, name: str, value: Any) -> None:
    """Set an attribute of a layer, and track what it holds."""
    changes.settings += 1
    held = layer._ef_state.tracked
    if value.__class__ in _PLAIN:
        if name in held:
            if isinstance(held[name], Variable) and isinstance(value, (Tensor, numpy.ndarray)):
                warn(
                    f"{describe(layer)}: {name} was a weight, and is {signature_of(value)} now, which is neither "
                    f"trained nor saved. To give the weight these numbers: layer.{name}.assign(values)."
                )
            del held[name]
            changes.count += 1
    elif _worth_tracking(value):
        value = track(layer, name, value)
    elif name in held:
        del held[name]
        changes.count += 1
    try:
        object.__setattr__(layer, name, value)
    except AttributeError:
        if isinstance(getattr(type(layer), name, None), property):  # without a setter: `weights`, `losses`
            held.pop(name, None)
            raise AttributeError(
                f"{type(layer).__name__}.{name} is something that every layer has and can't be set; choose another "
                f"name for your attribute, such as self.my_{name}."
            ) from None
        raise


def gather(layer: Any) -> tuple[list[Variable], list[Any], list[Any], list[SeedGenerator]]:
    """Own variables, sublayers, metrics and seed generators. They are kept until any layer anywhere changes."""
    state: LayerState = layer._ef_state
    if state.gathered[0] != changes.count:
        held = list(state.tracked.values())
        variables = unique([*state.own_weights, *members(held, Variable)])
        layers = [each for each in unique(members(held, WeightHolder)) if each is not layer]
        metrics = unique(m for m in _leaves(held) if is_metric(m))
        seeds = unique(members(held, SeedGenerator))
        state.fixed = fixed = {id(v): state.fixed.get(id(v), not v.trainable) for v in variables}
        ordered = sorted(variables, key=lambda v: fixed[id(v)])  # stable: trainable ones first
        state.gathered = (changes.count, ordered, layers, metrics, seeds)
    return state.gathered[1:]


def sublayers(layer: Any) -> list[Any]:
    """The layers directly in a layer."""
    return gather(layer)[1]


def drop_weight(layer: Any, name: str) -> None:
    """Let go of the weight that an attribute holds."""
    variable, state = layer.__dict__[name], layer._ef_state
    state.own_weights[:] = [v for v in state.own_weights if v is not variable]
    state.switched_off[:] = [v for v in state.switched_off if v is not variable]
    delattr(layer, name)


def _follow_trainable(layer: Any, held: Any) -> None:
    state: LayerState = layer._ef_state
    if not state.trainable:
        for variable in members(held, Variable):
            state.fixed.setdefault(id(variable), not variable.trainable)
            _switch(state, variable, False)


def set_own_trainable(layer: Any, value: bool) -> None:
    """Set `trainable` of a layer without its sublayers."""
    state: LayerState = layer._ef_state
    state.trainable = value
    changes.settings += 1
    for variable in list(state.switched_off) if value else gather(layer)[0]:
        _switch(state, variable, value)


def _switch(state: LayerState, variable: Variable, on: bool) -> None:
    if on:
        state.switched_off[:] = [v for v in state.switched_off if v is not variable]
    elif variable.trainable:
        state.switched_off.append(variable)
    else:
        return
    variable.trainable = on


def _leaves(held: Any, outer: tuple[int, ...] = ()) -> Iterator[Any]:
    """What lists, tuples and dicts hold in the end; one that holds itself is seen once."""
    if not isinstance(held, (dict, list, tuple)):
        yield held
    elif id(held) not in outer:
        for value in held.values() if isinstance(held, dict) else held:
            yield from _leaves(value, (*outer, id(held)))


def _worth_tracking(value: Any) -> bool:
    """Lists and dicts always, for what may be put in later."""
    if isinstance(value, (WeightHolder, Variable, SeedGenerator, list, dict)):
        return True
    return any(_worth_tracking(v) for v in value) if isinstance(value, tuple) else is_metric(value)


def _assign_all(variables: list[Variable], values: Sequence[Any]) -> None:
    for variable, value in zip(variables, values):
        variable.assign(value)


def _transposed(wanted: Any, given: Any) -> str:
    """What to do about a kernel whose axes come the other way round."""
    if len(wanted) != 2 or tuple(given) != tuple(wanted)[::-1]:
        return ""
    return " It is transposed: pass value.T. A kernel is (inputs, units) here, (units, inputs) in PyTorch."
