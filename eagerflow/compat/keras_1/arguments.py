"""Keras 1's names of arguments, by the `__init__` that takes them."""

from __future__ import annotations

from typing import Any

from eagerflow.base.legacy import Arguments
from eagerflow.compat.arguments import Older

__all__ = ["AFFINE", "CHANGES", "OF_CONVOLUTION", "convolution"]

AFFINE = {
    "W_constraint": "kernel_constraint",
    "W_regularizer": "kernel_regularizer",
    "b_constraint": "bias_constraint",
    "b_regularizer": "bias_regularizer",
    "bias": "use_bias",
    "init": "kernel_initializer",
}
_STATES = {
    "U_regularizer": "recurrent_regularizer",
    "dropout_U": "recurrent_dropout",
    "dropout_W": "dropout",
    "inner_activation": "recurrent_activation",
    "inner_init": "recurrent_initializer",
}
_RECURRENT = {
    **_STATES,
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
_POOLING = {"border_mode": "padding", "pool_length": "pool_size", "stride": "strides"}
_LENGTHS = ("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3")
_ORDERINGS = {"tf": "channels_last", "th": "channels_first"}


def _ordered(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    if "dim_ordering" in kwargs:
        given = kwargs.pop("dim_ordering")
        if given not in (*_ORDERINGS, "default"):
            raise ValueError(f"{type(args[0]).__name__}(dim_ordering={given!r}): expected 'tf' or 'th'.")
        if given != "default":
            kwargs["data_format"] = _ORDERINGS[given]
    return args, kwargs


def _kernel(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Lengths by older names, or by position: `Convolution2D(8, 3, 3, border_mode="same")`."""
    layer, *given = args
    lengths = next((names for names in _LENGTHS if names[0] in kwargs), ())
    if lengths:
        kwargs["kernel_size"] = tuple([kwargs.pop(name) for name in lengths])
    elif len(given) == 1 + layer.rank > 2:
        args = (layer, given[0], tuple(given[1:]))
    return _ordered(args, kwargs)


def _both_kernels(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    args, kwargs = _kernel(args, kwargs)
    if "init" in kwargs:
        kwargs["depthwise_initializer"] = kwargs["pointwise_initializer"] = kwargs.pop("init")
    return args, kwargs


def _forgetting(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """The bias of forget gates began with ones or something else."""
    first = kwargs.pop("forget_bias_init", "one")
    if first not in ("one", "ones"):
        if first not in ("zero", "zeros"):
            raise ValueError(f"{type(args[0]).__name__}(forget_bias_init={first!r}): expected 'one' or 'zero'.")
        kwargs["unit_forget_bias"] = False
    return args, kwargs


def _kernel_and_states(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    return _kernel(*_forgetting(args, kwargs))


def _pooling(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Arguments:
    """Average pooling, which has no size by itself in Keras 3, had one."""
    if len(args) == 1 and "pool_length" not in kwargs:
        kwargs.setdefault("pool_size", 2)
    return _ordered(args, kwargs)


_OLDER_LENGTHS = {*[names[0] for names in _LENGTHS], *OF_CONVOLUTION, "dim_ordering"}
convolution = Older(OF_CONVOLUTION, first=_kernel, asks=_OLDER_LENGTHS)
_recurrent = Older(
    _RECURRENT,
    first=_forgetting,
    asks=["forget_bias_init"],
    ignored=["consume_less"],  # which chose among equal computations
    only={"time_major": (False, "Swap the first two axes of the inputs: ops.swapaxes(x, 0, 1).")},
)
_rate = Older({"p": "rate"})
_with_ordering = Older(first=_ordered, asks=["dim_ordering"])

CHANGES = {
    "BatchNormalization.__init__": Older(
        {"beta_init": "beta_initializer", "gamma_init": "gamma_initializer"},
        ignored=["fused"],  # Keras 2's choice of a kernel
        only={"mode": (0, "Use LayerNormalization for mode=1."), "virtual_batch_size": (None, "Leave it out.")},
    ),
    "Dense.__init__": Older({"output_dim": "units", **AFFINE}),
    "Dropout.__init__": _rate,
    "Embedding.__init__": Older(
        {
            "W_constraint": "embeddings_constraint",
            "W_regularizer": "embeddings_regularizer",
            "init": "embeddings_initializer",
        },
        only={"dropout": (0, "Put a SpatialDropout1D layer after it.")},
    ),
    "GRU.__init__": _recurrent,
    "GaussianDropout.__init__": _rate,
    "GaussianNoise.__init__": Older({"sigma": "stddev"}),
    "L1.__init__": Older({"l": "l1"}),
    "L2.__init__": Older({"l": "l2"}),
    "LSTM.__init__": _recurrent,
    "MaxNorm.__init__": Older({"m": "max_value"}),
    "ReLU.__init__": Older({"alpha": "negative_slope"}),
    "SimpleRNN.__init__": _recurrent,
    "UpSampling1D.__init__": Older({"length": "size"}),
    "UpSampling2D.__init__": _with_ordering,
    "_Conv.__init__": convolution,
    "_ConvLSTM.__init__": Older(
        {**_STATES, **OF_CONVOLUTION},
        first=_kernel_and_states,
        asks={*_OLDER_LENGTHS, "forget_bias_init"},
        ignored=["consume_less"],
    ),
    "_ConvTranspose.__init__": convolution,
    "_GlobalPooling.__init__": _with_ordering,
    "_LocallyConnected.__init__": convolution,
    "_Pooling.__init__": Older(_POOLING, first=_pooling, asks=["dim_ordering"], always=True),
    "_SeparableConv.__init__": Older(OF_CONVOLUTION, first=_both_kernels, asks=_OLDER_LENGTHS),
    "_WithDefaultSize.__init__": Older(_POOLING, first=_ordered, asks=["dim_ordering"]),
    "_ZeroPadding.__init__": _with_ordering,
    "imdb.load_data": Older({"nb_words": "num_words"}),
    "reuters.load_data": Older({"nb_words": "num_words"}),
}
