"""Text in models: its type, for what `Input` gives. Tensors hold numbers; text stays in NumPy arrays."""

from __future__ import annotations

from typing import Any

import numpy

from eagerflow.base.errors import signature_of
from eagerflow.core.dtypes import as_dtype
from eagerflow.core.host_arrays import first_odd_one, reads_as_numbers

__all__ = ["TEXT", "Text", "is_text", "no_numbers", "type_of"]


class Text:
    """The type of text, in addition to NumPy's types of numbers."""

    name = "string"
    kind = "T"

    def __repr__(self) -> str:
        return "string"

    def __eq__(self, other: object) -> bool:
        return other is self or other == "string"

    def __hash__(self) -> int:
        return hash("string")

    def __reduce__(self) -> str:
        return "TEXT"


TEXT: Any = Text()


def is_text(x: Any) -> bool:
    """Whether `x` is a NumPy array of text."""
    return isinstance(x, numpy.ndarray) and x.dtype.kind in "OUST"


def no_numbers(who: str, x: numpy.ndarray) -> TypeError:
    """The error of a layer, or of a model's input, that takes numbers and gets text or objects.

    >>> no_numbers("Dense 'dense'", numpy.array([["a", "b"]]))
    TypeError("Dense 'dense' takes numbers; got <U1[1, 2]: 'a' at [0, 0]. Encode text first, ...")
    """
    cure = (
        "They can be read as numbers: x.astype('float32')."
        if reads_as_numbers(x)
        else "Encode text first, or begin the model with ef.layers.TextVectorization or ef.layers.StringLookup; pad "
        "lists of unequal lengths (pad_sequences)."
    )
    return TypeError(f"{who} takes numbers; got {signature_of(x)}{first_odd_one(x, x)}. {cure}")


def type_of(dtype: Any) -> Any:
    """A NumPy dtype, or `TEXT` for `"string"` and NumPy's types of text.

    Raises:
        ValueError: for an unknown type.
    """
    if isinstance(dtype, numpy.dtype):  # NumPy would try to read the text that it is compared with
        return TEXT if dtype.kind in "OUST" else as_dtype(dtype)
    if dtype is TEXT or dtype == "string":
        return TEXT
    return as_dtype(dtype)
