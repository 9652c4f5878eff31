"""`GroupedQueryAttention`, which Keras exports as `GroupQueryAttention`."""

from __future__ import annotations

from typing import Any, Unpack

from eagerflow import ops
from eagerflow.base.typing import ConstraintLike, InitializerLike, Integer, Number, RegularizerLike, Seed, Shape
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer_options import WeightOptions
from eagerflow.layer.settings import integer, passed_on
from eagerflow.layers.activations import Softmax
from eagerflow.layers.attention.multi_head_attention import MultiHeadAttention, equations
from eagerflow.layers.dropout import Dropout

__all__ = ["GroupQueryAttention", "GroupedQueryAttention"]


class GroupedQueryAttention(MultiHeadAttention):
    """Attention in which several heads of queries share a head of keys and values.

    Args:
        head_dim: the width of each head.
        num_query_heads: the number of query heads.
        num_key_value_heads: the number of key and value heads; it must divide `num_query_heads`.
        dropout: the fraction of the attention weights that is dropped while training.
        use_bias: whether the projections have biases.
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
        ValueError: for sizes below 1, a rate outside [0, 1], or heads that can't be shared evenly.

    Source: Ainslie et al. 2023, https://arxiv.org/abs/2305.13245.

    >>> layer = ef.layers.GroupQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2)
    >>> x = ef.ops.ones((2, 5, 8))
    >>> layer(x, x).shape
    (2, 5, 8)
    >>> sorted((w.path.split("/")[-2], tuple(w.shape)) for w in layer.weights if w.name == "kernel")
    [('attention_output', (4, 4, 8)), ('key', (8, 2, 4)), ('query', (8, 4, 4)), ('value', (8, 2, 4))]
    """

    _exported_as = "GroupQueryAttention"
    _private_in_files = ("query_dense", "key_dense", "value_dense", "gate_dense", "output_dense")  # as in Keras

    def __init__(
        self,
        head_dim: Integer,
        num_query_heads: Integer,
        num_key_value_heads: Integer,
        dropout: Number = 0.0,
        use_bias: bool = True,
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
        super().__init__(num_query_heads, head_dim, **passed_on(locals(), MultiHeadAttention), **kwargs)
        self.head_dim = self.key_dim
        self.num_query_heads = self.num_heads
        self.num_key_value_heads = integer(self, "num_key_value_heads", num_key_value_heads)
        if self.num_query_heads % self.num_key_value_heads:
            raise ValueError(
                f"GroupedQueryAttention(num_query_heads={num_query_heads}, num_key_value_heads={num_key_value_heads}): "
                "the heads of queries must be a multiple of those of keys and values."
            )

    def build(self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None) -> None:
        """Creates the weights of the projections.

        Args:
            query_shape: the shape of the queries, with the batch axis.
            value_shape: the shape of the values.
            key_shape: the shape of the keys; default: that of the values.
        """
        key_shape = value_shape if key_shape is None else key_shape
        self._check_lengths(value_shape, key_shape)
        of_queries, shared = (self.num_query_heads, self.head_dim), (self.num_key_value_heads, self.head_dim)
        self.query_dense = self._projection("query", query_shape, of_queries)
        self.key_dense = self._projection("key", key_shape, shared)
        self.gate_dense = None
        if self.use_gate:
            self.gate_dense = self._projection("gate", query_shape, of_queries, activation="sigmoid")
        self.value_dense = self._projection("value", value_shape, shared)
        self.attention_axes = (1,)
        self._scores_equation, self._means_equation = equations(4, self.attention_axes)
        self.softmax = Softmax(axis=-1, dtype=self.dtype_policy)
        self.dropout_layer = Dropout(self.dropout, seed=self.seed, dtype=self.dtype_policy)
        joined = (*query_shape[:-1], *of_queries)
        self.output_dense = self._projection("attention_output", joined, (query_shape[-1],), taken=2)
        self.built = True

    def _attended(
        self, query: Tensor, key: Tensor, value: Tensor, seen: Any, training: Any, with_weights: bool
    ) -> tuple[Tensor, Any]:
        """The heads' means of the values, each head of keys and values serving several of queries."""
        times = self.num_query_heads // self.num_key_value_heads
        key, value = ops.repeat(key, times, axis=2), ops.repeat(value, times, axis=2)
        return super()._attended(query, key, value, seen, training, with_weights)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        config = super().get_config()
        for name in ("num_heads", "key_dim", "value_dim", "output_shape", "attention_axes"):
            del config[name]
        names = ("head_dim", "num_query_heads", "num_key_value_heads")
        return {**config, **{name: getattr(self, name) for name in names}}


GroupQueryAttention = GroupedQueryAttention  # Keras' name
