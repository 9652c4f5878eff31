"""`CategoryEncoding`: integers as vectors of zeros and ones, or of counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Unpack

from eagerflow.base.typing import Shape, TensorLike
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions
from eagerflow.layer.settings import integer
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.layers.preprocessing.numbers.encoding import encode, mode_of, without_sparse
from eagerflow.layers.preprocessing.whole_numbers import refuse_fractions

__all__ = ["CategoryEncoding"]


class CategoryEncoding(Layer):
    """Encodes integers from 0 to `num_tokens - 1` as one-hot, multi-hot or count vectors.

    Args:
        num_tokens: how many categories there are.
        output_mode: `"one_hot"` (a vector for each integer), `"multi_hot"` (ones at all integers of an example)
            or `"count"` (how often each occurs).
        sparse: only False is possible.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: integers (batch, n), (n,) or (). Output: (batch, num_tokens), or with one more axis for `"one_hot"`
    unless the last one has length 1.

    Raises:
        ValueError: for invalid settings; on a call, for integers outside of the range, and (also a TypeError)
            for numbers with fractions.

    Source: `keras.layers.CategoryEncoding` 3.15.

    >>> ef.layers.CategoryEncoding(num_tokens=4, output_mode="count")([[0, 1], [0, 0]]).tolist()
    [[1.0, 1.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0]]
    """

    _convert_input_args = False

    _config_omits = ("sparse",)

    def __init__(
        self,
        num_tokens: int | None = None,
        output_mode: Literal["one_hot", "multi_hot", "count"] | str = "multi_hot",
        sparse: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        super().__init__(**kwargs)
        without_sparse(self, sparse=sparse)
        if num_tokens is None:
            raise ValueError(
                "CategoryEncoding(num_tokens=None): expected the number of categories. If it isn't known beforehand, "
                "IntegerLookup finds it."
            )
        self.num_tokens = integer(self, "num_tokens", num_tokens)
        self.output_mode = mode_of(self, output_mode, ("count", "one_hot", "multi_hot"))
        self.sparse = sparse

    if TYPE_CHECKING:

        def __call__(
            self, inputs: TensorLike, count_weights: TensorLike = None, *, training: bool | None = None
        ) -> Tensor: ...

    def call(self, inputs: Any, count_weights: Any = None) -> Tensor:
        """The vectors of `inputs`.

        Args:
            inputs: integers: (batch, n), (n,) or ().
            count_weights: the weight of each integer, in the shape of `inputs`; only for `"count"`.
        """
        if count_weights is not None and self.output_mode != "count":
            raise ValueError(f'{describe(self)}: count_weights need output_mode="count"; it is {self.output_mode!r}.')
        weights = None if count_weights is None else convert_to_tensor(count_weights, self.compute_dtype)
        return encode(self._checked(inputs), self.output_mode, self.num_tokens, self.compute_dtype, weights)

    def _checked(self, inputs: Any) -> Tensor:
        indices = convert_to_tensor(inputs)
        refuse_fractions(self, indices.data)
        indices = indices if indices.dtype.kind in "iu" else indices.astype("int64")
        if indices.size and (indices.data.min() < 0 or indices.data.max() >= self.num_tokens):
            raise ValueError(
                f"{describe(self)}: expected integers from 0 to {self.num_tokens - 1} "
                f"(num_tokens={self.num_tokens}); got {indices.data.min()} to {indices.data.max()}."
            )
        return indices

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input with `num_tokens` in place of the last axis, or after it."""
        shape = tuple(input_shape)
        whole = self.output_mode == "one_hot" and (len(shape) == 1 or (shape and shape[-1] != 1))
        return (*(shape if whole else shape[:-1]), self.num_tokens)

    def compute_output_spec(self, inputs: Any, count_weights: Any = None) -> SymbolicTensor:
        """The symbolic output for symbolic inputs."""
        return SymbolicTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)
