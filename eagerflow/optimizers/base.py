"""`Optimizer`: what all optimizers share — state, clipping, decay of weights, averages, accumulation.

An optimizer of ours is a rule on raw arrays, `rule(xp, w, g, slots, settings, scratch)`, which changes
`w` and the `slots` in place. Rules know nothing of variables or shapes, so that one rule serves a single
variable as well as a flat buffer of many.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from operator import attrgetter, is_not
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypedDict

import numpy

from eagerflow.base.capturing import replayed
from eagerflow.base.config import floatx
from eagerflow.base.config_from_init import automatic, settings_of
from eagerflow.base.errors import missing_attribute, signature_of
from eagerflow.base.machine.subnormals import without_subnormals
from eagerflow.base.origin import creation_site
from eagerflow.base.tracebacks import bound_init, boundary, warn
from eagerflow.base.typing import DType, GradientPairs, Gradients, InitializerLike, Variables
from eagerflow.core.device import device, device_of, namespace_of, place
from eagerflow.core.in_place import Writing, taken_back
from eagerflow.core.observe import clock, scope, state
from eagerflow.core.strategy import active
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable
from eagerflow.optimizers import checks, clipping
from eagerflow.optimizers.averages import Averages
from eagerflow.optimizers.entry import KEPT, Entry, Scratch, constant, look_for_kept, overwritten, slot_initializer
from eagerflow.optimizers.keras_2 import OfKeras2, name_first
from eagerflow.optimizers.minimizing import Minimizing
from eagerflow.optimizers.rate import LearningRate, Rate
from eagerflow.optimizers.signature import show_shared_arguments
from eagerflow.optimizers.stored import StoredState
from eagerflow.optimizers.updates.cached_update import CachedUpdate
from eagerflow.optimizers.updates.fused import FusedUpdates
from eagerflow.optimizers.updates.graphed import GraphedUpdates
from eagerflow.optimizers.updates.passes import Passes, announce_pass, announce_update, as_given

__all__ = ["Optimizer", "Shared"]

_ARRAYS = {numpy.ndarray}
_constraint, _is_overwritten = attrgetter("variable.constraint"), attrgetter("variable.overwrite_with_gradient")


class Shared(TypedDict, total=False):
    """The keyword arguments that all optimizers take."""

    weight_decay: float | None
    clipnorm: float | None
    clipvalue: float | None
    global_clipnorm: float | None
    use_ema: bool
    ema_momentum: float
    ema_overwrite_frequency: int | None
    loss_scale_factor: float | None
    gradient_accumulation_steps: int | None
    name: str | None
    lr: Any  # the learning rate, as Keras 2 spells it
    decay: float  # Keras 2: rate / (1 + decay * iterations)


class Optimizer(StoredState, Minimizing, Averages, OfKeras2):
    """Base class of optimizers.

    To write an optimizer, override `build`, which makes the state with `add_variable_from_reference`, and
    `update_step`. (The subclasses in eagerflow set `slots`, `temporaries`, `rule` and `settings` instead.)

    Args:
        learning_rate: a number of at least 0, a `LearningRateSchedule`, or a function without arguments that
            returns one.
        weight_decay: the fraction, times the learning rate, by which weights shrink before each update.
        clipnorm: if given, each gradient whose norm is larger is scaled down to this norm.
        clipvalue: if given, each element of a gradient is limited to the range from -clipvalue to clipvalue.
        global_clipnorm: if given, all gradients are scaled down together when their common norm is larger.
        use_ema: whether exponential moving averages of the weights are kept, which replace the weights after `fit`.
        ema_momentum: the fraction of the old average that is kept at each step, from 0 to 1.
        ema_overwrite_frequency: the number of steps after which the averages also replace the weights during training;
            None: never.
        loss_scale_factor: the factor that the loss is multiplied by, and the gradients are divided by after
            differentiation.
        gradient_accumulation_steps: the number of steps whose gradients are averaged for one update; None: 1.
        name: the name, shown in traces and configs; default: from the class name.

    Attributes:
        created_at: file and line of the user's code that made the optimizer (`compile`, for one given by its name).

    Raises:
        TypeError: for an unknown argument.
        ValueError: for a setting out of range, or two kinds of clipping.

    >>> import eagerflow as ef
    >>> class Signs(ef.optimizers.Optimizer):  # a custom optimizer: a step of fixed size
    ...     def update_step(self, gradient, variable, learning_rate):
    ...         variable.assign_sub(learning_rate * ef.ops.sign(gradient))
    >>> weight = ef.Variable([1.0, 2.0])
    >>> Signs(0.25).apply([ef.Tensor([4.0, -0.5])], [weight])
    >>> weight.tolist()
    [0.75, 2.25]
    """

    slots: tuple[str, ...] = ()  # names of the rule's state, each shaped like the variable
    temporaries: int = 0  # how many scratch arrays the rule works in
    rule: Callable[..., None] | None = None
    initial_values: tuple[float, ...] = ()  # of the slots, where not zero
    together: int = (
        2  # this many slots of one variable lie next to each other; further ones follow for all (as in Keras)
    )

    created_at: tuple[str, int]

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        self = super().__new__(cls)
        self.created_at = creation_site()
        return self

    def __init_subclass__(cls) -> None:
        """Show the shared arguments in signature and docstring, where a subclass passes them on as `**shared`."""
        show_shared_arguments(cls, Optimizer)
        bound_init(cls)

    if not TYPE_CHECKING:  # to checkers a misspelt name is a mistake

        def __getattr__(self, name: str) -> Any:
            raise missing_attribute(self, name)

    @name_first
    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        owner = type(self).__name__
        if "lr" in kwargs and hasattr(learning_rate, "__iter__"):  # Adam(weights, lr=0.1), as PyTorch has it
            checks.number(owner, "learning_rate", learning_rate)
        learning_rate, decay = kwargs.pop("lr", learning_rate), kwargs.pop("decay", None)  # Keras 2's
        checks.unknown_arguments(type(self), kwargs)
        checks.clipping(owner, clipnorm=clipnorm, clipvalue=clipvalue, global_clipnorm=global_clipnorm)
        self.name = name or _snake_case(owner)
        self.weight_decay = None if weight_decay is None else checks.at_least(owner, "weight_decay", weight_decay)
        self.clipnorm, self.clipvalue, self.global_clipnorm = clipnorm, clipvalue, global_clipnorm
        self.use_ema = bool(use_ema)
        self.ema_momentum = checks.between(owner, "ema_momentum", ema_momentum)
        self.ema_overwrite_frequency = _count(owner, "ema_overwrite_frequency", ema_overwrite_frequency)
        self.loss_scale_factor = (
            None if loss_scale_factor is None else checks.positive(owner, "loss_scale_factor", loss_scale_factor)
        )
        self.gradient_accumulation_steps = _count(
            owner, "gradient_accumulation_steps", gradient_accumulation_steps, lowest=2
        )
        self.built = False
        self._variables = []  # all state, in the order in which it is saved
        self._entries: dict[int, Entry] = {}
        self._scratch = Scratch(self.temporaries)
        self._undecayed: list[Callable[[Variable], bool]] = []
        self._passes = Passes(self.temporaries, self._decays)
        self._fused = FusedUpdates(self.temporaries)
        self._graphed = GraphedUpdates(self.name, self.temporaries)
        with device("cpu"):  # counters and rates steer the program, so they live where it runs
            self._iterations = Variable(0, dtype="int64", trainable=False, name="iteration")
            self._track(self._iterations)
            self._rate = LearningRate(owner, learning_rate, decay or 0.0)
        if self._rate.variable is not None:
            self._track(self._rate.variable)

    # -- state

    @property
    def iterations(self) -> Variable:
        """The number of updates so far, as a variable of one integer.

        >>> optimizer, weight = ef.optimizers.SGD(0.5), ef.Variable(1.0)
        >>> optimizer.apply([2.0], [weight])
        >>> int(optimizer.iterations)
        1
        """
        steps = self.gradient_accumulation_steps
        if not steps:
            return self._iterations
        whole: Any = Tensor(self._iterations.data // steps, "int64")  # which nothing is assigned to
        return whole

    @property
    def learning_rate(self) -> Variable:
        """The present learning rate, which can be assigned unless a schedule determines it.

        >>> optimizer = ef.optimizers.Adam(0.01)
        >>> optimizer.learning_rate = 0.001
        >>> round(float(optimizer.learning_rate), 6)
        0.001
        """
        if self._rate.variable is not None:
            return self._rate.variable
        now: Any = self._rate_of_now()  # a schedule's, which nothing can be assigned to
        return now

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        before = self._rate.variable
        with device("cpu"):
            self._rate.set(value)
        if before is not None and self._rate.variable is None:
            self._variables = [v for v in self._variables if v is not before]

    lr = learning_rate

    @property
    def _asks_users(self) -> bool:
        """Whether code that may be the user's decides the learning rate."""
        return self._rate.asks_users

    @replayed
    def _rate_of_now(self) -> Tensor:
        return Tensor(self._learning_rate(), floatx())

    def build(self, variables: Variables) -> None:
        """Creates the state for `variables`; the first `apply` calls it if needed.

        Args:
            variables: the variables that will be updated.

        >>> optimizer = ef.optimizers.Adam()
        >>> optimizer.build([ef.Variable([1.0, 2.0], name="w")])
        >>> [v.name for v in optimizer.variables]
        ['iteration', 'learning_rate', 'w_momentum', 'w_velocity']
        """
        if not self.built:
            self._add_entries(list(variables))
            self.built = True

    def _add_entries(self, variables: Sequence[Variable]) -> None:
        entries = [Entry(v if isinstance(v, Variable) else self._refuse(v)) for v in variables]
        self._entries.update((e.variable.identity, e) for e in entries)
        for setting, kind in KEPT.items():
            for entry in entries:
                if getattr(self, setting):
                    setattr(entry, kind, self.add_variable_from_reference(entry.variable, kind))
        start = len(self._variables)
        for entry in entries:
            if not entry.variable.overwrite_with_gradient:
                self._add_slots(entry)
        if len(self.slots) > self.together:
            self._variables[start:] = self._in_order(entries)
        self._create_slots(variables)

    def _in_order(self, entries: Sequence[Entry]) -> list[Variable]:
        """The slots of new entries in the order in which Keras has them."""
        first = [slot for entry in entries for slot in entry.slots[: self.together]]
        places = range(self.together, len(self.slots))
        return [*first, *[entry.slots[i] for i in places for entry in entries if entry.slots]]

    def _add_slots(self, entry: Entry) -> None:
        values = self.initial_values or (0.0,) * len(self.slots)
        entry.slots = tuple(
            [
                self.add_variable_from_reference(entry.variable, name, constant(value))
                for name, value in zip(self.slots, values)
            ]
        )

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

    def _get_variable_index(self, variable: Variable) -> int:
        """The place of a variable among those of `build`."""
        return list(self._entries).index(variable.identity)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """For copies and pickles: their variables are others, with other identities."""
        self.__dict__.update(state)
        self._entries = {entry.variable.identity: entry for entry in self._entries.values()}

    # -- one update

    @boundary
    @checks.takes_pairs
    def apply_gradients(self, grads_and_vars: GradientPairs) -> Variable | Any:  # `Any`: an override may give nothing
        """Updates variables by their gradients, given as pairs, and returns `iterations`.

        Args:
            grads_and_vars: pairs of a gradient (or None) and its variable.

        Raises:
            ValueError: when there are none, all gradients are None, or one has another shape than its variable.
            TypeError: for gradients and variables as two arguments, which `apply` takes.

        >>> weight = ef.Variable(1.0)
        >>> with ef.GradientTape() as tape:
        ...     loss = weight**2
        >>> optimizer = ef.optimizers.SGD(0.25)
        >>> iterations = optimizer.apply_gradients([(tape.gradient(loss, weight), weight)])
        >>> float(weight), int(iterations)  # 1 - 0.25 * 2
        (0.5, 1)
        """
        pairs = checks.pairs(type(self).__name__, grads_and_vars)
        self.apply([g for g, _ in pairs], [v for _, v in pairs])
        return self._iterations

    @boundary
    def apply(self, grads: Gradients, trainable_variables: Variables = None) -> None:
        """Updates variables by their gradients.

        Args:
            grads: one tensor (or array, or None) per variable.
            trainable_variables: the variables; default: those given to `build`.

        Raises:
            ValueError: when all gradients are None, the numbers differ, or a gradient has another shape.

        >>> weights = [ef.Variable([1.0, 2.0]), ef.Variable(3.0)]
        >>> ef.optimizers.SGD(0.5).apply([ef.Tensor([1.0, 1.0]), 2.0], weights)
        >>> [w.tolist() for w in weights]
        [[0.5, 1.5], 2.0]
        """
        grads = list(grads)
        variables = self._given(trainable_variables, len(grads))
        if active.shard is None:
            return self._apply_sums(grads, variables)
        return active.shard.apply(self, grads, variables)

    @replayed
    def _apply_sums(self, grads: list[Any], variables: list[Variable]) -> None:
        """Update by gradients that are those of the whole batch."""
        again = self._passes.again
        if again is not None and (arrays := again.arrays(self, grads, variables)) is not None:
            with without_subnormals:
                if state.on:
                    return self._apply_again_announced(again, grads, arrays)
                self._passes.run_again(again, self.settings(self._learning_rate()), arrays)
                return self._iterations.increase(1)
        if not self.built:
            self.build(variables)
        entries, gradients = self._matched(grads, variables)
        with without_subnormals:
            if not state.on:
                return self._apply(entries, gradients)
            with scope("optimizer", self.name, self, as_given(grads, gradients)):
                return self._apply(entries, gradients)

    def _apply_again_announced(self, again: CachedUpdate, grads: list[Any], arrays: list[Any]) -> None:
        with scope("optimizer", self.name, self, grads):
            settings = self.settings(self._learning_rate())
            started = clock() if state.ops else 0
            self._passes.run_again(again, settings, arrays)
            if started:
                announce_pass(f"{self.name}_update", again.packed.entries, arrays, None, started)
            self._iterations.increase(1)

    def _given(self, variables: Iterable[Variable] | None, count: int) -> list[Variable]:
        if variables is None:
            if not self.built:
                raise ValueError(
                    f"{type(self).__name__}.apply(grads): give trainable_variables too, or call build(variables)."
                )
            variables = self._trained()
        if len(found := list(variables)) != count:
            raise ValueError(f"{type(self).__name__}.apply: {count} gradients for {len(found)} variables.")
        return found

    def _trained(self) -> list[Variable]:
        return [entry.variable for entry in self._entries.values()]

    def _matched(self, grads: list[Any], variables: list[Variable]) -> tuple[list[Entry], list[Any]]:
        """The entries that have a gradient, and the gradients as raw arrays of the variables' types."""
        entries, gradients, without = [], [], []
        known = self._entries
        for g, v in zip(grads, variables):
            if g is None:
                without.append(v)
                continue
            entry = known.get(v.identity) if isinstance(v, Variable) else self._refuse(v)
            if entry is None:  # a layer that was built or unfrozen later
                self._add_entries([v])
                entry = known[v.identity]
            array = g.data if isinstance(g, Tensor) else convert_to_tensor(g).data
            if array.dtype is not v.data.dtype or array.shape != v.data.shape:
                array = _fitting(array, v)
            entries.append(entry)
            gradients.append(array)
        if without:
            self._complain(without, bool(entries))
        return entries, gradients

    def _refuse(self, v: Any) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__}: only variables can be trained; got {type(v).__name__} {signature_of(v)}. "
            "Make it one: ef.Variable(values)."
        )

    def _complain(self, without: list[Variable], others: bool) -> None:
        names = ", ".join(v.path for v in without[:5]) + (", ..." if len(without) > 5 else "")
        if not others:
            raise ValueError(f"{type(self).__name__}: no gradient for any variable ({names}). {checks.NO_GRADIENT}")
        warn(f"No gradient for {names}: the loss doesn't depend on {'it' if len(without) == 1 else 'them'}.")

    def _apply(self, entries: list[Entry], gradients: list[Any]) -> None:
        if not any(map(is_not, map(_constraint, entries), repeat(None))):
            return self._change(entries, gradients)
        constrained = [e.variable for e in entries if e.variable.constraint is not None]
        # A constraint is the user's code: if it raises, nothing has happened.
        before = [(v, v.data) for v in (*[e.variable for e in entries], *self._variables)]
        try:
            self._change(entries, gradients)
            for variable in constrained:
                variable.assign(variable.constraint(variable))
        except BaseException:
            for variable, array in before:
                variable.data = array
            raise

    def _change(self, entries: list[Entry], gradients: list[Any]) -> None:
        if self.use_ema or self.gradient_accumulation_steps:
            look_for_kept(self, entries)
        if self.loss_scale_factor is not None:
            gradients = [g / self.loss_scale_factor for g in gradients]
        if any(map(_is_overwritten, entries)):
            steps = self.gradient_accumulation_steps or 1
            entries, gradients = overwritten(entries, gradients, (int(self._iterations.data) + 1) % steps == 0)
        if self.gradient_accumulation_steps:
            gradients = self._accumulated(entries, gradients)
        if gradients:
            self._update(entries, *self._clipped(gradients))
        if self.use_ema:
            self._average()
        self._iterations.increase(1)

    def _accumulated(self, entries: list[Entry], gradients: list[Any]) -> list[Any]:
        """The mean gradients when this step updates, else nothing."""
        steps = self.gradient_accumulation_steps or 1
        complete = (int(self._iterations.data) + 1) % steps == 0
        means = []
        for entry, g in zip(entries, gradients):
            with entry.gradient_accumulator.changing() as total:
                total += g
                if complete:
                    means.append(total / steps)
                    total[...] = 0
        return means

    def _clipped(self, gradients: list[Any]) -> tuple[list[Any], Any]:
        """The gradients, and the number by which all of them are to be multiplied; None for none."""
        if self.clipnorm is not None:
            return [clipping.by_norm(namespace_of(g), g, self.clipnorm) for g in gradients], None
        if self.global_clipnorm is not None:
            xp = namespace_of(*gradients)
            return gradients, clipping.scale_of_global_norm(xp, gradients, self.global_clipnorm)
        if self.clipvalue is not None:
            return [clipping.by_value(namespace_of(g), g, self.clipvalue) for g in gradients], None
        return gradients, None

    def _update(self, entries: list[Entry], gradients: list[Any], scale: Any = None) -> None:
        rate = self._learning_rate()
        own = type(self).update_step is not Optimizer.update_step or self._applies_itself()
        rule = None if own else self.rule
        if getattr(rule, "elementwise", False) and self._at_once(gradients):
            factor = None if scale is None else float(scale)
            decay = (self.weight_decay or 0.0) * rate
            started = clock() if state.ops else 0
            self._passes.run(rule, self.settings(rate), entries, gradients, decay, factor)
            if started:
                announce_pass(f"{self.name}_update", entries, gradients, factor, started)
            return
        if scale is not None:
            gradients = [g * scale.astype(g.dtype) for g in gradients]
        settings = None if rule is None else self.settings(rate)
        if self._fused.update(self, rule, settings, entries, gradients, rate):
            return
        if self._graphed.update(self, rule, settings, entries, gradients, rate):
            return
        if self.weight_decay is not None:
            self._decay(entries, rate)
        for entry, g in zip(entries, gradients):
            started = clock() if state.ops else 0
            if rule is None:
                self.update_step(Tensor(g, None, None), entry.variable, self._rate_beside(g))
            else:
                self._run(rule, entry, g, settings)
            if started:
                announce_update(f"{self.name}_update", entry.variable, g, started, clock())

    def _rate_beside(self, g: Any) -> Any:
        """The learning rate, which lies on the CPU, for arithmetic with a gradient."""
        rate: Any = self.learning_rate
        return rate if isinstance(g, numpy.ndarray) else Tensor(place(rate.data, device_of(g)), None, None)

    def _at_once(self, gradients: list[Any]) -> bool:
        """Whether one pass may go over all variables: on the CPU, and not to be taken back."""
        return set(map(type, gradients)) == _ARRAYS and not taken_back() and getattr(self, "epsilon", 1.0) != 0

    def _run(self, rule: Callable[..., None], entry: Entry, g: Any, settings: Any) -> None:
        """Let a rule change one variable."""
        with Writing((entry.variable, *entry.slots)) as (w, *slots):
            rule(namespace_of(w), w, g, slots, settings, self._scratch.like(w))

    def update_step(self, gradient: Tensor, variable: Variable, learning_rate: Any) -> None:
        """Updates one variable by its gradient. Custom optimizers override this.

        Args:
            gradient: the gradient.
            variable: the variable.
            learning_rate: the learning rate of this step.

        >>> optimizer, weight = ef.optimizers.SGD(), ef.Variable([1.0, 2.0])
        >>> optimizer.build([weight])
        >>> optimizer.update_step(ef.Tensor([1.0, 1.0]), weight, 0.5)
        >>> weight.tolist()
        [0.5, 1.5]
        """
        if self.rule is None or self._applies_itself():
            self._apply_resource(gradient, variable)
        else:
            self._run(self.rule, self._entries[variable.identity], gradient.data, self.settings(float(learning_rate)))

    def _run_own(self, gradient: Tensor, variable: Variable) -> None:
        assert self.rule is not None
        self._run(self.rule, self._entries[variable.identity], gradient.data, self.settings(self._learning_rate()))

    _own_apply, _own_update_step, _own_update = apply, update_step, _update  # which a subclass may have replaced

    def settings(self, rate: float) -> tuple[Any, ...]:
        """The numbers that this step's `rule` is called with.

        Args:
            rate: the learning rate of this step.

        >>> ef.optimizers.SGD().settings(0.5)
        (0.5, 0.0)
        """
        return (rate,)

    @property
    def _step(self) -> int:
        """The number of this update, from 1."""
        return int(self._iterations.data) // (self.gradient_accumulation_steps or 1) + 1

    def _learning_rate(self) -> float:
        return self._rate.value(self._iterations)

    # -- weights

    def _decay(self, entries: list[Entry], rate: float) -> None:
        factor = (self.weight_decay or 0.0) * rate
        for entry in entries:
            if self._decays(entry.variable):
                with entry.variable.changing() as w:
                    w -= w * factor

    def _decays(self, variable: Variable) -> bool:
        return not any(excluded(variable) for excluded in self._undecayed)

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Excludes variables from weight decay.

        Args:
            var_list: the variables to exclude.
            var_names: regular expressions; variables are excluded when one of them is found in their path.

        Raises:
            ValueError: after the optimizer was built.

        >>> kernel, bias = ef.Variable(1.0, name="kernel"), ef.Variable(1.0, name="bias")
        >>> optimizer = ef.optimizers.SGD(0.5, weight_decay=0.5)
        >>> optimizer.exclude_from_weight_decay(var_names=["bias"])
        >>> optimizer.apply([0.0, 0.0], [kernel, bias])
        >>> float(kernel), float(bias)
        (0.75, 1.0)
        """
        if self.built:
            raise ValueError("exclude_from_weight_decay: call it before the optimizer is built (before fit).")
        chosen = {v.identity for v in var_list or ()}
        patterns = [re.compile(text) for text in var_names or ()]
        self._undecayed.append(lambda v: v.identity in chosen or any(p.search(v.path) for p in patterns))

    def scale_loss(self, loss: Any) -> Any:
        """The loss times `loss_scale_factor`.

        Args:
            loss: the loss.

        >>> ef.optimizers.SGD(loss_scale_factor=8.0).scale_loss(0.5)
        4.0
        """
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    # -- for custom optimizers

    def assign(self, variable: Variable, value: Any) -> None:
        """Calls `variable.assign(value)`, as Keras' optimizers do.

        Args:
            variable: the variable.
            value: its new value.

        >>> weight = ef.Variable(1.0)
        >>> ef.optimizers.SGD().assign(weight, 3.0)
        >>> float(weight)
        3.0
        """
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Calls `variable.assign_add(value)`.

        Args:
            variable: the variable.
            value: what is added.

        >>> weight = ef.Variable(1.0)
        >>> ef.optimizers.SGD().assign_add(weight, 3.0)
        >>> float(weight)
        4.0
        """
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Calls `variable.assign_sub(value)`.

        Args:
            variable: the variable.
            value: what is subtracted.

        >>> weight = ef.Variable(1.0)
        >>> ef.optimizers.SGD().assign_sub(weight, 3.0)
        >>> float(weight)
        -2.0
        """
        variable.assign_sub(value)

    def __repr__(self) -> str:
        if "_rate" not in self.__dict__:  # `__init__` has not ended
            return f"<{type(self).__name__}>"
        rate = self._rate.words(self._iterations)
        return f"<{type(self).__name__} learning_rate={rate}, step {int(self.iterations)}>"

    # -- configs

    @automatic
    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal optimizer, as numbers, strings and dicts.

        >>> config = ef.optimizers.SGD(0.5, momentum=0.75).get_config()
        >>> config["learning_rate"], config["momentum"], config["nesterov"]
        (0.5, 0.75, False)
        """
        shared = {name: getattr(self, name) for name in Shared.__annotations__ if name not in ("lr", "decay")}
        decay = {"decay": self._rate.decay} if self._rate.decay else {}
        base = {"name": shared.pop("name"), "learning_rate": self._rate.config(), **shared, **decay}
        return {**base, **{name: value for name, value in settings_of(self).items() if name not in base}}

    if TYPE_CHECKING:  # a subclass may write it without `custom_objects`, as most do

        @classmethod
        def from_config(cls, config: dict[str, Any], *args: Any, **kwargs: Any) -> Optimizer:
            """Creates an optimizer from the dict that `get_config` returned; it has no state yet."""
    else:

        @classmethod
        def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Optimizer:
            """Creates an optimizer from the dict that `get_config` returned; it has no state yet.

            Args:
                config: that dict.
                custom_objects: accepted for Keras' signature.

            >>> config = ef.optimizers.SGD(0.5, momentum=0.75).get_config()
            >>> ef.optimizers.SGD.from_config(config).momentum
            0.75
            """
            return cls(**config)


def _fitting(array: Any, variable: Variable) -> Any:
    if array.shape != variable.shape:
        raise ValueError(
            f"the gradient of {variable.path!r} has shape {array.shape}; its variable has {variable.shape}."
        )
    return array if array.dtype == variable.dtype else array.astype(variable.dtype)


def _count(owner: str, name: str, value: Any, lowest: int = 1) -> int | None:
    return None if value is None else checks.whole(owner, name, value, lowest)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
