"""Our exceptions, and helpers for the wording of messages."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from eagerflow.base.text.hints import did_you_mean, hint_for, nearest

__all__ = ["DeviceError", "MissingAttributeError", "MissingFileError", "NoValueError", "NotBegunError", "TapeError"]
__all__ += ["UnknownNameError", "WrongPlaceError", "WrongTypeError", "a_kind", "cut", "did_you_mean", "expect_one_of"]
__all__ += ["holds_itself", "missing_attribute", "nearest", "no_attribute", "signature_of"]


class DeviceError(ValueError):
    """Raised when an op gets tensors from different devices, or when a device doesn't exist.

    >>> try:
    ...     ef.set_default_device("gpu:99")
    ... except (ef.DeviceError, ImportError):
    ...     print("no such GPU")
    no such GPU
    """


class TapeError(RuntimeError):
    """Raised when a `GradientTape` is used in an order that can't work, such as for a gradient before it has recorded.

    >>> tape = ef.GradientTape()
    >>> tape.gradient(ef.Tensor(1.0), ef.Variable(1.0))
    Traceback (most recent call last):
        ...
    eagerflow.base.errors.TapeError: gradient(): this GradientTape recorded nothing. ...
    """


class UnknownNameError(ValueError):
    """Raised for an unknown name of a loss, an activation, a device and the like; the message suggests the nearest one.

    >>> ef.activations.get("rleu")
    Traceback (most recent call last):
        ...
    eagerflow.base.errors.UnknownNameError: Unknown activation 'rleu'. Did you mean 'relu'? ...
    """


class NotBegunError(AttributeError, RuntimeError):
    """An attribute that `__init__` sets, of an object whose class never called it; `hasattr` says that it isn't there.

    >>> issubclass(NotBegunError, RuntimeError)
    True
    """


class MissingAttributeError(AttributeError):
    """An attribute that an object doesn't have. The hint is made when the message is read.

    Most of these errors are never read: `hasattr`, and `getattr` with a default, only ask whether there is one.

    Args:
        owner: the object.
        name: the name of the attribute.

    >>> layer = ef.layers.Dense(3)
    >>> layer.activtion
    Traceback (most recent call last):
        ...
    eagerflow.base.errors.MissingAttributeError: 'Dense' object has no attribute 'activtion'. Did you mean 'activation'?
    """

    def __init__(self, owner: object, name: str) -> None:
        message = f"{type(owner).__name__!r} object has no attribute {name!r}"
        super().__init__(message, name=name, obj=None)  # Python adds no suggestion of its own to ours
        self._owner = owner

    def __str__(self) -> str:
        """The message with its hint."""
        told = super().__str__()
        if self.name is None or self.name.startswith("_"):
            return told
        known = [each for each in dir(self._owner) if not each.startswith("_")]
        hint = hint_for("attribute", self._owner, self.name, known)
        return f"{told}.{hint}" if hint else told

    def __reduce__(self) -> tuple[type[AttributeError], tuple[str]]:
        """Without the object, in which there may be anything."""
        return AttributeError, (str(self),)


class UnknownArgumentError(TypeError, ValueError):
    """An argument that a constructor doesn't take: a TypeError, as Python's own, and a ValueError, as Keras'."""


class WrongTypeError(TypeError, ValueError):
    """A value of the wrong type: a TypeError, as Python's own, and a ValueError, as Keras' often is.

    >>> from eagerflow.base.errors import WrongTypeError
    >>> issubclass(WrongTypeError, TypeError), issubclass(WrongTypeError, ValueError)
    (True, True)
    """


class WrongPlaceError(ValueError, KeyError):
    """A key that leads to nothing in a structure: a ValueError, and a KeyError, as Keras' is."""

    __str__ = Exception.__str__  # a KeyError would show its message in quotes


class NoValueError(TypeError, ValueError, NotImplementedError):
    """A symbolic tensor was asked for its values: one of these in Keras, by the kind of question."""


class CapturedError(ValueError, TypeError):
    """A layer's call uses symbolic tensors that aren't among its arguments."""


class NoLengthError(NoValueError, AttributeError):
    """The same for `len()`, which symbolic tensors don't have, so that `hasattr(x, "__len__")` is False."""


class MissingFileError(FileNotFoundError, ValueError):
    """A file that isn't there: a FileNotFoundError, as Python's own, and a ValueError, as Keras' is."""


def expect_one_of(where: str, name: str, value: object, known: Collection[Any]) -> None:
    """Refuse an argument that isn't one of the known values.

    Args:
        where: the function or class that it is an argument of; may be empty.
        name: the argument's.
        value: its value.
        known: what may be given.

    Raises:
        ValueError: with the nearest known value.

    >>> expect_one_of("Conv2D", "padding", "sane", ("valid", "same"))
    Traceback (most recent call last):
        ...
    ValueError: Conv2D(padding='sane'): expected one of 'valid', 'same'. Did you mean 'same'?
    """
    if value not in known:
        given = f"{where}({name}={value!r})" if where else f"{name}={value!r}"
        raise ValueError(f"{given}: expected one of {', '.join(map(repr, known))}.{did_you_mean(str(value), known)}")


def missing_attribute(owner: object, name: str) -> AttributeError:
    """The error for a `__getattr__` that has no answer: where a property failed, the one that it raises again.

    >>> from eagerflow.base.errors import missing_attribute
    >>> print(missing_attribute(ef.Tensor(1.0), "detach"))
    'Tensor' object has no attribute 'detach'. Use `ef.stop_gradient(tensor)`.
    """
    asked = getattr(type(owner), name, None)
    if isinstance(asked, property):
        asked.__get__(owner)
    return MissingAttributeError(owner, name)


def no_attribute(message: str, name: str) -> AttributeError:
    """The error for a name that isn't there; Python adds no suggestion of its own to ours."""
    return AttributeError(message, name=name, obj=None)


def cut(error: Exception, longest: int = 480) -> None:
    """Take the middle out of a message that is too long to be read."""
    text = str(error)
    if len(text) > longest and len(error.args) == 1 and isinstance(error.args[0], str):
        error.args = (f"{text[: longest - 155]} ... {text[-150:]}",)


def a_kind(value: object) -> str:
    """The type of `value` with its article.

    >>> from eagerflow.base.errors import a_kind
    >>> a_kind([]), a_kind(3)
    ('a list', 'an int')
    """
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' or name == 'ndarray' else 'a'} {name}"


def holds_itself(value: Any, levels: int = 64) -> bool:
    """Whether lists, tuples and dicts are nested deeper than that, as one is that holds itself.

    >>> from eagerflow.base.errors import holds_itself
    >>> around = [1]
    >>> around.append(around)
    >>> holds_itself(around), holds_itself([[1]])
    (True, False)
    """
    parts: Any = [value]
    while parts and levels:
        nested = [x.values() if isinstance(x, dict) else x for x in parts if isinstance(x, (list, tuple, dict))]
        parts, levels = list({id(x): x for part in nested for x in part}.values()), levels - 1
    return bool(parts)


def signature_of(value: Any) -> str:
    """`float32[2, 3]` for arrays and tensors, a short `repr` for anything else.

    >>> from eagerflow.base.errors import signature_of
    >>> signature_of(ef.ops.ones((2, 3))), signature_of("word")
    ('float32[2, 3]', "'word'")
    """
    shape = getattr(value, "shape", None)
    dtype = getattr(value, "dtype", None)
    if shape is not None and dtype is not None:
        return f"{dtype}{list(shape)}"
    if isinstance(value, (dict, list, tuple)) and holds_itself(value):
        return f"{a_kind(value)} that holds itself"
    if isinstance(value, dict):
        inner = ", ".join(f"{k!r:.30}: {signature_of(v)}" for k, v in [*value.items()][:4])
        return f"{{{inner}{', ...' if len(value) > 4 else ''}}}"
    if isinstance(value, (list, tuple)):
        inner = ", ".join(signature_of(v) for v in value[:4])
        return f"[{inner}{', ...' if len(value) > 4 else ''}]"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
