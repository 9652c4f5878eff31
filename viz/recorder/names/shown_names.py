"""What layers and models are called, in recordings and in what is said of a run while it goes on."""

from __future__ import annotations

import functools
import re
import weakref
from collections.abc import Iterable, Sequence
from types import FrameType
from typing import Any

from viz.frameworks.objects import is_layer, layers_in
from viz.recorder.names.kept_names import attribute_of, held_in_code, is_chosen, tells

__all__ = ["ShownNames"]

_PATH = r"((?:/[\w.\[\]-]+)"


class ShownNames:
    """Hears which layers and models are called, and puts what the user's code keeps them in for names nobody chose."""

    def __init__(self) -> None:
        self._seen: dict[int, weakref.ref[Any]] = {}  # by ids, which others may have later
        self._shown: dict[str, set[str]] = {}  # by names
        self._claims: dict[tuple[int, str], set[str]] = {}  # names by what they are shown as, within the layer around

    def hear(self, owner: Any, around: Iterable[Any], frame: FrameType | None) -> None:
        """A layer or model is called."""
        known = self._seen.get(id(owner))
        if (known is not None and known() is owner) or not is_layer(owner):
            return
        self._seen[id(owner)] = weakref.ref(owner)
        outer = [each for each in around if is_layer(each) and each is not owner]
        shown, cls = "", type(owner).__name__
        if not is_chosen(owner.name, cls):
            shown = attribute_of(owner, outer) or ("" if outer else held_in_code(owner, frame))
        if not shown or not tells(shown, cls):
            shown = owner.name
        self._shown.setdefault(owner.name, set()).add(shown)
        self._claims.setdefault((id(outer[-1]) if outer else 0, shown), set()).add(owner.name)
        self.__dict__.pop("_known", None)
        self.__dict__.pop("_pattern", None)

    def hear_inside(self, owner: Any, frame: FrameType | None, around: Sequence[Any] = ()) -> None:
        """The same of a layer or model that isn't called here, and of all within it."""
        self.hear(owner, around, frame)
        for layer in layers_in(owner):
            self.hear_inside(layer, frame, [*around, owner])

    def kept_in(self, name: str) -> str:
        """What the user's code keeps the layer or model of this name in; "" where that isn't told."""
        return self._known.get(name, "")

    def of(self, path: str) -> str:
        """The path of a layer or weight as recordings show it."""
        return "/".join([self._known.get(part, part) for part in path.split("/")])

    def in_words(self, text: str) -> str:
        """A text with the paths of layers and weights in it as recordings show them.

        A path stands in quotes, or has several parts: `'sequential'`, `sequential/dense/kernel`.
        """
        if not self._known:
            return text
        return self._pattern.sub(lambda found: self.of(found[0]), text)

    @functools.cached_property
    def _known(self) -> dict[str, str]:
        """Names of which it is sure what they are shown as, where that is something else.

        Another thread may ask, as that of a live page, while more layers are heard of: so all is copied first.
        """
        claims, shown = [tuple(names) for names in list(self._claims.values())], list(self._shown.items())
        unsure = {name for names in claims if len(names) > 1 for name in names}
        known = {name: tuple(found) for name, found in shown}
        return {
            name: found[0]
            for name, found in known.items()
            if len(found) == 1 and found[0] != name and name not in unsure
        }

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str]:
        names = "|".join(map(re.escape, sorted(self._shown, key=len, reverse=True)))
        return re.compile(rf"(?<=')(?:{names}){_PATH}*)(?=')|(?<![\w/.'])(?:{names}){_PATH}+)")
