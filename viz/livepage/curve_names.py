"""What curves are called where models or optimizers take turns, as in a GAN."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["CurveNames"]


class CurveNames:
    """Tells the curves of several owners apart.

    As long as there is one owner, a curve has its plain name: "loss". When another one comes, each owner has a curve of
    its own, "loss (critic)", and what was drawn before gets the first one's name.

    >>> names = CurveNames(lambda old, new: print(f"{old} -> {new}"))
    >>> names.of("loss", "critic")
    'loss'
    >>> names.of("loss", "actor"), names.of("loss", "critic")
    loss -> loss (critic)
    ('loss (actor)', 'loss (critic)')
    """

    def __init__(self, rename: Callable[[str, str], None]) -> None:
        self._rename = rename
        self._owners: dict[str, list[str]] = {}

    def of(self, curve: str, owner: str) -> str:
        """The name of an owner's curve; "" stands for an owner that isn't known."""
        owners = self._owners.setdefault(curve, [])
        if owner not in owners:
            owners.append(owner)
            if len(owners) == 2 and owners[0]:
                self._rename(curve, f"{curve} ({owners[0]})")
        return f"{curve} ({owner})" if owner and len(owners) > 1 else curve
