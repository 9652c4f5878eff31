"""`Config`: a dict whose entries are attributes, and which can be frozen."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from eagerflow.base.errors import did_you_mean, no_attribute

__all__ = ["Config"]


class Config:
    """A dict of settings whose entries are attributes, too: `config.rate` is `config["rate"]`.

    Args:
        **kwargs: the initial entries.

    >>> config = ef.utils.Config(rate=0.1, layers=2)
    >>> config.layers += 1
    >>> config.as_dict()
    {'rate': 0.1, 'layers': 3}
    >>> config.freeze()
    >>> config.frozen
    True
    """

    __slots__ = ("_entries", "_frozen")

    def __init__(self, **kwargs: Any) -> None:
        object.__setattr__(self, "_entries", dict(kwargs))
        object.__setattr__(self, "_frozen", False)

    @property
    def frozen(self) -> bool:
        """Whether `freeze` was called, so that entries can't be changed.

        >>> config = ef.utils.Config(rate=0.1)
        >>> config.freeze()
        >>> config.frozen
        True
        """
        return self._frozen

    def freeze(self) -> None:
        """From now on, refuses to add, change or remove entries.

        >>> config = ef.utils.Config(rate=0.1)
        >>> config.freeze()
        >>> config.rate = 0.2
        Traceback (most recent call last):
            ...
        ValueError: this Config is frozen; unfreeze() lets its entries be changed again.
        """
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """Allows changes again after `freeze`.

        >>> config = ef.utils.Config(rate=0.1)
        >>> config.freeze()
        >>> config.unfreeze()
        >>> config.rate = 0.2
        >>> config.rate
        0.2
        """
        object.__setattr__(self, "_frozen", False)

    def as_dict(self) -> dict[str, Any]:
        """A copy of the entries as a dict.

        >>> ef.utils.Config(rate=0.1, layers=2).as_dict()
        {'rate': 0.1, 'layers': 2}
        """
        return dict(self._entries)

    def to_json(self) -> str:
        """The entries as JSON.

        Raises:
            TypeError: for an entry that can't be put into JSON.

        >>> ef.utils.Config(rate=0.1, layers=2).to_json()
        '{"rate": 0.1, "layers": 2}'
        """
        return json.dumps(self._entries)

    def keys(self) -> Any:
        """The names of the settings.

        >>> list(ef.utils.Config(rate=0.1, layers=2).keys())
        ['rate', 'layers']
        """
        return self._entries.keys()

    def values(self) -> Any:
        """The values of the settings, in the order of `keys()`.

        >>> list(ef.utils.Config(rate=0.1, layers=2).values())
        [0.1, 2]
        """
        return self._entries.values()

    def items(self) -> Any:
        """Pairs of names and values.

        >>> list(ef.utils.Config(rate=0.1, layers=2).items())
        [('rate', 0.1), ('layers', 2)]
        """
        return self._entries.items()

    def get(self, keyname: str, value: Any = None) -> Any:
        """The value of an entry, or a default.

        Args:
            keyname: the name of the entry.
            value: the default, which is returned where there is no such entry.

        >>> config = ef.utils.Config(rate=0.1)
        >>> config.get("rate"), config.get("layers", 3)
        (0.1, 3)
        """
        return self._entries.get(keyname, value)

    def pop(self, *args: Any) -> Any:
        """Removes an entry and returns its value: `pop(name)` or `pop(name, default)`.

        >>> config = ef.utils.Config(rate=0.1, layers=2)
        >>> config.pop("layers"), config.as_dict()
        (2, {'rate': 0.1})
        """
        self._change()
        return self._entries.pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Adds or changes entries, which are given as for `dict.update`.

        >>> config = ef.utils.Config(rate=0.1)
        >>> config.update(rate=0.2, layers=2)
        >>> config.as_dict()
        {'rate': 0.2, 'layers': 2}
        """
        self._change()
        self._entries.update(*args, **kwargs)

    def _change(self) -> None:
        if self._frozen:
            raise ValueError("this Config is frozen; unfreeze() lets its entries be changed again.")

    def __getattr__(self, name: str) -> Any:
        if name in Config.__slots__:  # a copy that isn't filled yet asks for these
            raise AttributeError(name)
        if name not in self._entries:
            raise no_attribute(f"this Config has no {name!r}.{did_you_mean(name, self._entries)}", name)
        return self._entries[name]

    def __setattr__(self, name: str, value: Any) -> None:
        self._change()
        self._entries[name] = value

    def __delattr__(self, name: str) -> None:
        self._change()
        self.__getattr__(name)
        del self._entries[name]

    def __getitem__(self, name: str) -> Any:
        if name not in self._entries:
            raise KeyError(f"{name}: this Config has no such entry.{did_you_mean(name, self._entries)}")
        return self._entries[name]

    def __delitem__(self, name: str) -> None:
        self._change()
        del self._entries[name]

    __setitem__ = __setattr__

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        entries = other._entries if isinstance(other, Config) else other
        return isinstance(entries, Mapping) and self._entries == entries

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __getstate__(self) -> Any:
        return self._entries, self._frozen

    def __setstate__(self, state: Any) -> None:
        for name, value in zip(("_entries", "_frozen"), state):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"<Config {self._entries}>"
