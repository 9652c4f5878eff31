"""`ReversibleEmbedding`: vectors for integers, and scores of integers for vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from eagerflow import ops
from eagerflow.base.typing import (
    ConstraintLike,
    InitializerLike,
    Integer,
    PolicyLike,
    RegularizerLike,
    Shape,
    TensorLike,
)
from eagerflow.core.tensor import Tensor
from eagerflow.layer.layer_options import NamedOptions
from eagerflow.layer.settings import passed_on
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.layer.tensor_masks import set_mask
from eagerflow.layers.core.embedding import Embedding

__all__ = ["ReversibleEmbedding"]


class ReversibleEmbedding(Embedding):
    """An embedding that can also project back: `layer(vectors, reverse=True)` returns a logit for every integer.

    Args:
        input_dim: the size of the vocabulary: inputs are integers from 0 to `input_dim - 1`.
        output_dim: the length of the vectors.
        tie_weights: whether the reverse projection uses the embedding's vectors; otherwise it has its own weights.
        embeddings_initializer: initializer of the vectors.
        embeddings_regularizer: penalty on the vectors.
        embeddings_constraint: constraint on the vectors.
        mask_zero: if True, 0 marks padding, which the following layers ignore through a mask.
        reverse_dtype: the type of the reverse projection; default: the compute type.
        logit_soft_cap: scores become `cap * tanh(scores / cap)`, which lies between -cap and cap; None for no cap.
        **kwargs: arguments of `Embedding` and of every layer.

    Raises:
        ValueError: for sizes below 1, or a cap that is not positive.

    Source: Press and Wolf 2016, https://arxiv.org/abs/1608.05859.

    >>> layer = ef.layers.ReversibleEmbedding(10, 4)
    >>> vectors = layer(ef.Tensor([[1, 2, 3]]))
    >>> vectors.shape, layer(vectors, reverse=True).shape
    ((1, 3, 4), (1, 3, 10))
    """

    _config_adds = ("activity_regularizer", "quantization_config")

    def __init__(
        self,
        input_dim: Integer,
        output_dim: Integer,
        tie_weights: bool = True,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike = None,
        embeddings_constraint: ConstraintLike = None,
        mask_zero: bool = False,
        reverse_dtype: PolicyLike = None,
        logit_soft_cap: float | None = None,
        **kwargs: Unpack[NamedOptions],
    ) -> None:
        super().__init__(**passed_on(locals(), Embedding), **kwargs)
        if logit_soft_cap is not None and not logit_soft_cap > 0:
            raise ValueError(f"ReversibleEmbedding(logit_soft_cap={logit_soft_cap!r}): expected a positive number.")
        self.tie_weights = tie_weights
        self.reverse_dtype = reverse_dtype
        self.logit_soft_cap = logit_soft_cap

    def build(self, input_shape: Shape | None = None) -> None:
        """Creates the vectors, and the weights of the reverse projection unless they are tied."""
        if self.built:
            return
        super().build(input_shape)
        if not self.tie_weights and not self._packed_weights:
            self.reverse_embeddings = self.add_weight(
                name="reverse_embeddings",
                shape=(self.output_dim, self.input_dim),
                initializer=self.embeddings_initializer,
            )

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, reverse: bool = False, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor, reverse: bool = False) -> Tensor:
        """The vectors for integers; with `reverse`, the scores of all integers for vectors.

        Args:
            inputs: integers of any shape; with `reverse`, vectors (..., output_dim).
            reverse: whether to compute scores, (..., input_dim).
        """
        if not reverse:
            vectors = super().call(inputs)
            if self.mask_zero:
                set_mask(vectors, ops.not_equal(inputs, 0))
            return vectors
        kernel = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        dtype = self.reverse_dtype or self.compute_dtype
        return self._capped(ops.matmul(ops.cast(inputs, dtype), ops.cast(kernel, dtype)))

    def _capped(self, scores: Tensor) -> Tensor:
        if self.logit_soft_cap is not None:
            scores = ops.tanh(scores / self.logit_soft_cap) * self.logit_soft_cap
        return scores

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns None: `call` itself sets the mask of the vectors, since scores have none."""
        return None

    def compute_output_shape(self, input_shape: Shape, reverse: bool = False) -> Shape:
        """The shape of the vectors, or with `reverse` of the scores."""
        return (*input_shape[:-1], self.input_dim) if reverse else (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs: Any, reverse: bool = False) -> Any:
        """The symbolic output for a symbolic input, with `reverse` as in `call`."""
        dtype = self.reverse_dtype if reverse and self.reverse_dtype else self.compute_dtype
        return SymbolicTensor(self.compute_output_shape(inputs.shape, reverse), dtype)
