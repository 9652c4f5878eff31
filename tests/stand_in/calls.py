"""Holds calls to CuPy's signatures."""

from __future__ import annotations

import inspect


def unsupported(value):
    """The error that CuPy raises for an operand that is neither a device array nor a number."""
    return TypeError(f"Unsupported type {type(value)}")


def binder(name, signature):
    """A check of arguments against the text of a signature: `(args, kwargs)` to `(out, args, kwargs)`.

    What can be positional becomes so, for NumPy names some parameters differently.
    """
    parameters = inspect.signature(eval(f"lambda {signature}: None"))  # the text is our own, in signatures.py

    def bind(args, kwargs):
        try:
            bound = parameters.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"CuPy's {name}({signature}): {error}") from None
        return bound.arguments.get("out"), bound.args, bound.kwargs

    return bind
