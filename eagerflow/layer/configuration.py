"""Layers to configurations and back, for classes that don't write `get_config` themselves too."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from eagerflow.base.config_from_init import config_class, setting_names, settings_of
from eagerflow.base.serialization import Table, deserialize_keras_object, serialize_keras_object
from eagerflow.core.links import above
from eagerflow.layer.dtype_policy import DTypePolicy, FloatDTypePolicy
from eagerflow.layer.settings import described

__all__ = ["check_layers", "config_of", "described_with_shapes", "enter", "how_to_take", "own_arguments"]
__all__ += ["reader_of", "table"]


class _LayerTable(Table):
    """The table of layers; some have other modules, and so tables, in Keras."""

    def find(self, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
        elsewhere = _elsewhere.get(name)
        return elsewhere.find(name, custom_objects) if elsewhere else super().find(name, custom_objects)


table = _LayerTable("layer", "keras.layers", "eagerflow.layers")
_models = Table("model", "keras", "eagerflow.models")
_elsewhere: dict[str, Table] = {}
# Keras writes the module of these names.
_HOMES = {
    "eagerflow.layer": table,  # and `layers`
    "eagerflow.models.functional": Table("model", "keras.src.models.functional", "eagerflow.models.functional"),
    "eagerflow.models": _models,
}
for _home, (_module, _names) in above.layer_modules.items():
    _HOMES[_home] = Table("layer", _module, _home)
    _elsewhere |= dict.fromkeys(_names.split(), _HOMES[_home])
for _policy in (DTypePolicy, FloatDTypePolicy):  # which Keras writes under the same module
    _models.add()(_policy)


def enter(cls: type) -> None:
    """Make a class of ours known by its name in configurations; users register theirs."""
    known = next((t for prefix, t in _HOMES.items() if cls.__module__.startswith(prefix)), None)
    if known is not None and not cls.__name__.startswith("_"):
        known.add(cls.__name__, name=cls.__dict__.get("_exported_as"))(cls)


def config_of(operation: Any) -> dict[str, Any]:
    """The arguments that make an equal operation, as values that fit into JSON.

    Raises:
        NotImplementedError: when one of these arguments can't be put into JSON.
    """
    base, told = operation._base_config(), settings_of(operation, described)
    if not _is_automatic(type(operation)):
        return base | told  # and what an override adds
    args, kwargs = operation._ef_state.arguments
    given = _named_arguments(type(operation), args, kwargs)
    accepted = _accepted(type(operation))
    base = base if accepted is None else {k: v for k, v in base.items() if k in accepted or k in given}
    return base | {k: _describe_argument(operation, k, v) for k, v in given.items() if k not in base} | told


def own_arguments(model: Any) -> dict[str, Any]:
    """The keyword arguments of a graph model besides its ends; none for a class with its own `get_config`."""
    if not _is_automatic(type(model)):
        return {}
    known = ("inputs", "outputs", "name", "trainable", "dtype")
    given = model._ef_state.arguments[1]
    return {k: _describe_argument(model, k, v) for k, v in given.items() if k not in known}


def _describe_argument(operation: Any, argument: str, value: Any) -> Any:
    try:
        return serialize_keras_object(value)
    except TypeError as error:
        raise NotImplementedError(
            f"{type(operation).__name__} needs a get_config() method: its argument {argument!r} "
            f"({type(value).__name__}) can't be described. ({error})"
        ) from None


def how_to_take(cls: type, refusal: str) -> str:
    """What makes `__init__` take what `get_config` tells."""
    if re.search(r"unexpected keyword argument '(name|trainable|dtype)'", refusal):
        own = [name for name in list(inspect.signature(cls.__init__).parameters)[1:] if name != "kwargs"]  # type: ignore[misc]
        taken = ", ".join(["self", *own, "**kwargs"])
        return f"Hand on what all layers take: def __init__({taken}): super().__init__(**kwargs)."
    return "When __init__ takes other arguments than get_config tells, override both get_config and from_config."


def reader_of(cls: type) -> Callable[[Any], Any]:
    """What makes arguments of their descriptions: a class that describes them itself also reads them itself."""
    return _made if _is_automatic(cls) else _unchanged


def _is_automatic(cls: type) -> bool:
    """Whether configurations are made of the arguments given: the class of the `__init__` doesn't tell its settings."""
    for ancestor in cls.__mro__:
        if "get_config" in ancestor.__dict__:
            return hasattr(ancestor.__dict__["get_config"], "automatic")
        if "__init__" in ancestor.__dict__:
            return config_class(ancestor) is not ancestor or not setting_names(ancestor)
    return True


def described_with_shapes(layer: Any) -> dict[str, Any]:
    """A layer's description, with the shapes that it was built for."""
    described: dict[str, Any] = serialize_keras_object(layer)
    build_config = layer.get_build_config() if hasattr(layer, "get_build_config") else None
    return described | ({"build_config": build_config} if build_config else {})


def _unchanged(value: Any) -> Any:
    return value


def _made(value: Any) -> Any:
    if isinstance(value, Mapping):
        return deserialize_keras_object(dict(value)) if "class_name" in value else value
    return [_made(v) for v in value] if isinstance(value, list) else value


def _named_arguments(cls: type, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    signature = inspect.signature(cls.__init__)  # type: ignore[misc]
    bound = dict(list(signature.bind(None, *args, **kwargs).arguments.items())[1:])
    for name, parameter in signature.parameters.items():  # plain defaults too: another version may have others
        if name not in bound and name != "name" and isinstance(parameter.default, (bool, int, float, str)):
            bound[name] = parameter.default
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            bound.update(bound.pop(name, {}))
        elif parameter.kind is parameter.VAR_POSITIONAL and bound.pop(name, ()):
            raise NotImplementedError(
                f"{cls.__name__} needs a get_config() method: its __init__ takes any number of arguments by position."
            )
    return bound


def _accepted(cls: type) -> set[str] | None:
    """The arguments by name that `__init__` takes; None when it takes any."""
    parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return None
    return set(parameters)


def check_layers(layers: Any, cls: type) -> None:
    """Raise unless these are descriptions of layers.

    Raises:
        ValueError: saying what came instead.
    """
    wrong = layers if not isinstance(layers, list) else next((x for x in layers if not isinstance(x, dict)), None)
    if not isinstance(layers, list) or wrong is not None:
        raise ValueError(
            f"{cls.__name__}.from_config: its 'layers' must be a list of configurations of layers; found {wrong!r:.80}."
        )
