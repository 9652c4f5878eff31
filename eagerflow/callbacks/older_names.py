"""Numbers by their older names: Keras 2.2 reported `metrics=["accuracy", "mae"]` as `acc` and `mean_absolute_error`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagerflow.base.errors import WrongPlaceError, did_you_mean
from eagerflow.base.spellings import behaviour

__all__ = ["either_name"]


# Names under which one metric was reported by one version or another, the usual one of today first.
_ALIKE = (
    ("accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"),
    ("learning_rate", "lr"),
    ("mae", "mean_absolute_error"),
    ("mse", "mean_squared_error"),
    ("mape", "mean_absolute_percentage_error"),
    ("msle", "mean_squared_logarithmic_error"),
)


def _other_name(name: str, known: Mapping[str, Any]) -> str:
    """A hint at the other name of the same metric, which is the one passed to `compile`."""
    beginning = "val_" if name.startswith("val_") else ""
    same = next((names for names in _ALIKE if name.removeprefix(beginning) in names), ())
    found = next((f"{beginning}{other}" for other in same if f"{beginning}{other}" in known), None)
    return f" A metric is named as compile was given it: {found!r}." if found else ""


class _Named(dict[str, Any]):
    """A dict that names what it holds, where something else is asked for."""

    called = "logs"

    def __missing__(self, name: Any) -> Any:
        hint = did_you_mean(name, self) if isinstance(name, str) else ""
        hint = hint or _other_name(str(name), self)
        if str(name).startswith("val_") and not any(each.startswith("val_") for each in self):
            hint = " Those of validation need fit(..., validation_data=...) or validation_split=."
        raise WrongPlaceError(f"{self.called} has no {name!r}; it has {', '.join(self) or 'no numbers'}.{hint}")


class _EitherName(_Named):
    """A dict that finds `acc` under `accuracy`, and the other way round."""

    def __missing__(self, name: str) -> Any:
        other = self._present(name)
        return super().__missing__(name) if other is None else super().__getitem__(other)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or self._present(str(name)) is not None

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def _present(self, name: str) -> str | None:
        """The first of the other names that is here."""
        for names in _ALIKE:
            for last in names:
                if name == last or name.endswith(f"_{last}"):
                    found = [name.removesuffix(last) + other for other in names]
                    here = [other for other in found if super(_EitherName, self).__contains__(other)]
                    if here:
                        return here[0]
        return None


def either_name(numbers: Mapping[str, Any], called: str = "logs") -> dict[str, Any]:
    """The numbers; in programs of Keras 2, found by both names.

    Args:
        numbers: the numbers by name.
        called: what the user calls the dict, for messages.
    """
    found = _EitherName(numbers) if behaviour.keras_2 else _Named(numbers)
    if called != found.called:
        found.called = called
    return found
