"""Arguments as PyTorch, older TensorFlow and other books call them, and what stands for them here."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from eagerflow.base.errors import did_you_mean

__all__ = ["argument_meant", "arguments_meant"]

# Another library's name, and ours: of several, the first that the function has.
_OURS = {
    "dim": ("axis", "axes", "dims"),
    "dims": ("axis", "axes"),
    "keepdim": ("keepdims",),
    "keep_dims": ("keepdims",),
    "reduction_indices": ("axis",),
    **dict.fromkeys(("out_features", "hidden_size", "hidden_units", "n_units", "neurons", "nodes"), ("units",)),
    **dict.fromkeys(("out_channels", "num_filters", "n_filters"), ("filters",)),
    "kernel_size": ("pool_size", "size"),
    "stride": ("strides",),
    "dilation": ("dilation_rate",),
    "bias": ("use_bias",),
    "p": ("rate", "axis", "ord"),
    "prob": ("rate",),
    "dropout_rate": ("rate", "dropout"),
    "num_embeddings": ("input_dim",),
    "vocab_size": ("input_dim",),
    "embedding_dim": ("output_dim",),
    "embedding_size": ("output_dim",),
    "eps": ("epsilon",),
    "lr": ("learning_rate",),
    "nonlinearity": ("activation",),
    "activation_function": ("activation",),
    "act": ("activation",),
    "ignore_index": ("ignore_class",),
    "requires_grad": ("trainable",),
    "scale_factor": ("size",),
    "label_smooth": ("label_smoothing",),
}

_SIZE_OF_INPUT = "Leave {} out: the size of the input is found at the first call."

# Names for which nothing stands here, and what to write instead.
_GONE = {
    **dict.fromkeys(
        ("in_features", "in_channels", "input_size", "num_features", "normalized_shape", "in_dim"), _SIZE_OF_INPUT
    ),
    "num_layers": "{cls} is one layer: put several in a row, all but the last with return_sequences=True.",
    "batch_first": "Leave {} out: the batch always comes first, (batch, time, features).",
    "bidirectional": "Wrap the layer: layers.Bidirectional(layers.{cls}(...)).",
    "inplace": "Leave {} out: layers give new tensors.",
    "affine": "Write center= and scale= for it.",
    "elementwise_affine": "Write center= and scale= for it.",
    "track_running_stats": "Leave {} out: the averages are always kept.",
    "padding_idx": "For padding with 0 write mask_zero=True.",
    "embed_dim": "key_dim is the size of one head: embed_dim // num_heads.",
    "keep_prob": "rate is the part that is dropped, 1 - keep_prob.",
    "betas": "Write beta_1= and beta_2=.",
    "ceil_mode": "Leave {} out; padding='same' keeps the rest of a window.",
    "return_indices": "Leave {} out.",
}


def argument_meant(name: str, known: Collection[str], cls: str = "", value: Any = None) -> str:
    """`" Use axis=."` where another library calls an argument `name`, else the nearest of `known`, or nothing.

    Args:
        name: what was given.
        known: what the function takes.
        cls: the class that is made.
        value: of the argument, where it is to be written again.

    >>> from eagerflow.base.wording.other_arguments import argument_meant
    >>> argument_meant("dim", ["x", "axis"]), argument_meant("axiss", ["x", "axis"])
    (' Use axis=.', " Did you mean 'axis'?")
    >>> argument_meant("hidden_size", ["units"], "LSTM", 8)
    ' Use units=8.'
    """
    ours = next((each for each in _OURS.get(name, ()) if each in known), None)
    if ours is not None:
        shown = repr(value) if isinstance(value, (bool, int, float, str)) else ""
        return f" Use {ours}={shown if len(shown) <= 20 else ''}."
    if cls and name in _GONE:
        return f" {_GONE[name].format(name, cls=cls)}"
    return did_you_mean(name, known)


def arguments_meant(given: dict[str, Any], known: Collection[str], cls: str) -> tuple[str, str]:
    """Those of `given` that a class doesn't take, for a sentence, and what to write for each; see `argument_meant`.

    >>> from eagerflow.base.wording.other_arguments import arguments_meant
    >>> arguments_meant({"in_features": 4, "out_features": 8}, ["units"], "Dense")[0]
    "no arguments 'in_features' and 'out_features'"
    """
    unknown = [name for name in given if name not in known][:3]
    cures: dict[str, None] = dict.fromkeys(argument_meant(name, known, cls, given[name]) for name in unknown)
    if len(unknown) == 1:
        return f"no argument {unknown[0]!r} (value {given[unknown[0]]!r:.60})", "".join(cures)
    *others, last = map(repr, unknown)
    used = [cure.removeprefix(" Use ").rstrip(".") for cure in cures if cure.startswith(" Use ")]
    rest = "".join([cure for cure in cures if not cure.startswith(" Use ")])
    return f"no arguments {', '.join(others)} and {last}", rest + (f" Use {' and '.join(used)}." if used else "")
