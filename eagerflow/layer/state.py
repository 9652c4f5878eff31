"""What operations and layers keep about themselves, in one attribute, so that a user's attributes may have any name.

A layer notes the attributes that can hold layers and variables; lists and dicts are replaced by versions of themselves
which tell when they change. `changes.count` grows with every change anywhere, so that what was gathered once can be
kept until then.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from eagerflow.core.variable import changes

if TYPE_CHECKING:
    import numpy

    from eagerflow.core.variable import Variable
    from eagerflow.layer.arguments import CallSignature
    from eagerflow.layer.dtype_policy import DTypePolicy, DTypePolicyMap

__all__ = ["LayerState", "OperationState", "TrackedDict", "TrackedList", "members", "tracked", "unique"]


class OperationState:
    """The state of an operation, its `_ef_state`.

    Attributes:
        arguments: those that the operation was made with.
        calls: the symbolic calls, by their numbers.
    """

    __slots__ = ("arguments", "calls")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.arguments = args, kwargs
        self.calls: dict[int, weakref.ref[Any]] = {}


class LayerState(OperationState):
    """The state of a layer.

    Attributes:
        signature: what is known of the parameters of `call`.
        begun: whether `Layer.__init__` ran.
        tracked: attributes that hold variables, layers, metrics or seed generators, or lists and dicts.
        own_weights: what `add_weight` made.
        fixed: whether a variable was made untrainable, by its id.
        switched_off: variables that are untrainable because the layer is.
        gathered: what was last found through `tracked`; `all_weights`: with the sublayers'. Each begins with the
            value of `changes.count` then.
        trainable: whether training changes the layer.
        losses: what `add_loss` added in the last call.
        path: the names of the layers around and its own; None until it is built.
        policy: the types of weights and computations; `policies`: the map of policies that it was taken from, if any.
        compute_type: the type that inputs are cast to.
        is_mixed: whether weights have another type than computations.
        is_plain: whether a call needs no scope of a policy, quantization or rematerialization.
        remat_mode: the `RematScope` it was made in.
        building: whether `build` is running; `build_shapes`: its arguments; `fresh`: whether a probe builds something.
        input_types: of a model, where some inputs are text.
        initial_weights, batch_input_shape, input_dtype: the arguments `weights`, `input_shape` and `input_dtype`.
        output_sizes: of the last calls, by which a `RematScope` decides.
        made_in, made_before: see `look_at_new` in `building.py`.
    """

    __slots__ = tuple(
        """
        all_weights batch_input_shape begun build_shapes building compute_type fixed fresh gathered
        initial_weights input_dtype input_types is_mixed is_plain losses made_before made_in output_sizes own_weights
        path policies policy remat_mode signature switched_off tracked trainable
        """.split()
    )

    policy: DTypePolicy  # these three: set by `Layer.__init__`
    is_mixed: bool
    is_plain: bool

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any], signature: CallSignature, remat: Any) -> None:
        super().__init__(args, kwargs)
        self.signature, self.remat_mode = signature, remat
        self.begun = self.building = self.fresh = False
        self.trainable = True
        self.tracked: dict[str, Any] = {}
        self.own_weights: list[Variable] = []
        self.switched_off: list[Variable] = []
        self.losses: list[Any] = []
        self.fixed: dict[int, bool] = {}
        self.gathered: tuple[Any, ...] = (-1,)
        self.all_weights: tuple[int, list[Variable]] = (-1, [])
        self.build_shapes: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})
        self.compute_type: numpy.dtype[Any] | None = None
        self.output_sizes: dict[Any, Any] = {}
        self.made_before: dict[Any, Any] = {}
        self.path: str | None = None
        self.batch_input_shape: tuple[int | None, ...] | None = None
        self.policies: DTypePolicyMap | None = None
        self.input_types = self.initial_weights = self.input_dtype = self.made_in = None

    def kept(self) -> dict[str, Any]:
        """For copies and pickles: without symbolic calls, which enter themselves again, and what the class says."""
        born = [(v, self.fixed[id(v)]) for v in self.gathered[1]]
        left_out = ("all_weights", "calls", "fixed", "gathered", "made_before", "made_in", "signature")
        names = [name for cls in type(self).__mro__ for name in getattr(cls, "__slots__", ()) if name not in left_out]
        return {name: getattr(self, name) for name in names if hasattr(self, name)} | {"born": born}

    def restore(self, kept: dict[str, Any]) -> None:
        """Be as the layer that `kept` is of; a copy has lists of its own."""
        for name, value in kept.items():
            if name != "born":
                setattr(self, name, type(value)(value) if isinstance(value, (list, dict)) else value)
        self.fixed = {id(v): fixed for v, fixed in kept["born"]}


def _telling(method: Callable[..., Any]) -> Callable[..., Any]:
    """The list or dict method, which also notes the change and tracks what is put in."""

    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        changes.count += 1
        return method(self, *[tracked(a) for a in args], **{k: tracked(v) for k, v in kwargs.items()})

    call.__name__ = method.__name__
    call.__doc__ = method.__doc__
    return call


class TrackedList(list[Any]):
    """A list that a layer holds: layers and variables put into it later belong to the layer as well."""

    for _name in "__delitem__ __iadd__ __imul__ __setitem__ append clear extend insert pop remove reverse sort".split():
        locals()[_name] = _telling(getattr(list, _name))

    def __reduce__(self) -> Any:
        return TrackedList, (list(self),)


class TrackedDict(dict[Any, Any]):
    """A dict that a layer holds: layers and variables put into it later belong to the layer as well."""

    for _name in "__delitem__ __ior__ __setitem__ clear pop popitem setdefault update".split():
        locals()[_name] = _telling(getattr(dict, _name))

    def __reduce__(self) -> Any:
        return TrackedDict, (dict(self),)


def tracked(value: Any) -> Any:
    """`value` with its lists and dicts replaced by ones that tell when they change."""
    kind = type(value)
    if kind is list:
        return TrackedList([tracked(v) for v in value])
    if kind is dict:
        return TrackedDict({k: tracked(v) for k, v in value.items()})
    if kind is tuple and any(isinstance(v, (list, dict, tuple)) for v in value):
        return tuple([tracked(v) for v in value])
    return value


def members(held: Any, kind: type | tuple[type, ...], _outer: tuple[int, ...] = ()) -> Iterator[Any]:
    """The objects of `kind` in nested lists, tuples and dicts, in order; one that holds itself is seen once."""
    if isinstance(held, kind):
        yield held
    elif isinstance(held, (dict, list, tuple)) and id(held) not in _outer:
        for value in held.values() if isinstance(held, dict) else held:
            yield from members(value, kind, (*_outer, id(held)))


def unique(things: Any) -> list[Any]:
    """Without repetitions, by identity, in order of first appearance."""
    return list({id(thing): thing for thing in things}.values())
