"""The arguments of a layer's `call` and `build`, read from their signatures once per class."""

from __future__ import annotations

import inspect
import re
from typing import Any
from weakref import WeakKeyDictionary

from eagerflow.base import notebook, tree
from eagerflow.base.errors import did_you_mean, signature_of
from eagerflow.base.legacy import legacy
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import describe

__all__ = ["CallSignature", "call_signature", "check_build_arguments", "check_mode", "needs_shapes"]
__all__ += ["note_layer", "shape_arguments", "shapes_by_argument"]

# Where a function shows a signature that isn't its own, we pass what that has.
_OF_ANOTHER = " Its signature says that it takes that: functools.wraps has shown another function's. Take it, too."
# From Python 3.13 on, it has a proposal of its own.
_REFUSED = re.compile(r"\.call\(\) got an unexpected keyword argument '(\w+)'(?:\. Did you mean '\w+'\?)?$")
_TOO_MANY = re.compile(r"\.call\(\) takes 1 positional argument but \d+ were given$")
_LACKING = re.compile(r"\.call\(\) missing \d+ required positional arguments?: (.*)$")
_ANY = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)


class CallSignature:
    """What there is to know of the method `call` of a class.

    Attributes:
        names: the parameters that arguments by position fill, in order.
        first: the name of the first of them, which masks and input specs are about.
        takes_training: whether there is a parameter `training`, and at which position.
        training_default: its default value.
        masks: `(argument, its mask's parameter)` for the masks that `call` takes.
        computes_mask: whether the class has a `compute_mask` of its own.
        takes_one: whether the first of them is enough.
        written: whether the class has a `call` of its own; `builds`: whether it has a `build`.
    """

    __slots__ = tuple(
        """
        builds computes_mask first masks names signature takes_one takes_training training_default training_position
        written
        """.split()
    )

    def __init__(self, cls: type, base: type) -> None:
        self.signature = inspect.signature(cls.call)  # type: ignore[attr-defined]
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters = list(self.signature.parameters.values())[1:]
        self.names = [p.name for p in parameters if p.kind in kinds]
        self.first = self.names[0] if self.names else ""
        named = {p.name: p for p in parameters}
        self.takes_one = bool(self.names) and all(p.default is not p.empty or p.kind in _ANY for p in parameters[1:])
        self.takes_training = "training" in named
        self.training_default = named["training"].default if self.takes_training else None
        self.training_position = self.names.index("training") if "training" in self.names else len(self.names) + 99
        self.masks = _mask_parameters(self.names, named)
        self.builds = cls.build is not base.build  # type: ignore[attr-defined]
        self.written = cls.call is not base.call  # type: ignore[attr-defined]
        self.computes_mask = cls.compute_mask is not base.compute_mask  # type: ignore[attr-defined]

    def first_of(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The first argument, given by position or by name; None when there is none."""
        return args[0] if args else kwargs.get(self.first)

    def bind(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """All arguments by name, those in `**kwargs` of the signature too.

        Raises:
            TypeError: when they don't fit, with the layer's name and the nearest known parameter.
        """
        if not self.takes_training and "training" in kwargs:  # a mode for the layers inside
            kwargs = {k: v for k, v in kwargs.items() if k != "training"}
        try:
            bound = self.signature.bind(layer, *args, **kwargs).arguments
        except TypeError as error:
            known = list(self.signature.parameters)[1:]
            hint = next((h for k in kwargs if k not in known and (h := did_you_mean(k, known))), "")
            if str(error).startswith("too many") and all(hasattr(x, "dtype") for x in args):
                hint = " Several tensors go into one list: layer([a, b])."
            hint = hint or (_TWICE if self.names[:2] == ["query", "value"] and "'value'" in str(error) else "")
            raise TypeError(
                f"{describe(layer)}: call{_as_called(self.signature)} got the wrong arguments: {error}.{hint}"
            ) from None
        found = dict(list(bound.items())[1:])
        for name, parameter in self.signature.parameters.items():
            if parameter.kind is parameter.VAR_KEYWORD and name in found:
                found.update(found.pop(name))
        return found


_TWICE = " For self-attention give the same tensor twice: layer(x, x)."


def _as_called(signature: inspect.Signature) -> str:
    """`(inputs, training=None)`: without `self` and types, which make it hard to read."""
    parameters = [p.replace(annotation=p.empty) for p in [*signature.parameters.values()][1:]]
    return str(inspect.Signature(parameters))


def _mask_parameters(names: list[str], named: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    """`mask` belongs to the first argument, `value_mask` to `value`."""
    pairs = [(name, f"{name}_mask") for name in names if f"{name}_mask" in named]
    if "mask" in named and names and names[0] != "mask":
        pairs.insert(0, (names[0], "mask"))
    return tuple(pairs)


def call_signature(cls: type, base: type) -> CallSignature:
    """The `CallSignature` of a class, made at its first use."""
    found = cls.__dict__.get("_own_call_signature")
    if found is None:
        found = CallSignature(cls, base)
        cls._own_call_signature = found  # type: ignore[attr-defined]
    return found


def note_layer(error: Exception, layer: Any, args: tuple[Any, ...]) -> None:
    """Say in which layer it happened: once, for the innermost."""
    if not getattr(error, "__notes__", None):
        _suggest_argument(error, layer)
        file, line = layer.created_at
        got = "".join([" on ", ", ".join(signature_of(x) for x in args)]) if args else ""
        place = f"{notebook.cell_names().get(file, file)}:{line}"
        error.add_note(f"In the call of {describe(layer)} (made at {place}){got}.")


def _suggest_argument(error: Exception, layer: Any) -> None:
    """Where Python refused an argument of a layer's `call`, name the class that the user knows, and what it takes."""
    refused = _REFUSED.search(str(error)) if type(error) is TypeError else None
    if refused is not None:
        known = [*layer._ef_state.signature.names, "training"]  # which every layer takes
        said = f"{type(layer).__name__}.call() got an unexpected keyword argument {refused[1]!r}"
        by_position = " Give the inputs by position: layer(x)." if refused[1] in ("x", "X", "input", "data") else ""
        hint = _OF_ANOTHER if refused[1] in known else by_position or did_you_mean(refused[1], known)
        error.args = (f"{said}.{hint}",)
    elif type(error) is TypeError and _TOO_MANY.search(str(error)) and not layer._ef_state.signature.names:
        error.args = (f"{type(layer).__name__}.call() takes no inputs. Write def call(self, inputs).",)
    elif type(error) is TypeError and hasattr(layer, "fit") and (lacking := _LACKING.search(str(error))):
        said = (
            f"{type(layer).__name__}.call() takes {lacking[1]} too, and isn't given it. fit, evaluate and predict "
            "give a model its inputs alone, as one argument: write call(self, inputs); targets go to the loss."
        )
        error.args = (said,)


def check_mode(training: Any) -> None:
    """Refuse data where a layer takes its mode, as in `model(x, y)`.

    Raises:
        TypeError: for a tensor with axes.
    """
    if getattr(training, "ndim", 0):
        raise TypeError(
            f"training: expected True, False or None; got {signature_of(training)}. Several inputs are given in a "
            "list, model([a, b]); targets are no inputs: they go to fit, evaluate or the loss."
        )


def shapes_by_argument(
    signature: CallSignature, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], kinds: Any = Tensor
) -> dict[str, Any]:
    """The shapes of all tensors (or of `kinds`) among the arguments, by the argument's name, nested as it is."""
    if len(args) == 1 and not kwargs and signature.takes_one and isinstance(args[0], kinds):
        return {signature.first: legacy.shape(args[0].shape)}
    given = signature.bind(layer, args, kwargs)
    shapes = {}
    for name, value in given.items():
        leaves = tree.flatten(value)
        if leaves and all(isinstance(leaf, kinds) for leaf in leaves):
            shapes[name] = tree.map_structure(lambda x: legacy.shape(x.shape), value)
    return shapes


_parameters: WeakKeyDictionary[Any, dict[str, inspect.Parameter]] = WeakKeyDictionary()


def _parameters_of(method: Any) -> dict[str, inspect.Parameter]:
    """What a bound method takes; each function is asked once."""
    function = getattr(method, "__func__", None)
    if function is None:
        return dict(inspect.signature(method).parameters)
    found = _parameters.get(function)
    if found is None:
        found = _parameters[function] = dict(inspect.signature(method).parameters)
    return found


def shape_arguments(method: Any, shapes: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments for `build(input_shape)` or `build(query_shape, value_shape)` from shapes by argument."""
    parameters = _parameters_of(method)
    if not shapes or not parameters:
        return (), {}
    wanted = {name: f"{name}_shape" for name in shapes if f"{name}_shape" in parameters}
    named = {parameter: shapes[name] for name, parameter in wanted.items()}
    first = next(iter(shapes))
    if first in wanted or any(p.kind is p.VAR_POSITIONAL for p in parameters.values()):
        return (), named
    return (shapes[first],), {k: v for k, v in named.items() if k != next(iter(parameters), None)}


def check_build_arguments(
    layer: Any, shapes: dict[str, Any], positional: tuple[Any, ...], named: dict[str, Any]
) -> None:
    """Raise ValueError when `build` needs a parameter that no argument of `call` gives a shape for."""
    parameters = _parameters_of(layer.build).values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in _ANY]
    missing = [name for name in needed[len(positional) :] if name not in named]
    if not missing or not shapes:
        return
    raise ValueError(
        f"{describe(layer)}: build needs {missing[0]!r}, for which the call gives no shape. Its "
        f"parameters are named after those of call, as in `<argument>_shape`; here: {[f'{n}_shape' for n in shapes]}."
    )


def needs_shapes(build: Any) -> bool:
    """Whether `build` can't be called without arguments."""
    return any(p.default is p.empty and p.kind not in _ANY for p in _parameters_of(build).values())
