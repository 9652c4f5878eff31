"""`MultiHeadAttention`."""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

import numpy

from eagerflow import constraints, initializers, ops, regularizers
from eagerflow.base.typing import (
    ActivationLike,
    ConstraintLike,
    InitializerLike,
    Integer,
    Number,
    RegularizerLike,
    Seed,
    Shape,
    TensorLike,
)
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import WeightOptions
from eagerflow.layer.settings import described, integer, share
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.layers.activations import Softmax
from eagerflow.layers.attention.attention import causal_mask, check_batches
from eagerflow.layers.core.einsum_dense import EinsumDense
from eagerflow.layers.dropout import Dropout

__all__ = ["MultiHeadAttention"]


class MultiHeadAttention(Layer):
    """Multi-head attention: dot-product attention by several heads, each on its own learned projections of the inputs.

    Args:
        num_heads: the number of attention heads.
        key_dim: the width of each head's queries and keys.
        value_dim: the width of each head's values; default: `key_dim`.
        dropout: the fraction of the attention weights that is dropped while training.
        use_bias: whether the projections have biases.
        output_shape: the width of the output; default: that of the query.
        attention_axes: the axes that attention goes over; default: all but the first (batch) and the last.
        sliding_window: let each target attend only to sources less than this many positions away; None for all.
        flash_attention: accepted for compatibility with Keras; it changes nothing.
        kernel_initializer: initializer of the projections' kernels.
        bias_initializer: initializer of their biases.
        kernel_regularizer: penalty on the kernels.
        bias_regularizer: penalty on the biases.
        activity_regularizer: penalty on the projections' outputs.
        kernel_constraint: constraint on the kernels.
        bias_constraint: constraint on the biases.
        use_gate: whether the heads' outputs are multiplied by a sigmoid of a projection of the query.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Called on query (batch, targets, width), value (batch, sources, width) and optionally key. Output:
    (batch, targets, width).

    Raises:
        ValueError: for sizes below 1 or a rate outside [0, 1].

    Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762.

    >>> layer = ef.layers.MultiHeadAttention(num_heads=2, key_dim=4)
    >>> x = ef.ops.ones((1, 3, 8))
    >>> layer(x, x).shape  # self-attention
    (1, 3, 8)
    >>> output, weights = layer(x, x, return_attention_scores=True, use_causal_mask=True)
    >>> weights.shape  # (batch, heads, targets, sources)
    (1, 2, 3, 3)
    >>> weights[0, 0].numpy().astype(float).round(2).tolist()  # no look ahead
    [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.33, 0.33, 0.33]]
    """

    _passes_policy_on = True
    _private_in_files: tuple[str, ...] = ("gate_dense",)  # as in Keras, where it is no property

    def __init__(
        self,
        num_heads: Integer,
        key_dim: Integer,
        value_dim: int | None = None,
        dropout: Number = 0.0,
        use_bias: bool = True,
        output_shape: int | Sequence[int] | None = None,
        attention_axes: int | Sequence[int] | None = None,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike = None,
        bias_regularizer: RegularizerLike = None,
        activity_regularizer: RegularizerLike = None,
        kernel_constraint: ConstraintLike = None,
        bias_constraint: ConstraintLike = None,
        use_gate: bool = False,
        seed: Seed = None,
        **kwargs: Unpack[WeightOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.num_heads = integer(self, "num_heads", num_heads)
        self.key_dim = integer(self, "key_dim", key_dim)
        self.value_dim = self.key_dim if value_dim is None else integer(self, "value_dim", value_dim)
        self.dropout = share(self, "dropout", dropout)
        self.use_bias = use_bias
        self.use_gate = use_gate
        self._output_shape = None
        if output_shape is not None:
            several = output_shape if isinstance(output_shape, (list, tuple)) else (output_shape,)
            self._output_shape = tuple([integer(self, "output_shape", n) for n in several])
        self.attention_axes: Any = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self.sliding_window = None
        if sliding_window is not None:
            self.sliding_window = integer(self, "sliding_window", sliding_window)
        self.seed = seed
        self._of_weights = {
            "kernel_initializer": initializers.get(kernel_initializer),
            "bias_initializer": initializers.get(bias_initializer),
            "kernel_regularizer": regularizers.get(kernel_regularizer),
            "bias_regularizer": regularizers.get(bias_regularizer),
            "activity_regularizer": regularizers.get(activity_regularizer),
            "kernel_constraint": constraints.get(kernel_constraint),
            "bias_constraint": constraints.get(bias_constraint),
        }

    def build(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> None:
        """Creates the weights of the projections.

        Args:
            query_shape: the shape of the queries, with the batch axis.
            value_shape: the shape of the values.
            key_shape: the shape of the keys; default: that of the values.
        """
        key_shape = value_shape if key_shape is None else key_shape
        self._check_lengths(value_shape, key_shape)
        self.query_dense = self._projection("query", query_shape, (self.num_heads, self.key_dim))
        self.key_dense = self._projection("key", key_shape, (self.num_heads, self.key_dim))
        self.gate_dense = None
        if self.use_gate:
            widths = (self.num_heads, self.value_dim)
            self.gate_dense = self._projection("gate", query_shape, widths, activation="sigmoid")
        self.value_dense = self._projection("value", value_shape, (self.num_heads, self.value_dim))
        rank = len(query_shape)
        axes = self.attention_axes if self.attention_axes is not None else range(1, rank - 1)
        self.attention_axes = tuple([a % rank for a in axes])
        self._scores_equation, self._means_equation = equations(rank + 1, self.attention_axes)
        count = len(self.attention_axes)
        self.softmax = Softmax(axis=tuple(range(-count, 0)), dtype=self.dtype_policy)
        self.dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)
        joined = (*query_shape[:-1], self.num_heads, self.value_dim)
        outputs = self._output_shape or (query_shape[-1],)
        self.output_dense = self._projection("attention_output", joined, outputs, taken=2)
        self.built = True

    def _check_lengths(self, value_shape: Any, key_shape: Any) -> None:
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(
                f"{describe(self)} needs value and key of equal lengths; got shapes "
                f"{tuple(value_shape)} and {tuple(key_shape)}."
            )

    def _projection(
        self, name: str, shape: Shape, widths: Shape, taken: int = 1, activation: ActivationLike = None
    ) -> EinsumDense:
        """A built product of the last `taken` axes with a kernel, which gives axes of `widths`."""
        free = len(shape) - taken
        letters = string.ascii_lowercase
        kept, summed = letters[:free], letters[free : free + taken]
        made = letters[free + taken : free + taken + len(widths)]
        settings: dict[str, Any] = {k: v.clone() if hasattr(v, "clone") else v for k, v in self._of_weights.items()}
        layer = EinsumDense(
            f"{kept}{summed},{summed}{made}->{kept}{made}",
            output_shape=(*[None] * (free - 1), *widths),
            activation=activation,
            bias_axes=made if self.use_bias else None,
            name=name,
            dtype=self.dtype_policy,
            **settings,
        )
        layer.supports_masking = True  # of queries and values: they are taken care of in `_seen`
        layer.build(shape)
        return layer

    if TYPE_CHECKING:

        @overload
        def __call__(
            self,
            query: TensorLike,
            value: TensorLike,
            key: TensorLike = None,
            query_mask: TensorLike = None,
            value_mask: TensorLike = None,
            key_mask: TensorLike = None,
            attention_mask: TensorLike = None,
            *,
            return_attention_scores: Literal[True],
            training: bool | None = None,
            use_causal_mask: bool = False,
        ) -> tuple[Tensor, Tensor]: ...
        @overload
        def __call__(
            self,
            query: TensorLike,
            value: TensorLike,
            key: TensorLike = None,
            query_mask: TensorLike = None,
            value_mask: TensorLike = None,
            key_mask: TensorLike = None,
            attention_mask: TensorLike = None,
            return_attention_scores: bool = False,
            training: bool | None = None,
            use_causal_mask: bool = False,
        ) -> Tensor: ...
        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def call(
        self,
        query: Tensor,
        value: Tensor,
        key: Tensor | None = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        use_causal_mask: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Computes the output; with `return_attention_scores=True`, also returns the attention weights of each head.

        Args:
            query: (batch, targets, width).
            value: (batch, sources, width).
            key: (batch, sources, width); default: `value`.
            query_mask: (batch, targets) of bools: False for padding.
            value_mask: (batch, sources) of bools: False for padding.
            key_mask: (batch, sources) of bools: False for padding.
            attention_mask: (batch, targets, sources) of bools: True where a target attends to a source; or with an axis
                of heads (or of length 1) after the batch axis.
            return_attention_scores: whether the weights (batch, heads, targets, sources) are returned too.
            training: whether the dropout is on.
            use_causal_mask: whether a target only sees sources up to its own position.
        """
        check_batches(self, query.shape, value.shape, value.shape if key is None else key.shape)
        if attention_mask is not None:
            _check_mask(self, attention_mask, query.shape, value.shape)
        seen = self._seen(query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask)
        heads_of_query, heads_of_key = self.query_dense(query), self.key_dense(value if key is None else key)
        heads_of_value = self.value_dense(value)
        out, weights = self._attended(
            heads_of_query, heads_of_key, heads_of_value, seen, training, return_attention_scores
        )
        if self.gate_dense is not None:
            out = out * self.gate_dense(query)
        out = self.output_dense(out)
        return (out, weights) if return_attention_scores else out

    def _seen(
        self, query: Tensor, value: Tensor, of_query: Any, of_value: Any, of_key: Any, given: Any, causal: bool
    ) -> Any:
        """(batch, targets, sources) of bools: which sources each target sees; None for all."""
        parts = [] if of_query is None else [ops.expand_dims(ops.cast(of_query, "bool"), -1)]
        parts += [ops.expand_dims(ops.cast(m, "bool"), -2) for m in (of_value, of_key) if m is not None]
        targets, sources = query.shape[1], value.shape[1]
        if causal:
            parts.append(causal_mask(targets, sources))
        if self.sliding_window is not None:
            rows = ops.arange(targets, dtype="int32").reshape((1, targets, 1))
            columns = ops.arange(sources, dtype="int32").reshape((1, 1, sources))
            parts.append(ops.less(ops.absolute(rows - columns), self.sliding_window))
        seen = None
        for part in parts:
            seen = part if seen is None else ops.logical_and(seen, part)
        if given is None:
            return seen
        given = ops.cast(given, "bool")
        if seen is None:
            return given
        while 3 <= seen.ndim < given.ndim:  # a mask with heads: the others are the same for all of them
            seen = ops.expand_dims(seen, -2 * len(self.attention_axes) - 1)
        return ops.logical_and(seen, given)

    def _attended(
        self, query: Tensor, key: Tensor, value: Tensor, seen: Any, training: Any, with_weights: bool
    ) -> tuple[Tensor, Any]:
        """The heads' means of the values, and the weights where they are at hand."""
        rank = query.ndim + len(self.attention_axes) - 1  # of the weights
        if seen is not None:
            at = -2 * len(self.attention_axes) - 1
            while seen.ndim < rank:
                seen = ops.expand_dims(seen, at)
        scale = self.key_dim**-0.5
        if query.ndim == 4 and not with_weights and not (training and self.dropout):
            return ops.dot_product_attention(query, key, value, mask=seen, scale=scale), None
        scores = ops.einsum(self._scores_equation, key, query * scale)
        weights = self.softmax(scores, mask=seen)
        dropped = self.dropout_layer(weights, training=training) if self.dropout else weights
        return ops.einsum(self._means_equation, dropped, value), weights

    def compute_output_shape(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> Shape:
        """The shape of the output: that of the query, with `output_shape` as its width."""
        key_shape = value_shape if key_shape is None else key_shape
        self._check_lengths(value_shape, key_shape)
        check_batches(self, query_shape, value_shape, key_shape)
        return (*query_shape[:-1], *(self._output_shape or (query_shape[-1],)))

    def compute_output_spec(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:
        """The outputs for symbolic inputs."""
        of_key = None if key is None else key.shape
        shape = self.compute_output_shape(query.shape, value.shape, of_key)
        out = SymbolicTensor(shape, self.compute_dtype)
        if not return_attention_scores:
            return out
        axes = self.attention_axes or tuple(range(1, len(query.shape) - 1))
        lengths = [[shape[a] for a in axes] for shape in (query.shape, value.shape)]
        rest = [n for i, n in enumerate(query.shape[:-1]) if i not in axes]
        return out, SymbolicTensor((*rest, self.num_heads, *lengths[0], *lengths[1]), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        names = "num_heads key_dim value_dim dropout use_bias use_gate attention_axes sliding_window seed"
        own = {"output_shape": self._output_shape, **{name: getattr(self, name) for name in names.split()}}
        of_weights = {name: described(name, value) for name, value in self._of_weights.items()}
        return {**super().get_config(), **own, **of_weights}


def _check_mask(layer: MultiHeadAttention, mask: Any, query: Shape, value: Shape) -> None:
    """Raise ValueError unless the mask says for each target which sources it sees."""
    if len(query) != 3 or len(value) != 3 or numpy.ndim(mask) not in (2, 3):
        return
    wanted, shape = (query[0], query[1], value[1]), tuple(numpy.shape(mask))
    if any(None not in (m, n) and m not in (1, n) for m, n in zip(shape[::-1], wanted[::-1])):
        of_sources = shape in ((query[0], value[1]), (1, value[1]))
        cure = " One per source is what key_mask=... or value_mask=... takes." if of_sources else ""
        raise ValueError(
            f"{describe(layer)}: attention_mask needs (batch, targets, sources) = {wanted}; got {shape}.{cure}"
        )


def equations(rank: int, axes: Sequence[int]) -> tuple[str, str]:
    """Scores from keys and queries, and means of values: of tensors (batch, ..., heads, width) of `rank` axes."""
    letters = string.ascii_lowercase
    target = letters[:rank]
    source = "".join([letters[rank + i] if i in axes else c for i, c in enumerate(target)])
    rest = "".join([c for i, c in enumerate(target[:-1]) if i not in axes])
    scores = rest + "".join([target[i] for i in axes]) + "".join([source[i] for i in axes])
    value, out = source[:-1] + letters[-1], target[:-1] + letters[-1]
    return f"{source},{target}->{scores}", f"{scores},{value}->{out}"
