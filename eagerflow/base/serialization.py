"""Objects to configurations and back, by closed tables of names: no code of others is ever imported or run for a name.

The format is Keras 3's: `{"module": "keras.layers", "class_name": "Dense", "config": {...},
"registered_name": None}`. A `module` string is written for Keras' sake; when read, it only tells what is the user's own
from what is built in and has the same name.
"""

from __future__ import annotations

import contextlib
import contextvars
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib import import_module
from types import FunctionType, MappingProxyType
from typing import Any, TypeVar

import numpy

from eagerflow.base.config import unsafe_deserialization
from eagerflow.base.errors import UnknownNameError, WrongTypeError, cut, did_you_mean
from eagerflow.base.machine.budget import DEEPEST, nests_deeper, step
from eagerflow.base.shared_objects import Made, made_together, number_of, numbers_shared, reading, shared_number
from eagerflow.base.text.hints import hint_for
from eagerflow.base.typing import Configuration

__all__ = ["CustomObjectScope", "Table", "as_json", "custom_object_scope", "deserialize_keras_object"]
__all__ += ["get_custom_objects", "get_registered_name", "get_registered_object"]
__all__ += ["made_from", "made_from_settings", "made_like", "refuse_path", "register_keras_serializable"]
__all__ += ["serialize_keras_object", "tables"]

T = TypeVar("T")  # what decorators give back as it is
_FEW = 6  # names of a kind that are all listed if an unknown one resembles none of them
_LIBRARIES = frozenset({"builtins", "eagerflow", "keras", "tensorflow", "tf_keras"})  # whose names may be ours
_NUMBERS = frozenset("bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64".split())
_registered: dict[str, Any] = {}  # "package>Name" -> class or function
_names: dict[Any, str] = {}
_global_objects: dict[str, Any] = {}
_source: contextvars.ContextVar[tuple[str, bool] | None] = contextvars.ContextVar("source", default=None)
_scoped: contextvars.ContextVar[Mapping[str, Any]] = contextvars.ContextVar(
    "custom_objects", default=MappingProxyType({})
)

# Every table of built-in things by the Keras module it stands for ("keras.layers").
tables: dict[str, Table] = {}


def _own_name(thing: Any) -> str:
    return str(thing.__name__)


class Table:
    """The built-in classes and functions of one kind, by name.

    Args:
        kind: what a message calls them: `"loss"`, `"activation"`.
        module: the Keras module they are written under: `"keras.losses"`.
        package: ours that has them, where some of its names load only when they are first asked for.

    >>> shapes = Table("shape", "example.shapes")
    >>> @shapes.add("round")
    ... class Circle:
    ...     pass
    >>> shapes.find("Circle") is shapes.find("round")
    True
    """

    def __init__(self, kind: str, module: str, package: str = "") -> None:
        self.kind = kind
        self.module = module
        self.package = package
        self._entries: dict[str, Any] = {}
        self._own_name: dict[Any, str] = {}
        tables[module] = self

    def add(self, *aliases: str, name: str | None = None) -> Callable[[T], T]:
        """A decorator that enters a class or function under its own name and `aliases`."""

        def enter(thing: T) -> T:
            own = name or _own_name(thing)
            for key in (own, *aliases):
                self._entries[key] = thing
            self._own_name.setdefault(thing, own)
            return thing

        return enter

    @property
    def entries(self) -> dict[str, Any]:
        """All of them by name."""
        self._load(lambda name: True)
        return self._entries

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._entry(name) is not None

    def _entry(self, name: str) -> Any:
        """What is built in under a name; its module loads now if it hasn't yet."""
        plain = name.replace("_", "").lower()  # "mean_io_u" and "adam" are names of MeanIoU and Adam
        if name not in self._entries:
            self._load(lambda public: public.lower() == plain)
        return self._entries.get(name) or self.entries.get(name)

    def _load(self, wanted: Callable[[str], bool]) -> None:
        if self.package:
            package = import_module(self.package)
            for name in filter(wanted, dir(package)):
                getattr(package, name)

    def name_of(self, thing: Any) -> str | None:
        """The name of a built-in class or function, None for others."""
        try:
            return self._own_name.get(thing)
        except TypeError:  # unhashable: certainly not ours
            return None

    def find(self, name: str, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """What `name` stands for: custom objects first, then ours, then what was registered in some package.

        Raises:
            UnknownNameError: with the nearest known name.
        """
        found = _custom(name, custom_objects)
        if found is None:
            found = self._entry(name)  # before "package>name": nobody's "mse" replaces ours unasked
        if found is None:
            found = _without_package(name)
        if found is None:
            known = [*self.entries, *_custom_names(custom_objects)]
            hint = "" if _from_a_file() else hint_for("name", self.kind, name.lower().rstrip("_"))
            if hint:
                raise UnknownNameError(f"Unknown {self.kind} {name!r:.80}.{hint}")
            guess = _guess(name, known) or self._all_of_few()
            raise UnknownNameError(
                f"Unknown {self.kind} {name!r:.80}.{guess} For one of your own, pass the object "
                "itself, or register it with register_keras_serializable or custom_object_scope."
            )
        return found

    def _all_of_few(self) -> str:
        """The names of all that there is, where that is little; none while a file is read, as `_guess`."""
        first = {id(thing): name for name, thing in reversed(self.entries.items())}
        few = not _from_a_file() and len(first) <= _FEW
        return f" There are {', '.join(sorted(map(repr, first.values())))}." if few else ""

    def get(self, identifier: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The object for an identifier: a name (a class is then called without arguments), a config, or itself.

        Raises:
            UnknownNameError: for an unknown name.
            TypeError: for anything else.
        """
        if identifier is None:
            return None
        if isinstance(identifier, str):
            found = self.find(identifier, custom_objects)
            return found() if isinstance(found, type) else found
        if isinstance(identifier, Mapping):
            return self.deserialize(identifier, custom_objects)
        if isinstance(identifier, type):
            return identifier()
        if callable(identifier) or hasattr(identifier, "get_config"):
            return identifier
        article = "An" if self.kind[0] in "aeiou" else "A"
        raise TypeError(
            f"{article} {self.kind} is a name, an object or a config; "
            f"got {type(identifier).__name__} {identifier!r:.80}."
        )

    def serialize(self, thing: Any) -> Any:
        """The config of an object; the name alone for one of our functions; None for None."""
        if thing is None:
            return None
        own = self.name_of(thing)
        if own is not None and not isinstance(thing, type):
            return own
        return serialize_keras_object(thing)

    def deserialize(self, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """The object of a config (a name or a mapping with `class_name` and `config`)."""
        if config is None or isinstance(config, str):
            return self.get(config, custom_objects)
        if not isinstance(config, Mapping) or "class_name" not in config:
            raise ValueError(f"The config of a {self.kind} needs 'class_name' and 'config'; got {config!r:.200}.")
        if _source.get() is None:
            with made_from(""):
                return self.deserialize(config, custom_objects)
        _refuse_namesake(config, custom_objects)
        if config["class_name"] == "function":
            return self.find(str(config["config"]), custom_objects)
        name = str(config.get("registered_name") or config["class_name"])
        other = tables.get(str(config.get("module")), self)
        if other is not self and name not in self and name in other:
            return other.deserialize(config, custom_objects)  # a layer as an activation
        return _build(self.find(name, custom_objects), config, custom_objects)


def _custom(name: str, custom_objects: Mapping[str, Any] | None) -> Any:
    """What the user called so; a registered thing without its package comes last, by `_without_package`."""
    for known in (custom_objects or {}, _scoped.get(), _global_objects, _registered):
        if name in known:
            return known[name]
    return None


def _without_package(name: str) -> Any:
    short = {key.rpartition(">")[2]: thing for key, thing in _registered.items()}
    return short.get(name)


def _custom_names(custom_objects: Mapping[str, Any] | None) -> list[str]:
    return [*(custom_objects or {}), *_scoped.get(), *_global_objects, *_registered]


def made_like(thing: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
    """A new object like `thing`, by its config; its class need not be registered."""
    return _build(type(thing), serialize_keras_object(thing), custom_objects)


def _build(cls: Any, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None) -> Any:
    made = reading()
    if made is None:
        with made_together():
            return _build(cls, config, custom_objects)
    number, settings = number_of(config), config.get("config")
    if not isinstance(number, int) or not isinstance(settings, Mapping):
        return _build_alone(made, cls, config, custom_objects)
    key = number, cls, str(settings.get("name"))  # a config in this one may have numbers of its own
    if key not in made.by_number:
        made.by_number[key] = _build_alone(made, cls, config, custom_objects)
    return made.by_number[key]


def _build_alone(here: Made, cls: Any, config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None) -> Any:
    step(2)
    settings = config.get("config") or {}
    if not isinstance(settings, Mapping):
        raise WrongTypeError(
            f"The config of {config['class_name']!s:.80} must be a mapping; got {type(settings).__name__}."
        )
    try:
        with custom_object_scope(custom_objects or {}):
            here.handed = own = dict(settings)
            made = cls.from_config(own) if hasattr(cls, "from_config") else cls(**settings)
    except (TypeError, ValueError) as error:
        cut(error)  # it may quote what the config holds, at any length
        raise
    except RecursionError:
        if not nests_deeper(settings, DEEPEST):
            raise
        raise ValueError(f"A config nests more than {DEEPEST} levels deep, which no model does.") from None
    build_config = config.get("build_config")
    if build_config and hasattr(made, "build_from_config"):
        made.build_from_config(build_config)
    return made


@contextlib.contextmanager
def made_from(file: str, safe_mode: bool = True) -> Iterator[None]:
    """Objects made inside the block are described by a file.

    Args:
        file: its name; "" for a configuration that a program hands over.
        safe_mode: whether the objects may name no other file of this machine.
    """
    token = _source.set((file, safe_mode))
    try:
        yield
    finally:
        _source.reset(token)


@contextlib.contextmanager
def made_from_settings() -> Iterator[None]:
    """Objects made inside the block are described by a configuration, whatever it is that reads this."""
    with contextlib.nullcontext() if _source.get() else made_from(""):
        yield


def refuse_path(owner: str, argument: str, path: Any) -> None:
    """Raise if an object that is being made from a file would read another file.

    The content of any file that the user may read would become a part of the model, and leave with it.

    Raises:
        ValueError: inside `made_from` and `made_from_settings`.
    """
    source = _source.get()
    if source is not None and source[1] and not unsafe_deserialization():
        raise ValueError(
            f"{owner}({argument}={str(path)!r:.100}): the model names a file of the machine that loads it, and would "
            f"take in what stands there. If you trust it, pass safe_mode=False where it is loaded; better, have it "
            f"saved again with {argument} given as a list."
        )


def _from_a_file() -> bool:
    return bool((_source.get() or ("", True))[0])


def _guess(name: str, known: Iterable[str]) -> str:
    """The nearest known name, for people: a program doesn't mistype, and what it names may be meant to harm."""
    return "" if _from_a_file() else did_you_mean(name, list(known))


class CustomObjectScope:
    """A block inside which custom classes and functions are found by name, as when models are loaded.

    Args:
        custom_objects: a dict from names to classes and functions.

    >>> with ef.saving.CustomObjectScope({"twice": lambda x: 2 * x}):
    ...     ef.saving.get_registered_object("twice")(4)
    8
    """

    def __init__(self, custom_objects: Mapping[str, Any]) -> None:
        self.custom_objects = custom_objects or {}
        self.backup: Mapping[str, Any] | None = None

    def __enter__(self) -> CustomObjectScope:
        self.backup = _scoped.get()
        _scoped.set({**self.backup, **self.custom_objects})
        return self

    def __exit__(self, *args: object, **kwargs: object) -> None:
        _scoped.set(self.backup or {})


custom_object_scope = CustomObjectScope


def get_custom_objects() -> dict[str, Any]:
    """The global dict from names to custom classes and functions; change it in place.

    >>> def double(x):
    ...     return 2 * x
    >>> ef.saving.get_custom_objects()["double"] = double
    >>> ef.layers.Activation("double")(ef.Tensor([1.0, 2.0])).tolist()
    [2.0, 4.0]
    >>> del ef.saving.get_custom_objects()["double"]
    """
    return _global_objects


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator that registers a custom class or function as `"package>name"`, so that saved models can be loaded.

    Args:
        package: the first part of the name.
        name: the second part; default: the name of the class or function.

    Raises:
        ValueError: for a class without `get_config`.
        TypeError: when it is used without parentheses: write `@register_keras_serializable()`.

    >>> @ef.saving.register_keras_serializable(package="mine")
    ... class Double(ef.layers.Layer):
    ...     def call(self, inputs):
    ...         return 2 * inputs
    >>> ef.saving.get_registered_name(Double)
    'mine>Double'
    >>> config = ef.saving.serialize_keras_object(Double())
    >>> ef.saving.deserialize_keras_object(config)(ef.Tensor([1.0, 2.0])).tolist()
    [2.0, 4.0]
    """
    if callable(package):
        raise TypeError("register_keras_serializable: write @register_keras_serializable(), with parentheses.")

    def decorate(thing: T) -> T:
        full = f"{package}>{name or _own_name(thing)}"
        if isinstance(thing, type) and not hasattr(thing, "get_config"):
            raise ValueError(f"register_keras_serializable: class {thing.__name__} needs a get_config() method.")
        _registered[full] = thing
        _names[thing] = full
        return thing

    return decorate


def get_registered_name(obj: Any) -> str:
    """The name under which `obj` was registered, else its own.

    Args:
        obj: a class or function.

    >>> @ef.saving.register_keras_serializable(package="mine")
    ... class Scaled(ef.layers.Layer):
    ...     pass
    >>> ef.saving.get_registered_name(Scaled), ef.saving.get_registered_name(ef.layers.Dense)
    ('mine>Scaled', 'Dense')
    """
    try:
        return _names.get(obj, obj.__name__)
    except TypeError:
        return str(obj.__name__)


def get_registered_object(
    name: str, custom_objects: Mapping[str, Any] | None = None, module_objects: Mapping[str, Any] | None = None
) -> type | Callable[..., Any] | None:
    """The custom class or function registered as `name`, None when there is none.

    Args:
        name: the registered name, such as `"package>name"`.
        custom_objects: a dict of custom classes and functions by name, searched first.
        module_objects: more of them, which are searched last.

    >>> @ef.saving.register_keras_serializable(package="mine")
    ... def triple(x):
    ...     return 3 * x
    >>> ef.saving.get_registered_object("mine>triple") is triple
    True
    >>> ef.saving.get_registered_object("mine>nothing") is None
    True
    """
    found = _custom(name, custom_objects)
    if found is None:
        found = (module_objects or {}).get(name)
    return _without_package(name) if found is None else found


def serialize_keras_object(obj: Any) -> Configuration:
    """Describes an object, function or nested structure as values that fit into JSON.

    Args:
        obj: an object with `get_config`, a function, a number, a string, or a nested structure of those.

    Raises:
        TypeError: for an object without `get_config`.

    >>> config = ef.saving.serialize_keras_object(ef.layers.Dropout(0.5, seed=1))
    >>> config["class_name"], config["config"]["rate"]
    ('Dropout', 0.5)
    """
    if obj is None or isinstance(obj, (str, bool, int, float)):
        return obj
    if isinstance(obj, (list, tuple)):
        return [serialize_keras_object(x) for x in obj]
    if isinstance(obj, dict):
        return {str(k): serialize_keras_object(v) for k, v in obj.items()}
    if hasattr(obj, "get_config") and not isinstance(obj, type):
        return _describe(obj)
    if hasattr(obj, "dtype") and hasattr(obj, "tolist"):
        return obj.tolist()
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode()}}
    if isinstance(obj, slice):
        places = {name: serialize_keras_object(getattr(obj, name)) for name in ("start", "stop", "step")}
        return {"class_name": "__slice__", "config": places}
    if callable(obj):
        name = get_registered_name(obj)
        module = "builtins" if _built_in(name) in (None, obj) else str(obj.__module__)
        return {"module": module, "class_name": "function", "config": name, "registered_name": name}
    raise TypeError(f"cannot describe a {type(obj).__name__} in a config: give its class a get_config() method.")


def as_json(config: Any, **kwargs: Any) -> str:
    """A configuration as JSON text.

    NumPy's numbers and arrays, and tensors, are written as plain numbers and lists; functions of eagerflow, such as
    `activations.relu`, by their names.

    Args:
        config: the configuration.
        **kwargs: passed on to `json.dumps`.

    Raises:
        TypeError: for a value that JSON can't hold, such as a lambda.
    """
    return json.dumps(config, **{"default": _json_value, **kwargs})


def _json_value(value: Any) -> Any:
    name = getattr(value, "__name__", "")
    if isinstance(value, FunctionType) and name.isidentifier() and value.__module__.startswith("eagerflow."):
        return name  # by which layers find it: activations.get("relu")
    if hasattr(value, "dtype") and hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


@numbers_shared
def _describe(obj: Any) -> dict[str, Any]:
    cls = type(obj)
    found = next(((table, own) for table in tables.values() if (own := table.name_of(cls)) is not None), None)
    if found is not None:
        config = _described(found[0].module, found[1], _settings(obj.get_config()), None)
    else:
        config = _described(cls.__module__, cls.__name__, _settings(obj.get_config()), get_registered_name(cls))
    if getattr(obj, "_stays_shared", False):
        config |= shared_number(obj)
    return config


def _settings(config: Any) -> Any:
    """A configuration whose objects (such as a wrapped layer) are serialized, too."""
    if isinstance(config, dict):
        return {k: _settings(v) for k, v in config.items()}
    if isinstance(config, (list, tuple)) and type(config) in (list, tuple):
        return type(config)(_settings(v) for v in config)
    return _describe(config) if hasattr(config, "get_config") and not isinstance(config, type) else config


def _described(module: str, name: str, config: Any, registered: str | None) -> dict[str, Any]:
    return {"module": module, "class_name": name, "config": config, "registered_name": registered}


def _array(config: Mapping[str, Any]) -> numpy.ndarray:
    dtype = str(config.get("dtype"))
    return numpy.array(config["value"], dtype if dtype in _NUMBERS else None)


# Python's own objects and arrays, under the names that Keras has for them.
_PYTHON: dict[str, Callable[[Mapping[str, Any]], Any]] = {
    "__ellipsis__": lambda config: Ellipsis,
    "__bytes__": lambda config: str(config["value"]).encode(),
    "__numpy__": _array,
    "__tensor__": _array,
    "__slice__": lambda config: slice(config.get("start"), config.get("stop"), config.get("step")),
}


def deserialize_keras_object(
    config: Any, custom_objects: Mapping[str, Any] | None = None, safe_mode: bool = True, **kwargs: Any
) -> Any:
    """Creates an object from the configuration that `serialize_keras_object` returned.

    Args:
        config: that configuration.
        custom_objects: custom classes and functions by name, which are searched first.
        safe_mode: whether objects may name no files of this machine, such as that of a vocabulary. Code in a
            configuration is never run.
        **kwargs: `module_objects`, more classes and functions by name, with which `config` may be a name alone; others
            are accepted for Keras' signature.

    Raises:
        UnknownNameError: for a class or function that is neither built in nor registered.

    >>> config = ef.saving.serialize_keras_object(ef.layers.Dense(4, activation="relu"))
    >>> layer = ef.saving.deserialize_keras_object(config)
    >>> layer.units, layer(ef.ops.ones((2, 3))).shape
    (4, (2, 4))
    """
    module_objects = kwargs.get("module_objects")
    if _source.get() is None:
        with made_from("", safe_mode):
            return deserialize_keras_object(config, custom_objects, module_objects=module_objects)
    if isinstance(config, list):
        return [deserialize_keras_object(x, custom_objects, module_objects=module_objects) for x in config]
    if module_objects is not None:
        name = config.get("class_name") if isinstance(config, dict) else config
        if isinstance(name, str) and name in module_objects:
            custom_objects = {name: module_objects[name], **(custom_objects or {})}
        if isinstance(config, str):
            is_class = isinstance((custom_objects or {}).get(config), type)
            config = {"class_name": config} if is_class else {"class_name": "function", "config": config}
    if not isinstance(config, dict) or "class_name" not in config:
        return config
    table = tables.get(str(config.get("module")))
    if table is not None:
        return table.deserialize(config, custom_objects)
    python = _PYTHON.get(str(config["class_name"]))
    if python is not None:
        return python(config.get("config") or {})
    name = str(config.get("registered_name") or config["class_name"])
    if config["class_name"] == "function":
        if not isinstance(config.get("config"), str):
            raise WrongTypeError(
                f"The config of a function must be its name; got {type(config.get('config')).__name__}."
            )
        name = config["config"]
    found = _custom(name, custom_objects)
    if found is None:
        _check_registered(config)
        _refuse_namesake(config, custom_objects)
        found = _built_in(name) or _without_package(name)
    if found is None:
        known = [*_custom_names(custom_objects), *[n for t in tables.values() for n in t.entries]]
        raise UnknownNameError(
            f"Unknown object {name!r:.80}.{_guess(name, known)} If it is your own, register it with "
            "register_keras_serializable or pass custom_objects={...}."
        )
    return found if config["class_name"] == "function" else _build(found, config, custom_objects)


def _check_registered(config: Mapping[str, Any]) -> None:
    """A function that was registered under another name is no function of ours, though it be called like one.

    Raises:
        ValueError: naming both.
    """
    registered = config.get("registered_name")
    if config["class_name"] == "function" and registered and registered not in ("function", config["config"]):
        raise ValueError(
            f"The function {config['config']!r:.80} was registered as {registered!r:.80}, which isn't known here. "
            "Register it with register_keras_serializable or pass custom_objects={...}."
        )


def _refuse_namesake(config: Mapping[str, Any], custom_objects: Mapping[str, Any] | None) -> None:
    """Refuse to read an object from a user's module as the built-in one of the same name.

    Raises:
        UnknownNameError: if nobody has registered it.
    """
    own, module = str(config.get("registered_name") or ""), str(config.get("module") or "")
    if not own or module.partition(".")[0] in _LIBRARIES or _built_in(own) is None:
        return
    if _custom(own, custom_objects) is None and _without_package(own) is None:
        kind = "function" if config["class_name"] == "function" else "class"
        where = f" of the module {module!r:.80}" if module else ""
        raise UnknownNameError(
            f"{own!r:.80} is a {kind}{where} here, and not the built-in one of the same name. Register yours "
            f"with register_keras_serializable or pass custom_objects={{{own!r:.80}: ...}}."
        )


def _built_in(name: str) -> Any:
    return next((t.entries[name] for t in [*tables.values()] if name in t.entries), None)
