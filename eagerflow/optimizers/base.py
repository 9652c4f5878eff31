"""`Optimizer`: what all optimizers share — state, clipping, decay of weights, averages, accumulation.

An optimizer of ours is a rule on raw arrays, `rule(xp, w, g, slots, settings, scratch)`, which changes
`w` and the `slots` in place. Rules know nothing of variables or shapes, so that one rule serves a single
variable as well as a flat buffer of many.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Self, TypedDict

from eagerflow.base.capturing import replayed
from eagerflow.base.config import floatx
from eagerflow.base.config_from_init import automatic, settings_of
from eagerflow.base.errors import missing_attribute, signature_of
from eagerflow.base.machine.subnormals import without_subnormals
from eagerflow.base.origin import creation_site
from eagerflow.base.tracebacks import bound_init, boundary
from eagerflow.base.typing import GradientPairs, Gradients, Variables
from eagerflow.core.device import device
from eagerflow.core.observe import scope, state
from eagerflow.core.strategy import active
from eagerflow.core.tensor import Tensor
from eagerflow.core.variable import Variable
from eagerflow.optimizers import checks
from eagerflow.optimizers.averages import Averages
from eagerflow.optimizers.entry import KEPT, Entry, Scratch, constant
from eagerflow.optimizers.minimizing import Minimizing
from eagerflow.optimizers.rate import LearningRate, Rate
from eagerflow.optimizers.signature import show_shared_arguments
from eagerflow.optimizers.stored import StoredState
from eagerflow.optimizers.updates.applying import apply_matched, matched, run_rule, update_variables
from eagerflow.optimizers.updates.fused import FusedUpdates
from eagerflow.optimizers.updates.passes import Passes, as_given

__all__ = ["Optimizer", "Shared"]


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
    decay: float  # Keras 2: rate / (1 + decay * iterations)


class Optimizer(StoredState, Minimizing, Averages):
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

    @boundary
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
        decay = kwargs.pop("decay", None)
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
        if not self.built:
            self.build(variables)
        entries, gradients = matched(self, grads, variables)
        with without_subnormals:
            if not state.on:
                return apply_matched(self, entries, gradients)
            with scope("optimizer", self.name, self, as_given(grads, gradients)):
                return apply_matched(self, entries, gradients)

    @property
    def _has_own_step(self) -> bool:
        """Whether a subclass says how a variable is updated."""
        return type(self).update_step is not Optimizer.update_step

    def _lets_go(self) -> bool:
        """Whether no gradient is held after an update, as an override may do, or a variable that becomes its gradient.

        Captured steps on a GPU then hand over gradients where they lie.
        """
        own = type(self).__module__.startswith("eagerflow.") and not self._has_own_step
        held = self.gradient_accumulation_steps or not self.built
        taken = [entry.variable.overwrite_with_gradient for entry in self._entries.values()]
        return own and not held and not any(taken)

    _apply_sums.__wrapped__.lets_go = _lets_go  # type: ignore[attr-defined] # which captured steps call

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

    def _refuse(self, v: Any) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__}: only variables can be trained; got {type(v).__name__} {signature_of(v)}. "
            "Make it one: ef.Variable(values)."
        )

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
        if self.rule is None:
            raise NotImplementedError(
                f"{type(self).__name__} must override update_step(gradient, variable, learning_rate)."
            )
        settings = self.settings(float(learning_rate))
        run_rule(self, self.rule, self._entries[variable.identity], gradient.data, settings)

    _update = update_variables

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


def _count(owner: str, name: str, value: Any, lowest: int = 1) -> int | None:
    return None if value is None else checks.whole(owner, name, value, lowest)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
