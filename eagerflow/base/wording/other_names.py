"""Names of initializers, activations and optimizers as other libraries and books have them, and ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["name_meant"]

_GLOROT = "'glorot_uniform' (the default) or 'glorot_normal'"
_HE = "'he_normal' or 'he_uniform'"
_NONE = "None, without quotes, or leave the argument out"
_OURS = {
    "initializer": {
        "glorot": _GLOROT,
        "xavier": _GLOROT,
        "xavier_uniform": "'glorot_uniform'",
        "xavier_normal": "'glorot_normal'",
        "he": _HE,
        "kaiming": _HE,
        "kaiming_uniform": "'he_uniform'",
        "kaiming_normal": "'he_normal'",
        "lecun": "'lecun_normal' or 'lecun_uniform'",
        "random": "'random_uniform' or 'random_normal'",
    },
    "activation": dict.fromkeys(("none", ""), _NONE) | {"identity": "'linear'", "logistic": "'sigmoid'"},
    "regularizer": dict.fromkeys(("none", ""), _NONE) | {"weight_decay": "'l2'"},
    "optimizer": {"gradient_descent": "'sgd'", "gd": "'sgd'"},
}
_CALL = re.compile(r"(\w+)\((.*)\)\s*$")


def name_meant(kind: str, module: str, name: str, known: Mapping[str, Any]) -> str:
    """`" Use 'he_normal'."` for another library's name, or one that is written as a call; else nothing.

    Args:
        kind: of what has the name, such as "initializer".
        module: where such things stand, such as "keras.initializers".
        name: what was asked for.
        known: the names that there are, and what they stand for.

    >>> from eagerflow.base.wording.other_names import name_meant
    >>> name_meant("initializer", "keras.initializers", "kaiming_normal", {})
    " Use 'he_normal'."
    >>> name_meant("regularizer", "keras.regularizers", "l2(0.01)", {"l2": ef.regularizers.L2})
    ' Write it without quotes: regularizers.L2(0.01).'
    """
    ours = _OURS.get(kind, {}).get(name.lower().rstrip("_"))
    if ours is not None:
        return f" Use {ours}."
    call = _CALL.match(name)
    thing = known.get(call[1]) or known.get(call[1].lower()) if call is not None else None
    if call is None or thing is None:
        return ""
    if not call[2].strip():
        return f" Leave out the brackets: {call[1]!r}."
    return f" Write it without quotes: {module.rpartition('.')[2]}.{thing.__name__}({call[2]:.60})."
