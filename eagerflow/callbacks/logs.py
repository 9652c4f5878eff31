"""`Logs`: the numbers of a step or an epoch, by name."""

from __future__ import annotations

from typing import Any

from eagerflow.base.errors import WrongPlaceError, did_you_mean

__all__ = ["SAME_METRIC", "Logs"]


# Names under which one metric is reported, as `compile` was given it; the usual one first.
SAME_METRIC = (
    ("accuracy", "acc", "binary_accuracy", "categorical_accuracy", "sparse_categorical_accuracy"),
    ("learning_rate", "lr"),
    ("mae", "mean_absolute_error"),
    ("mse", "mean_squared_error"),
    ("mape", "mean_absolute_percentage_error"),
    ("msle", "mean_squared_logarithmic_error"),
)


class Logs(dict[str, Any]):
    """A dict that names what it holds, where something else is asked for."""

    called = "logs"

    def __missing__(self, name: Any) -> Any:
        hint = did_you_mean(name, self) if isinstance(name, str) else ""
        hint = hint or self._other_name(str(name))
        if str(name).startswith("val_") and not any(each.startswith("val_") for each in self):
            hint = " Those of validation need fit(..., validation_data=...) or validation_split=."
        raise WrongPlaceError(f"{self.called} has no {name!r}; it has {', '.join(self) or 'no numbers'}.{hint}")

    def _other_name(self, name: str) -> str:
        """A hint at the other name of the same metric, which is the one passed to `compile`."""
        beginning = "val_" if name.startswith("val_") else ""
        same = next((names for names in SAME_METRIC if name.removeprefix(beginning) in names), ())
        found = next((f"{beginning}{other}" for other in same if f"{beginning}{other}" in self), None)
        return f" A metric is named as compile was given it: {found!r}." if found else ""
