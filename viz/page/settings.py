"""The settings of a layer or op as the page shows them: JSON of what can be read in a panel."""

from __future__ import annotations

import json
from typing import Any

from viz.facts import formatting
from viz.facts.json_data import finite, to_plain

__all__ = ["is_writable", "settings_text"]

_MOST, _LONGEST = 60, 400  # settings, and letters of one
_MOST_IN_ONE, _DEEPEST = 40, 5  # parts of a list or dict, and how many of these are within each other


def settings_text(settings: dict[str, Any]) -> str:
    """Settings as JSON. Lists and dicts keep their form, where they are long with fewer parts.

    Objects of a configuration keep their class and what they were given, functions their name. Those of a list which
    have a name, as the layers of a model, keep that alone: each layer has a panel of its own.
    """
    entries = list(settings.items())[:_MOST]
    shown = {formatting.clean(str(name), 100): _shortened(each) for name, each in entries}
    return json.dumps(shown, ensure_ascii=False)


def is_writable(text: str) -> bool:
    """Can a file hold this text? Broken surrogates can't be written."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _shortened(value: Any, depth: int = 0) -> Any:
    if not isinstance(value, (list, dict)):
        return _leaf(value, depth)
    if depth == _DEEPEST:
        return "…"
    more = len(value) - _MOST_IN_ONE
    if isinstance(value, dict):
        if value.get("class_name") == "function" and isinstance(value.get("config"), str):
            return _leaf(value["config"], depth)  # a function by its name, as of a metric
        if _is_object(value):
            return {"class_name": _shortened(value["class_name"]), "config": _shortened(value["config"], depth + 1)}
        entries = list(value.items())[:_MOST_IN_ONE]
        found = {formatting.clean(str(name), 100): _shortened(each, depth + 1) for name, each in entries}
        return found | ({"…": f"{more:,} more"} if more > 0 else {})
    return [_named(each, depth + 1) for each in value[:_MOST_IN_ONE]] + ([f"… {more:,} more"] if more > 0 else [])


def _leaf(value: Any, depth: int) -> Any:
    """What has no parts, as JSON can hold it; of a recording that was read from a file, all is plain already."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST and is_writable(value) else formatting.clean(value, _LONGEST)
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return finite(value)
    return _shortened(finite(to_plain(value)), depth)  # now a text, a number or a list


def _named(value: Any, depth: int) -> Any:
    """A part of a list: of an object with a name no more than that and the class."""
    if _is_object(value) and isinstance(name := value["config"].get("name"), str):
        return {"class_name": _shortened(value["class_name"]), "config": {"name": _shortened(name)}}
    return _shortened(value, depth)


def _is_object(value: Any) -> bool:
    return (
        isinstance(value, dict) and isinstance(value.get("class_name"), str) and isinstance(value.get("config"), dict)
    )
