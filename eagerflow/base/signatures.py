"""Signatures of classes that inherit a `__new__`, and checks of users' functions."""

from __future__ import annotations

import inspect
from typing import Any

__all__ = ["ClassSignature", "refuses"]


class ClassSignature:
    """As `__signature__` of a class: the arguments of `__new__` or `__init__`, whichever stands nearer to a subclass.

    So Python finds them from 3.11.4 on. Before, any inherited `__new__`, which takes everything, hid `__init__`, and
    `help`, editors and notebooks showed `(*args, **kwargs)`.

    >>> class Base:
    ...     __signature__ = ClassSignature()
    ...     def __new__(cls, *args, **kwargs):
    ...         return super().__new__(cls)
    >>> class Middle(Base):
    ...     def __init__(self, width, height=1):
    ...         pass
    >>> class Last(Middle):
    ...     pass
    >>> inspect.signature(Last)
    <Signature (width, height=1)>
    """

    def __get__(self, instance: Any, owner: type) -> inspect.Signature:
        if instance is not None:  # an object that is called has the signature of its `__call__`
            raise AttributeError("__signature__")
        for base in owner.__mro__:
            for name in ("__new__", "__init__"):
                if name in base.__dict__:
                    signature = inspect.signature(getattr(owner, name))
                    return signature.replace(parameters=list(signature.parameters.values())[1:])
        raise AttributeError("__signature__")


def refuses(function: Any, *args: Any, **kwargs: Any) -> bool:
    """Whether a user's function can't be called with these arguments, as far as its signature shows.

    >>> from eagerflow.base.signatures import refuses
    >>> refuses(lambda epoch: None, 0, {}), refuses(lambda epoch, logs=None: None, 0, {})
    (True, False)
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of C
        return False
    try:
        signature.bind(*args, **kwargs)
    except TypeError:
        return True
    return False
