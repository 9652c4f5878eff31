"""Decorators for `__init__` of layers: Keras 1's names of arguments, and those of Keras 2 with only one value here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from eagerflow.base.tracebacks import shorten

__all__ = [
    "AFFINE", "OF_CONVOLUTION", "RECURRENT", "of_convolution", "of_pooling", "of_recurrent", "of_recurrent_convolution",
    "of_separable_convolution", "older", "only", "with_dim_ordering",
]  # fmt: skip

AFFINE = {
    "W_constraint": "kernel_constraint", "W_regularizer": "kernel_regularizer", "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer", "bias": "use_bias", "init": "kernel_initializer",
}  # fmt: skip
_OF_STATES = {
    "U_regularizer": "recurrent_regularizer", "dropout_U": "recurrent_dropout", "dropout_W": "dropout",
    "inner_activation": "recurrent_activation", "inner_init": "recurrent_initializer",
}  # fmt: skip
RECURRENT = {
    **_OF_STATES, "W_regularizer": "kernel_regularizer", "b_regularizer": "bias_regularizer",
    "init": "kernel_initializer", "output_dim": "units",
}  # fmt: skip
OF_CONVOLUTION = {
    **AFFINE, "atrous_rate": "dilation_rate", "border_mode": "padding", "filter_length": "kernel_size",
    "nb_filter": "filters", "subsample": "strides", "subsample_length": "strides",
}  # fmt: skip
_LENGTHS = ("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3")
_ORDERINGS = {"default": "", "tf": "channels_last", "th": "channels_first"}

Method = Callable[..., Any]
Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def _changing(
    change: Callable[[Any, tuple[Any, ...], dict[str, Any]], Arguments],
) -> Callable[[Method], Method]:
    """A decorator for `__init__` that passes other arguments on, and corrects what the layer noted of them."""

    def decorate(method: Method) -> Method:
        @wraps(method)
        def call(self: Any, *args: Any, **kwargs: Any) -> Any:
            changed = change(self, args, dict(kwargs))
            if changed != (args, kwargs):
                _correct(self, (args, kwargs), changed)
            try:
                return method(self, *changed[0], **changed[1])
            except BaseException as error:
                shorten(error)
                raise

        return call

    return decorate


def _correct(layer: Any, before: Arguments, after: Arguments) -> None:
    """In the arguments that `get_config` of some classes begins with."""
    args, kwargs = layer.__dict__.get("_arguments", ((), {}))
    gone = {k for k in before[1].keys() - after[1].keys() if k in kwargs}
    came = {k: v for k, v in after[1].items() if gone and k not in before[1]}
    kept = {k: v for k, v in kwargs.items() if k not in gone}
    layer.__dict__["_arguments"] = (after[0] if args == before[0] else args, kept | came)


def older(**names: str) -> Callable[[Method], Method]:
    """`accepts` for layers: `older(output_dim="units")`."""

    def change(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        for old in names.keys() & kwargs.keys():
            new = names[old]
            if new in kwargs:
                raise TypeError(
                    f"{type(self).__name__}: {old!r} is the older name of {new!r}; give one of them."
                )
            kwargs[new] = kwargs.pop(old)
        return args, kwargs

    return _changing(change)


def only(**allowed: tuple[Any, str]) -> Callable[[Method], Method]:
    """A decorator for `__init__` that takes arguments which have one value here, and refuses any other.

    Args:
        **allowed: for every argument its one value, and what to write instead of another.

    Raises:
        ValueError: by the decorated method, for another value.

    >>> class Reader:
    ...     @only(backwards=(False, "Turn the rows round yourself."))
    ...     def __init__(self, rows):
    ...         self.rows = rows
    >>> Reader(3, backwards=False).rows
    3
    """

    def change(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        for name in allowed.keys() & kwargs.keys():
            value, advice = allowed[name]
            given = kwargs.pop(name)
            if given is not None and given != value:
                raise ValueError(f"{type(self).__name__}({name}={given!r}) isn't possible here. {advice}")
        return args, kwargs

    return _changing(change)


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


_forgetting = _changing(_open)
with_dim_ordering = _changing(_ordered)
_with_kernel = _changing(_kernel)


def of_convolution(method: Method) -> Method:
    """A decorator for `__init__` of convolutions: `nb_filter`, `nb_row`, `border_mode`, `subsample`, ...

    Beside such a name, numbers by position are the lengths of the kernel: `Convolution2D(8, 3, 3, border_mode="same")`.
    """
    return _with_kernel(older(**OF_CONVOLUTION)(with_dim_ordering(method)))


def of_separable_convolution(method: Method) -> Method:
    """As `of_convolution`; `init` is for both kernels."""

    def change(self: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
        if "init" in kwargs:
            kwargs["depthwise_initializer"] = kwargs["pointwise_initializer"] = kwargs.pop("init")
        return args, kwargs

    return _with_kernel(_changing(change)(older(**OF_CONVOLUTION)(with_dim_ordering(method))))


def of_recurrent_convolution(method: Method) -> Method:
    """As `of_convolution`, with the names of recurrent layers' settings beside it."""
    return _forgetting(older(**_OF_STATES)(of_convolution(method)))


def of_recurrent(method: Method) -> Method:
    """A decorator for `__init__` of recurrent layers: `output_dim`, `inner_init`, `dropout_W`, ..."""
    return _forgetting(older(**RECURRENT)(method))


def of_pooling(method: Method) -> Method:
    """A decorator for `__init__` of pooling layers: `pool_length`, `stride`, `border_mode`, `dim_ordering`."""
    return older(border_mode="padding", pool_length="pool_size", stride="strides")(with_dim_ordering(method))
