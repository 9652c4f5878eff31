"""`Embedding`: a learned vector for each integer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Unpack

from eagerflow import ops
from eagerflow.base.capturing import replayed_check
from eagerflow.base.errors import WrongTypeError
from eagerflow.base.typing import ConstraintLike, InitializerLike, Integer, RegularizerLike, Shape, TensorLike
from eagerflow.core.device import namespace_of
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.core.variable import Variable
from eagerflow.layer.call_context import current_call
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer_options import EmbeddingOptions
from eagerflow.layer.settings import integer, settle
from eagerflow.layers.core.large_weight import LargeWeight, LargeWeightLayer, StoredWeight

__all__ = ["Embedding"]


class Embedding(LargeWeightLayer):
    """Turns integers, such as the numbers of words, into learned vectors.

    Args:
        input_dim: the size of the vocabulary: inputs are integers from 0 to `input_dim - 1`.
        output_dim: the length of the vectors.
        embeddings_initializer: initializer of the vectors, of shape (input_dim, output_dim).
        embeddings_regularizer: penalty on the vectors.
        embeddings_constraint: constraint on the vectors.
        mask_zero: if True, 0 marks padding, which the following layers ignore through a mask.
        weights: initial values of the vectors; then no initializer is used.
        lora_rank: if given, a low-rank adapter of this rank is trained instead of the vectors (see `enable_lora`).
        lora_alpha: the adapter's output is multiplied by `lora_alpha / lora_rank`.
        quantization_config: how a layer with a quantized `dtype` is quantized.
        **kwargs: arguments of every layer (Keras 2's `input_length` is accepted and not needed).

    Input: integers of any shape. Output: that shape, then `output_dim`.

    Raises:
        ValueError: for sizes below 1, or weights of another shape.
        IndexError: on a call, for an integer outside the range.
        WrongTypeError: on a call, for numbers that aren't whole.

    >>> layer = ef.layers.Embedding(3, 2, weights=[[0.0, 0.0], [1.0, 2.0], [3.0, 4.0]])
    >>> with ef.GradientTape() as tape:
    ...     y = layer(ef.Tensor([[2, 1, 1]]))
    >>> y.tolist()
    [[[3.0, 4.0], [1.0, 2.0], [1.0, 2.0]]]
    >>> tape.gradient(y, layer.embeddings).tolist()  # row 1 was taken twice
    [[0.0, 0.0], [2.0, 2.0], [1.0, 1.0]]
    """

    _config_omits = ("weights", "lora_rank", "lora_alpha")
    _config_adds: tuple[str, ...] = ("activity_regularizer",)
    _large = "embeddings"
    embeddings: Variable = LargeWeight()  # type: ignore[assignment]
    _embeddings: Variable = StoredWeight()  # type: ignore[assignment]
    embeddings_initializer: Any
    embeddings_regularizer: Any
    embeddings_constraint: Any
    mask_zero: bool

    def __init__(
        self,
        input_dim: Integer,
        output_dim: Integer,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: RegularizerLike = None,
        embeddings_constraint: ConstraintLike = None,
        mask_zero: bool = False,
        weights: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Unpack[EmbeddingOptions],
    ) -> None:
        length = kwargs.pop("input_length", None)
        if length is not None and not kwargs.keys() & {"batch_shape", "input_shape"}:
            kwargs["input_shape"] = length  # what Keras 2 took it for
        super().__init__(**kwargs)
        self._set_weight_form(lora_rank, lora_alpha, quantization_config)
        self.input_dim = integer(self, "input_dim", input_dim, wrong_type=WrongTypeError)
        self.output_dim = integer(self, "output_dim", output_dim, wrong_type=WrongTypeError)
        settle(self, locals(), "mask_zero")
        self.supports_masking = mask_zero
        self.autocast = False
        if weights is not None:
            self.build()
            given = weights[0] if isinstance(weights, (list, tuple)) and len(weights) == 1 else weights
            self.embeddings.assign(given)

    def build(self, input_shape: Shape | None = None) -> None:
        """Creates the vectors. `input_shape` doesn't matter."""
        if self.built:
            return
        self._make_large((self.input_dim, self.output_dim))
        self.built = True
        self._make_adapter()

    def get_build_config(self) -> dict[str, Any] | None:
        """The shape with which `build` was called, which may be None."""
        return super().get_build_config() or ({"input_shape": None} if self.built else None)

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Creates the embedding vectors.

        Args:
            config: what `get_build_config` returned; the vectors don't depend on it.
        """
        self.build(config.get("input_shape"))

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Tensor) -> Tensor:
        """The vectors of the integers in `inputs`."""
        return ops.cast(ops.take(self.embeddings, self._in_range(inputs), axis=0), self.compute_dtype)

    def _in_range(self, inputs: Any) -> Tensor:
        """Array modules would count negative integers from the end, or wrap around."""
        given = convert_to_tensor(inputs)
        indices = given if given.dtype.kind in "iu" else ops.cast(given, "int32")
        context = current_call.get()
        if context is not None and context.probing:
            return ops.clip(indices, 0, self.input_dim - 1)  # lengths that are tried out need not be possible
        if indices is not given and given.dtype.kind == "f":
            self._check_whole(given)
        self._check_range(indices)
        return indices

    @replayed_check
    def _check_whole(self, given: Tensor) -> None:
        data = given.data
        broken = data != namespace_of(data).trunc(data)
        if broken.any():
            raise WrongTypeError(
                f"{describe(self)} looks up whole numbers; the inputs have {float(data[broken][0]):g} among "
                "them. Numbers with fractions go into a Dense layer; round them if they stand for classes."
            )

    @replayed_check
    def _check_range(self, indices: Tensor) -> None:
        data = indices.data
        if data.size and (int(data.min()) < 0 or int(data.max()) >= self.input_dim):
            raise IndexError(
                f"{describe(self)} has vectors for 0 to {self.input_dim - 1} (input_dim={self.input_dim}); "
                f"the inputs go from {int(data.min())} to {int(data.max())}.{_cure(int(data.min()), int(data.max()))}"
            )

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the outputs: with `mask_zero`, False where an input is 0; otherwise None.

        Args:
            inputs: the integers.
            mask: their own mask, which is ignored.

        >>> ef.layers.Embedding(10, 4, mask_zero=True).compute_mask(ef.Tensor([[5, 7, 0]])).tolist()
        [[True, True, False]]
        """
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input, then `output_dim`."""
        return (*input_shape, self.output_dim)


def _cure(lowest: int, highest: int) -> str:
    if lowest < 0:
        return " Negative numbers are no indices: number what they stand for from 0."
    return f" If they are right, the layer needs input_dim={highest + 1}."
