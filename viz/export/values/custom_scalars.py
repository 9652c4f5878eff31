"""Charts of several curves, for the Custom Scalars tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from viz.export.event_protos import protos
from viz.export.tensorboard_events import named

__all__ = ["summary"]


def summary(layout: Mapping[str, Mapping[str, Sequence[Any]]]) -> Any:
    """The `Summary` that tells which curves a chart shows.

    Args:
        layout: by category, charts by title: the kind and the tags.

    Raises:
        ValueError: for another kind, or another number of tags.
    """
    whole = named(layout, "add_custom_scalars(layout)")
    by_category = {str(name): named(charts, f"add_custom_scalars(): {name!r}") for name, charts in whole.items()}
    checked = {name: {str(t): _chart(t, told) for t, told in each.items()} for name, each in by_category.items()}
    return protos().summaries.custom_scalars(checked)


def _chart(title: str, told: Sequence[Any]) -> list[Any]:
    kind, tags = told if isinstance(told, (list, tuple)) and len(told) == 2 else (None, ())
    if kind not in ("Multiline", "Margin") or isinstance(tags, str) or (kind == "Margin" and len(tags) != 3):
        raise ValueError(
            f"add_custom_scalars(): chart {title!r}: expected ['Multiline', tags], or ['Margin', [value, lower, upper]]"
            f"; got {told!r:.100}"
        )
    return [kind, [str(tag) for tag in tags]]
