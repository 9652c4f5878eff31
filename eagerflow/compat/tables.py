"""All older spellings and ways of Keras 1 and 2, brought to the core by its seam, `eagerflow/base/legacy.py`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

from eagerflow.base.legacy import RUN, Arguments, legacy
from eagerflow.compat import overrides
from eagerflow.compat.arguments import Older
from eagerflow.compat.keras_1 import arguments as keras_1
from eagerflow.compat.keras_2 import captured_layers, data, layers, logs, methods, models, optimizers, saving, trainable
from eagerflow.compat.private_attributes import PRIVATE
from eagerflow.compat.shapes import shape_of_tensorflow

__all__ = ["CHANGES", "begin", "end", "hint", "present_config"]

CHANGES: defaultdict[str, list[Older]] = defaultdict(list)
for _table in (keras_1, data, layers, methods, models, optimizers, saving):
    for _name, _entry in _table.CHANGES.items():
        CHANGES[_name].append(_entry)
_OVERRIDES = [
    *PRIVATE,
    *captured_layers.OVERRIDES,
    *data.OVERRIDES,
    *layers.OVERRIDES,
    *logs.OVERRIDES,
    *methods.OVERRIDES,
    *models.OVERRIDES,
    *optimizers.OVERRIDES,
    *saving.OVERRIDES,
    *trainable.OVERRIDES,
]
# Attributes that are gone, with what stands in their place.
_ATTRIBUTES = {
    "compiled_loss": "compute_loss",
    "compiled_metrics": "compute_metrics",
    "evaluate_generator": "evaluate",
    "fit_generator": "fit",
    "lr": "learning_rate",
    "predict_classes": "predict",
    "predict_generator": "predict",
    "predict_proba": "predict",
}


def begin() -> None:
    """From now on, functions take older arguments too, and do what Keras 2 did."""
    if not legacy.changes:
        overrides.put_in(_OVERRIDES)
        legacy.changes.update({name: partial(_changed, name) for name in CHANGES})
        legacy.shape = shape_of_tensorflow


def end() -> None:
    """Functions are again as they are without `begin`."""
    legacy.changes.clear()
    legacy.shape = tuple
    overrides.put_back()


def _changed(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    before = args[1:], dict(kwargs)
    owner, _, last = name.rpartition(".")
    whose = type(args[0]).__name__ if owner[:1] in "_" or owner[0].isupper() else last
    for older in CHANGES[name]:
        args, kwargs = older(whose, args, kwargs)
    if last == "__init__" and hasattr(args[0], "_ef_state") and (args[1:], kwargs) != before:
        _correct(args[0], before, (args[1:], kwargs))
    return args, kwargs


def _correct(layer: Any, before: Arguments, after: Arguments) -> None:
    """Change what a layer noted of its arguments, with which `get_config` of some classes begins."""
    args, kwargs = layer._ef_state.arguments
    gone = {k for k in before[1].keys() - after[1].keys() if k in kwargs}
    came = {k: v for k, v in after[1].items() if gone and k not in before[1]}
    kept = {k: v for k, v in kwargs.items() if k not in gone}
    layer._ef_state.arguments = (after[0] if args == before[0] else args, kept | came)


def present_config(cls: type, config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of a layer, as Keras 1 or 2 wrote it, under today's names."""
    layer, found = SimpleNamespace(rank=getattr(cls, "rank", 0), _ef_state=SimpleNamespace()), dict(config)
    for ancestor in cls.__mro__:
        for older in CHANGES.get(f"{ancestor.__qualname__}.__init__", ()):
            _, found = older(cls.__name__, (layer,), found)
    return found


def hint(kind: str, name: str, known: Collection[str], shown: str) -> str:
    """What to write instead of an older name, and how a script may keep it; empty for a name that isn't one.

    >>> from eagerflow.compat.tables import hint
    >>> hint("argument", "nb_filter", ["filters"], "8")
    ' Use filters=8. For older Keras: `python -m eagerflow run script.py`, or `eagerflow.compat.install()`.'
    """
    if kind == "attribute":
        present = _ATTRIBUTES.get(name)
        return f" Use `{present}`.{RUN}" if present in known else ""
    entries = [older for olders in CHANGES.values() for older in olders]
    present = next((e.renamed[name] for e in entries if e.renamed.get(name) in known), None)
    if present is not None:
        return f" Use {present}={shown}.{RUN}"
    return RUN if any(name in e.names for e in entries) else ""
