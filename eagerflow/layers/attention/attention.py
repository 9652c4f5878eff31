"""`Attention` and `AdditiveAttention`: weighted means of values, by how well keys match queries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from eagerflow import ops, random
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import Number, Seed, Shape, TensorLike
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layer.settings import one_of, share
from eagerflow.layer.symbolic.tensors import SymbolicTensor

__all__ = ["AdditiveAttention", "Attention"]


def check_batches(layer: Layer, query_shape: Shape, *others: Shape) -> None:
    """Each sample of the query looks into one of value and key: their batches are equal, as far as they are known."""
    for shape in others:
        if shape[0] not in (None, query_shape[0]) and query_shape[0] is not None:
            raise ValueError(
                f"{describe(layer)}: query, value and key need equal batches; got shapes {tuple(query_shape)} "
                f"and {tuple(shape)}."
            )


class Attention(Layer):
    """Dot-product attention (Luong style).

    Args:
        use_scale: whether the scores are multiplied by a learned number.
        score_mode: `"dot"` (query times key) or `"concat"` (a learned number times the sum of
            `tanh(query + key)`).
        dropout: the fraction of the weights that is dropped while training.
        seed: an integer, or None for one that `set_random_seed` decides.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Called on `[query, value]` or `[query, value, key]`, of shapes (batch, targets, width), (batch, sources, width)
    and (batch, sources, width). Output: (batch, targets, width of value); with `return_attention_scores=True` also
    the weights (batch, targets, sources).

    Raises:
        ValueError: for an unknown score_mode or a rate outside [0, 1]; on a call, for other inputs.

    Source: Luong et al. 2015, https://arxiv.org/abs/1508.04025.

    >>> query = ef.Tensor([[[9.0, 0.0]]])  # (batch, targets, features)
    >>> value = ef.Tensor([[[10.0, 0.0], [0.0, 10.0]]])  # is the key, too
    >>> output, weights = ef.layers.Attention()([query, value], return_attention_scores=True)
    >>> weights.numpy().astype(float).round(3).tolist(), output.numpy().astype(float).round(3).tolist()
    ([[[1.0, 0.0]]], [[[10.0, 0.0]]])
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: Literal["dot", "concat"] | str = "dot",
        dropout: Number = 0.0,
        seed: Seed = None,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.use_scale = use_scale
        self.score_mode = one_of(self, "score_mode", score_mode, ("dot", "concat"))
        self.dropout = share(self, "dropout", dropout)
        self.seed = seed
        if dropout:
            self.seed_generator = random.SeedGenerator(seed)

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Create the weights that `use_scale` and `score_mode` ask for."""
        self._check(input_shape)
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones") if self.use_scale else None
        self.concat_score_weight = None
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(name="concat_score_weight", shape=(), initializer="ones")
        self.built = True

    def _check(self, parts: Any) -> None:
        is_list = isinstance(parts, (list, tuple)) and not any(n is None or isinstance(n, int) for n in parts)
        if not is_list or len(parts) not in (2, 3):
            raise ValueError(
                f"{describe(self)} is called on a list [query, value] or [query, value, key]; for a sequence x that "
                "looks at itself: [x, x]."
            )

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """The attention scores before softmax: (batch, targets, sources).

        Args:
            query: (batch, targets, features).
            key: (batch, sources, features).

        >>> layer = ef.layers.Attention()
        >>> layer.build([(1, 1, 2), (1, 2, 2)])
        >>> layer.scores(ef.Tensor([[[1.0, 0.0]]]), ef.Tensor([[[3.0, 4.0], [5.0, 6.0]]])).tolist()
        [[[3.0, 5.0]]]
        """
        if self.score_mode == "dot":
            found = query @ key.swapaxes(-2, -1)
            return found if self.scale is None else found * self.scale
        pairs = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        pairs = pairs if self.scale is None else pairs * self.scale
        return ops.sum(ops.tanh(pairs), axis=-1) * self.concat_score_weight

    if TYPE_CHECKING:

        @overload
        def __call__(  # type: ignore[overload-overlap]
            self,
            inputs: Sequence[TensorLike],
            mask: TensorLike = None,
            training: bool | None = None,
            *,
            return_attention_scores: Literal[True],
            use_causal_mask: bool = False,
        ) -> tuple[Tensor, Tensor]: ...
        @overload
        def __call__(
            self,
            inputs: Sequence[TensorLike],
            mask: TensorLike = None,
            training: bool | None = None,
            return_attention_scores: bool = False,
            use_causal_mask: bool = False,
        ) -> Tensor: ...
        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def call(
        self,
        inputs: Sequence[Tensor],
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """The mean of the values, weighted by how well their keys match each query.

        Args:
            inputs: `[query, value]` or `[query, value, key]`.
            mask: the masks of query and value, (batch, targets) and (batch, sources), in a list.
            training: whether the dropout is on.
            return_attention_scores: whether the weights are returned too.
            use_causal_mask: whether a target only sees sources up to its own position.
        """
        self._check(inputs)
        if mask is not None and (not isinstance(mask, (list, tuple)) or len(mask) not in (2, 3)):
            raise ValueError(
                f"{describe(self)}: mask: expected a list of the masks of query and value, each "
                f"may be None; got {signature_of(mask)}."
            )
        query, value = inputs[0], inputs[1]
        of_query, of_value = (mask[0], mask[1]) if mask is not None else (None, None)
        scores = self.scores(query, inputs[2] if len(inputs) > 2 else value)
        seen = None if of_value is None else ops.expand_dims(ops.cast(of_value, "bool"), -2)
        if use_causal_mask:
            causal = causal_mask(scores.shape[-2], scores.shape[-1])
            seen = causal if seen is None else ops.logical_and(seen, causal)
        if seen is not None:
            lowest = 65504.0 if scores.dtype == "float16" else 1e9
            scores = scores - lowest * (1.0 - ops.cast(seen, scores.dtype))
        weights = ops.softmax(scores, axis=-1)
        if training and self.dropout:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        out = weights @ value
        if of_query is not None:
            out = ops.where(ops.expand_dims(ops.cast(of_query, "bool"), -1), out, 0)
        return (out, weights) if return_attention_scores else out

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the query."""
        return None if mask is None else mask[0]

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """(batch, targets, width of value)."""
        self._check(input_shape)
        check_batches(self, *input_shape)
        return (*input_shape[0][:-1], input_shape[1][-1])

    def compute_output_spec(
        self,
        inputs: Any,
        mask: Any = None,
        training: bool = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """The outputs for symbolic inputs."""
        shapes = [x.shape for x in inputs]
        out = SymbolicTensor(self.compute_output_shape(shapes), self.compute_dtype)
        if not return_attention_scores:
            return out
        return out, SymbolicTensor((*shapes[0][:-1], shapes[-1][-2]), self.compute_dtype)


class AdditiveAttention(Attention):
    """Additive attention (Bahdanau style): the scores are sums of `scale * tanh(query + key)`.

    Args:
        use_scale: whether `scale` is learned, one number per feature; otherwise it is 1.
        dropout: the fraction of the weights that is dropped while training.
        **kwargs: arguments of every layer, and `seed`.

    Inputs and outputs are those of `Attention`.

    Raises:
        ValueError: for a rate outside [0, 1]; on a call, for other inputs.

    Source: Bahdanau et al. 2014, https://arxiv.org/abs/1409.0473.

    >>> query, value = ef.ops.zeros((1, 2, 4)), ef.ops.stack([ef.ops.zeros(4), ef.ops.full(4, 8.0)])[None]
    >>> output, weights = ef.layers.AdditiveAttention(use_scale=False)([query, value], return_attention_scores=True)
    >>> weights.numpy().astype(float).round(2).tolist(), output.shape  # the larger key counts more
    ([[[0.02, 0.98], [0.02, 0.98]]], (1, 2, 4))
    """

    _config_adds = ("seed",)

    def __init__(self, use_scale: bool = True, dropout: Number = 0.0, **kwargs: Unpack[LayerOptions]) -> None:
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Creates the scale."""
        self._check(input_shape)
        self.scale = None
        if self.use_scale:
            width = input_shape[0][-1]
            self.scale = self.add_weight(name="scale", shape=(width,), initializer="glorot_uniform")
        self.built = True

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """The attention scores before softmax: (batch, targets, sources).

        Args:
            query: (batch, targets, features).
            key: (batch, sources, features).

        >>> layer = ef.layers.AdditiveAttention(use_scale=False)
        >>> layer.build([(1, 1, 2), (1, 2, 2)])
        >>> layer.scores(ef.Tensor([[[1.0, 0.0]]]), ef.Tensor([[[-1.0, 0.0], [9.0, 9.0]]])).numpy().round(2).tolist()
        [[[0.0, 2.0]]]
        """
        pairs = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(pairs if self.scale is None else pairs * self.scale, axis=-1)


def causal_mask(targets: int, sources: int) -> Tensor:
    """(1, targets, sources) of bools: True where the source is not behind the target."""
    rows = ops.arange(targets, dtype="int32").reshape((1, targets, 1))
    return ops.greater_equal(rows, ops.arange(sources, dtype="int32").reshape((1, 1, sources)))
