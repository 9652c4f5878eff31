"""Arguments that `fit` and `compile` are given by mistake: what to write for them, and where."""

from __future__ import annotations

from typing import Any

__all__ = ["belongs"]

_RATE = frozenset({"lr", "learning_rate", "learningrate"})
_COMPILED = {
    "optimizer": "model.compile(optimizer=..., loss=...)",
    "loss": "model.compile(loss=...)",
    "metrics": "model.compile(metrics=[...])",
}
_FITTED = ("epochs", "batch_size", "validation_split", "validation_data", "callbacks", "verbose", "shuffle")
_DATA = {
    **dict.fromkeys(("x_train", "X_train", "X", "train_x", "inputs", "data"), "x="),
    **dict.fromkeys(("y_train", "Y_train", "Y", "train_y", "targets", "labels"), "y="),
    **dict.fromkeys(
        ("validation", "val_data", "valid_data", "validation_set", "val", "test_data", "eval_set"),
        "validation_data=(x, y)",
    ),
}
_OPTIMIZERS = {"sgd": "SGD", "adam": "Adam", "rmsprop": "RMSprop", "adamw": "AdamW", "nadam": "Nadam"}


def belongs(function: str, name: str, given: dict[str, Any]) -> str:
    """Where an argument belongs that a model's `fit` or `compile` doesn't take; nothing where that isn't known.

    Args:
        function: the method.
        name: of the argument.
        given: all named arguments of the call.

    >>> from eagerflow.base.wording.elsewhere import belongs
    >>> belongs("fit", "loss", {})
    ' It belongs in compile: model.compile(loss=...).'
    """
    if name in _RATE and function in ("fit", "compile"):
        optimizer = given.get("optimizer")
        kind = _OPTIMIZERS.get(optimizer.lower(), "Adam") if isinstance(optimizer, str) else "Adam"
        rate = given.get(name)
        shown = f"{rate:g}" if isinstance(rate, (int, float)) else "0.001"
        return f" The optimizer has it: model.compile(optimizers.{kind}(learning_rate={shown}), ...)."
    if function == "fit" and name in _COMPILED:
        return f" It belongs in compile: {_COMPILED[name]}."
    if function == "compile" and name in _FITTED:
        return f" It belongs in fit: model.fit(x, y, {name}=...)."
    if function == "fit" and name in _DATA:
        return f" Use {_DATA[name]}."
    return ""
