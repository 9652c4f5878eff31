"""Decorators for `__init__` of layers: Keras 1's names of arguments, and those of Keras 2 with only one value here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from eagerflow.base.spellings import behaviour, renamed, respelled, without

__all__ = ["AFFINE", "OF_CONVOLUTION", "RECURRENT", "of_convolution", "of_pooling", "of_recurrent"]
__all__ += ["of_recurrent_convolution", "of_separable_convolution", "older", "only", "with_dim_ordering"]
__all__ += ["with_size_of_keras_2"]

AFFINE = {
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "bias": "use_bias",
    "init": "kernel_initializer",
}
_OF_STATES = {
    "U_regularizer": "recurrent_regularizer",
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "inner_activation": "recurrent_activation",
    "inner_init": "recurrent_initializer",
}
RECURRENT = {
    **_OF_STATES,
    "W_regularizer": "kernel_regularizer",
    "b_regularizer": "bias_regularizer",
    "init": "kernel_initializer",
    "output_dim": "units",
}
OF_CONVOLUTION = {
    **AFFINE,
    "atrous_rate": "dilation_rate",
    "border_mode": "padding",
    "filter_length": "kernel_size",
    "nb_filter": "filters",
    "subsample": "strides",
    "subsample_length": "strides",
}
_LENGTHS = ("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3")
_ORDERINGS = {"default": "", "tf": "channels_last", "th": "channels_first"}

F = TypeVar("F", bound=Callable[..., Any])

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def _noting(change: Callable[[Any, tuple[Any, ...], dict[str, Any]], Arguments], *names: str) -> Callable[[F], F]:
    """`respelled` for `__init__` of layers: it also corrects what the layer noted of its arguments."""

    def noted(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        layer, before = args[0], (args[1:], kwargs)
        after = change(layer, args[1:], dict(kwargs))
        if after != before:
            _correct(layer, before, after)
        return (layer, *after[0]), after[1]

    return respelled(noted, *names)


def _correct(layer: Any, before: Arguments, after: Arguments) -> None:
    """In the arguments that `get_config` of some classes begins with."""
    args, kwargs = layer._ef_state.arguments
    gone = {k for k in before[1].keys() - after[1].keys() if k in kwargs}
    came = {k: v for k, v in after[1].items() if gone and k not in before[1]}
    kept = {k: v for k, v in kwargs.items() if k not in gone}
    layer._ef_state.arguments = (after[0] if args == before[0] else args, kept | came)


def older(**names: str) -> Callable[[F], F]:
    """`accepts` for layers: `older(output_dim="units")`."""

    def change(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        return args, renamed(names, type(self).__name__, kwargs)

    return _noting(change, *names)


def only(**allowed: tuple[Any, str]) -> Callable[[F], F]:
    """`spellings.only` for layers."""

    def change(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        return args, without(allowed, type(self).__name__, kwargs)

    return _noting(change, *allowed)


def _ordered(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    if "dim_ordering" in kwargs:
        given = kwargs.pop("dim_ordering")
        if given not in _ORDERINGS:
            raise ValueError(f"{type(self).__name__}(dim_ordering={given!r}): expected 'tf' or 'th'.")
        if given != "default":
            kwargs["data_format"] = _ORDERINGS[given]
    return args, kwargs


def _kernel(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    lengths = next((names for names in _LENGTHS if names[0] in kwargs), ())
    if lengths:
        kwargs["kernel_size"] = tuple([kwargs.pop(name) for name in lengths])
    elif kwargs.keys() & {*OF_CONVOLUTION, "dim_ordering"} and len(args) == 1 + self.rank > 2:
        args = (args[0], tuple(args[1:]))
    return args, kwargs


def _open(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """`consume_less` chose among equal computations; the bias of forget gates began with ones or something else."""
    kwargs.pop("consume_less", None)
    first = kwargs.pop("forget_bias_init", "one")
    if first not in ("one", "ones"):
        if first not in ("zero", "zeros"):
            raise ValueError(f"{type(self).__name__}(forget_bias_init={first!r}): expected 'one' or 'zero'.")
        kwargs["unit_forget_bias"] = False
    return args, kwargs


_forgetting = _noting(_open, "consume_less", "forget_bias_init")
with_dim_ordering = _noting(_ordered, "dim_ordering")
_with_kernel = _noting(_kernel, *[names[0] for names in _LENGTHS], *OF_CONVOLUTION, "dim_ordering")


def of_convolution(method: F) -> F:
    """A decorator for `__init__` of convolutions: `nb_filter`, `nb_row`, `border_mode`, `subsample`, ...

    Beside such a name, numbers by position are the lengths of the kernel: `Convolution2D(8, 3, 3, border_mode="same")`.
    """
    return _with_kernel(older(**OF_CONVOLUTION)(with_dim_ordering(method)))


def of_separable_convolution(method: F) -> F:
    """As `of_convolution`; `init` is for both kernels."""

    def change(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        if "init" in kwargs:
            kwargs["depthwise_initializer"] = kwargs["pointwise_initializer"] = kwargs.pop("init")
        return args, kwargs

    return _with_kernel(_noting(change, "init")(older(**OF_CONVOLUTION)(with_dim_ordering(method))))


def of_recurrent_convolution(method: F) -> F:
    """As `of_convolution`, and with the names of recurrent layers' settings."""
    return _forgetting(older(**_OF_STATES)(of_convolution(method)))


def of_recurrent(method: F) -> F:
    """A decorator for `__init__` of recurrent layers: `output_dim`, `inner_init`, `dropout_W`, ..."""
    return _forgetting(older(**RECURRENT)(method))


def _with_size(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    if behaviour.keras_2 and len(args) == 1 and "pool_length" not in kwargs:
        kwargs.setdefault("pool_size", 2)
    return args, kwargs


# A decorator for `__init__` of average pooling, which has a default size in Keras 2 and none in Keras 3.
with_size_of_keras_2 = respelled(_with_size)


def of_pooling(method: F) -> F:
    """A decorator for `__init__` of pooling layers: `pool_length`, `stride`, `border_mode`, `dim_ordering`."""
    return older(border_mode="padding", pool_length="pool_size", stride="strides")(with_dim_ordering(method))
