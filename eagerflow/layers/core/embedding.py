"""`Embedding`: a learned vector for each integer."""

from __future__ import annotations

from typing import Any

from eagerflow import ops
from eagerflow.base.errors import WrongTypeError
from eagerflow.base.typing import Identifier, Shape
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.call_context import current_call
from eagerflow.layer.keras_1_arguments import older, only
from eagerflow.layer.layer import Layer
from eagerflow.layer.settings import integer, settle, settled_weight, without_lora

__all__ = ["Embedding"]


class Embedding(Layer):
    """Looks up a vector for every integer.

    Args:
        input_dim: how many integers there are: inputs go from 0 to `input_dim - 1`.
        output_dim: the length of the vectors.
        embeddings_initializer: first values of the vectors, of shape (input_dim, output_dim).
        embeddings_regularizer: penalty on the vectors.
        embeddings_constraint: bounds on the vectors.
        mask_zero: whether 0 marks padding, which later layers then leave out.
        weights: the first values themselves.
        lora_rank: not available here; kept for Keras' signature.
        lora_alpha: not available here.
        quantization_config: not available here.
        **kwargs: arguments of every layer (Keras 2's `input_length` is accepted and not needed).

    Input: integers of any shape. Output: that shape, then `output_dim`.

    Raises:
        ValueError: for sizes below 1, or weights of another shape.
        IndexError: on a call, for an integer outside the range.

    >>> import eagerflow as ef
    >>> Embedding(3, 2, weights=[[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])(ef.Tensor([[2, 1]])).tolist()
    [[[3.0, 4.0], [1.0, 2.0]]]
    """

    _untold = ("weights", "lora_rank", "lora_alpha")
    _also_told: tuple[str, ...] = ("activity_regularizer",)

    @only(dropout=(0, "Put a SpatialDropout1D layer after it."))
    @older(W_constraint="embeddings_constraint", W_regularizer="embeddings_regularizer", init="embeddings_initializer")
    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Identifier = "uniform",
        embeddings_regularizer: Identifier = None,
        embeddings_constraint: Identifier = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: Any = None,
        lora_alpha: Any = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        length = kwargs.pop("input_length", None)
        if length is not None and not kwargs.keys() & {"batch_input_shape", "batch_shape", "input_shape"}:
            kwargs["input_shape"] = length  # what Keras 2 took it for
        super().__init__(**kwargs)
        without_lora(self, lora_rank=lora_rank, lora_alpha=lora_alpha, quantization_config=quantization_config)
        self.input_dim = integer(self, "input_dim", input_dim, wrong_type=WrongTypeError)
        self.output_dim = integer(self, "output_dim", output_dim, wrong_type=WrongTypeError)
        settle(self, locals(), "mask_zero")
        self.quantization_config = None
        self.supports_masking = mask_zero
        self.autocast = False
        if weights is not None:
            self.build()
            given = weights[0] if isinstance(weights, (list, tuple)) and len(weights) == 1 else weights
            self.embeddings.assign(given)

    def build(self, input_shape: Shape | None = None) -> None:
        """Make the vectors."""
        if self.built:
            return
        self.embeddings = settled_weight(self, "embeddings", (self.input_dim, self.output_dim))
        self.built = True

    def call(self, inputs: Tensor) -> Tensor:
        """The vectors of the integers in `inputs`."""
        indices = convert_to_tensor(inputs)
        indices = indices if indices.dtype.kind in "iu" else ops.cast(indices, "int32")
        indices = self._in_range(indices)
        return ops.cast(ops.take(self.embeddings, indices, axis=0), self.compute_dtype)

    def _in_range(self, indices: Tensor) -> Tensor:
        """Array modules would count negative integers from the end, or wrap around."""
        data = indices.data
        if data.size and (int(data.min()) < 0 or int(data.max()) >= self.input_dim):
            context = current_call.get()
            if context is not None and context.probing:
                return ops.clip(indices, 0, self.input_dim - 1)  # lengths that are tried out need not be possible
            raise IndexError(
                f'Embedding "{self.name}" has vectors for 0 to {self.input_dim - 1} (input_dim={self.input_dim}); '
                f"the inputs go from {int(data.min())} to {int(data.max())}."
            )
        return indices

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """False where the input is 0, if 0 marks padding."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input, then `output_dim`."""
        return (*input_shape, self.output_dim)
