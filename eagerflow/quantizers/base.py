"""`Quantizer`, `AbsMaxQuantizer`, and the table of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eagerflow.base.config_from_init import Configured, automatic, config_class
from eagerflow.base.serialization import Table
from eagerflow.base.tracebacks import boundary
from eagerflow.base.typing import Configuration
from eagerflow.core.tensor import Tensor
from eagerflow.quantizers.rounding import abs_max_quantize

__all__ = ["AbsMaxQuantizer", "Quantizer", "deserialize", "get", "serialize"]

table = Table("quantizer", "keras.quantizers")


@table.add("quantizer")
class Quantizer(Configured):
    """Base class of quantizers, which convert floating-point numbers to small integers.

    A subclass writes `__call__(x)`, which returns the integers and their scale.

    Args:
        output_dtype: the type of the integers.

    >>> class Halves(ef.quantizers.Quantizer):  # whole and half numbers, as integers and their scale
    ...     def __call__(self, x):
    ...         return ef.ops.cast(ef.ops.round(x * 2), self.output_dtype), 2.0
    >>> numbers, scale = Halves()(ef.Tensor([0.5, 1.2, -3.0]))
    >>> numbers.tolist(), (numbers / scale).tolist()
    ([1, 2, -6], [0.5, 1.0, -3.0])
    """

    def __init__(self, output_dtype: str = "int8") -> None:
        self.output_dtype = output_dtype

    def __call__(self, x: Any) -> Any:
        return x

    @automatic
    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal quantizer.

        Raises:
            NotImplementedError: in a class that doesn't say.

        >>> ef.quantizers.AbsMaxQuantizer(axis=-1).get_config()["output_dtype"]
        'int8'
        """
        if config_class(type(self)) in (None, Quantizer):
            raise NotImplementedError(
                f"{type(self).__name__} needs a method get_config(self) which returns its arguments."
            )
        return super().get_config()


@table.add("abs_max_quantizer")
class AbsMaxQuantizer(Quantizer):
    """Quantizes values to integers, scaled so that the largest absolute value becomes the largest integer.

    Called with a tensor, it returns the integers and the scale, with axes of length 1:
    `integers = round(values * scale)`.

    Args:
        axis: the axis or axes over which the largest absolute value is taken; it may be given in the call instead.
        value_range: the smallest and the largest integer.
        epsilon: a small number that is added to the largest value, so that it is never 0.
        output_dtype: the type of the integers.

    Raises:
        ValueError: for a range outside of int8's.

    >>> values, scale = ef.quantizers.AbsMaxQuantizer(axis=-1)(ef.Tensor([[0.5, -1.0]]))
    >>> values.tolist(), float(scale[0, 0])
    ([[63, -127]], 126.9999...)
    """

    def __init__(
        self,
        axis: int | Sequence[int] | None = None,
        value_range: tuple[int, int] = (-127, 127),
        epsilon: float = 1e-7,
        output_dtype: str = "int8",
    ) -> None:
        super().__init__(output_dtype)
        self.axis = None if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        self.value_range = (value_range[0], value_range[1])
        self.epsilon = epsilon
        if output_dtype == "int8" and (value_range[0] < -128 or value_range[1] > 127):
            raise ValueError(f"AbsMaxQuantizer(value_range={value_range!r}): int8 goes from -128 to 127.")

    def __call__(self, x: Any, axis: Any = None, to_numpy: bool = False) -> tuple[Tensor, Tensor]:
        """The integers, and the scale: integers are values times scale, rounded.

        Args:
            x: the values.
            axis: along which the largest is looked for; default: the quantizer's own, or the last.
            to_numpy: accepted for Keras' signature.
        """
        axis = self.axis if axis is None else axis
        return abs_max_quantize(
            x, -1 if axis is None else axis, self.value_range, self.output_dtype, self.epsilon, to_numpy
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal quantizer."""
        told = {"value_range": self.value_range, "epsilon": self.epsilon, "output_dtype": self.output_dtype}
        return told if self.axis is None else {**told, "axis": self.axis}


def serialize(initializer: Any) -> Configuration:
    """The configuration of a quantizer or a `QuantizationConfig`, from which `deserialize` makes an equal one.

    Args:
        initializer: the quantizer, under Keras' name for the argument.

    >>> ef.quantizers.serialize(ef.quantizers.AbsMaxQuantizer(axis=0))["class_name"]
    'AbsMaxQuantizer'
    """
    return table.serialize(initializer)


@boundary
def deserialize(config: Any, custom_objects: Mapping[str, Any] | None = None) -> Quantizer:
    """Makes a quantizer from its configuration.

    Args:
        config: the configuration that `serialize` returned: a dict with `class_name` and `config`.
        custom_objects: a dict of custom classes by name; registered ones are known already.

    Raises:
        UnknownNameError: for a class that is neither built in nor registered.

    >>> config = ef.quantizers.serialize(ef.quantizers.AbsMaxQuantizer(axis=0))
    >>> ef.quantizers.deserialize(config).output_dtype
    'int8'
    """
    return table.deserialize(config, custom_objects)


@boundary
def get(identifier: Any, **kwargs: Any) -> Quantizer | Any:
    """Finds a quantizer by its name, configuration or class; a quantizer or None is returned as it is.

    Args:
        identifier: a name, a configuration, a class, a quantizer, or None.
        **kwargs: arguments for the class, if `identifier` is a name or a class.

    Raises:
        ValueError: for an unknown name.
        TypeError: for anything else.

    >>> ef.quantizers.get("abs_max_quantizer").output_dtype
    'int8'
    """
    if isinstance(identifier, str):
        identifier = table.find(identifier)
    return identifier(**kwargs) if isinstance(identifier, type) else table.get(identifier)
