"""`Hashing` and `HashedCrossing`: categories put into a fixed number of bins."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy

from eagerflow.base.config import floatx
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import EncodedMode, PolicyLike, Shape, TensorLike
from eagerflow.core.device import to_host
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LayerOptions, OfAnyLayer
from eagerflow.layer.settings import integer
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.layers.preprocessing.numbers.encoding import encode, encoded_shape, mode_of, without_sparse
from eagerflow.layers.preprocessing.strings import as_text
from eagerflow.layers.preprocessing.text.fingerprint import fingerprint64, joined, siphash64
from eagerflow.layers.preprocessing.whole_numbers import refuse_fractions

__all__ = ["HashedCrossing", "Hashing"]

_CROSSING_SEED = 0xDECAFCAFFE  # with which TensorFlow begins a crossing


def as_values(layer: Any, inputs: Any) -> numpy.ndarray:
    """Integers as they are, whole floats as integers, text as `str`.

    Raises:
        TypeError: for anything else.
    """
    array = numpy.asarray(to_host(inputs.data) if isinstance(inputs, Tensor) else inputs)
    if array.dtype.kind in "iub":
        return array
    if array.dtype.kind != "f":
        return as_text(layer, inputs)
    refuse_fractions(layer, array)
    return array.astype("int64")


def hashed(values: numpy.ndarray, bins: int, key: Any = None) -> numpy.ndarray:
    """The bin of each value: of text, or of a number as it is written.

    Args:
        values: integers or strings.
        bins: how many bins there are.
        key: two numbers, for SipHash under this key instead of a fingerprint.
    """
    distinct, place = numpy.unique(values.reshape(-1), return_inverse=True)
    texts = [str(x).encode() for x in distinct.tolist()]
    words = fingerprint64(texts) if key is None else siphash64(texts, key)
    return (words % numpy.uint64(bins)).astype("int64")[place].reshape(values.shape)


def two_numbers(layer: Any, salt: Any) -> list[int] | None:
    """A salt as the two numbers of a key.

    Raises:
        ValueError: for anything but an integer, two of them, or None.
    """
    if salt is None:
        return None
    pair = [salt, salt] if isinstance(salt, int) else salt
    if isinstance(pair, (list, tuple)) and len(pair) == 2 and all(isinstance(n, int) for n in pair):
        return list(pair)
    raise ValueError(f"{type(layer).__name__}(salt={salt!r}): expected an integer or two of them.")


class Hashing(Layer):
    """Maps strings or integers to bins by their hash, without a vocabulary.

    Args:
        num_bins: the number of bins, including that of `mask_value`.
        mask_value: a value that stands for padding and gets bin 0 for itself; None for none.
        salt: an integer or a pair of them: the key of a SipHash. None for a FarmHash fingerprint without a key.
        output_mode: `"int"` for the indices of bins; `"one_hot"`, `"multi_hot"` or `"count"` for vectors, as in
            `CategoryEncoding`.
        sparse: only False is possible.
        **kwargs: arguments of every layer. The default type is int64 for `"int"`, else `floatx()`.

    Input: strings (lists or NumPy arrays) or integers of any shape.

    Raises:
        ValueError: for invalid settings.

    Source: `keras.layers.Hashing` 3.15, with the same bins.

    >>> ef.layers.Hashing(num_bins=3)([["A"], ["B"], ["C"], ["D"], ["E"]]).tolist()
    [[1], [0], [1], [1], [2]]
    >>> layers = [ef.layers.Hashing(num_bins=3), ef.layers.Embedding(3, 4)]
    >>> ef.Sequential(layers)(ef.Tensor([[7, 8]])).shape
    (1, 2, 4)
    """

    _convert_input_args = False

    def __init__(
        self,
        num_bins: Any,
        mask_value: Any = None,
        salt: int | Sequence[int] | None = None,
        output_mode: EncodedMode = "int",
        sparse: bool = False,
        **kwargs: Unpack[LayerOptions],
    ) -> None:
        if kwargs.get("dtype") is None:
            kwargs["dtype"] = "int64" if output_mode == "int" else floatx()
        super().__init__(**kwargs)
        without_sparse(self, sparse=sparse)
        self.num_bins = integer(self, "num_bins", num_bins)
        self.mask_value = mask_value
        self.salt = two_numbers(self, salt)
        self.output_mode = mode_of(self, output_mode)
        self.sparse = sparse
        if self.output_mode == "int" and self.dtype not in ("int32", "int64"):
            raise ValueError(f'Hashing(output_mode="int", dtype={self.dtype!r}): expected int32 or int64.')

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Any) -> Tensor:
        """The bins of the values, in the form that `output_mode` says."""
        values = as_values(self, inputs)
        return encode(Tensor(self._bins(values), "int64"), self.output_mode, self.num_bins, self.compute_dtype)

    def _bins(self, values: numpy.ndarray) -> numpy.ndarray:
        if self.mask_value is None or self.num_bins == 1:
            return hashed(values, self.num_bins, self.salt)
        return numpy.where(values == self.mask_value, 0, hashed(values, self.num_bins - 1, self.salt) + 1).astype(
            "int64"
        )

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input; for vectors, with their length in place of its last axis or after it."""
        return encoded_shape(input_shape, self.output_mode, self.num_bins)


class HashedCrossing(Layer):
    """Crosses categorical features: maps each combination of their values to a bin by its hash.

    Args:
        num_bins: the number of bins.
        output_mode: `"int"` for the index of the bin, or `"one_hot"` for a vector.
        sparse: only False is possible.
        name: the layer's name.
        dtype: the type of the result; default: int64 for `"int"`, else the global policy.
        **kwargs: accepted for Keras' signature.

        Input: a list of two or more features, strings or integers, each of shape (), (batch,) or (batch, 1).

    Raises:
        ValueError: for invalid settings; on a call, for inputs of unequal shapes.

    Source: `keras.layers.HashedCrossing` 3.15, with the same bins.

    >>> ef.layers.HashedCrossing(num_bins=7)([["x", "y", "hello"], [3, 4, -5]]).tolist()
    [5, 6, 1]
    """

    _convert_input_args = False

    def __init__(
        self,
        num_bins: Any,
        output_mode: Literal["int", "one_hot"] | str = "int",
        sparse: bool = False,
        name: str | None = None,
        dtype: PolicyLike = None,
        **kwargs: Unpack[OfAnyLayer],
    ) -> None:
        super().__init__(name=name, dtype="int64" if output_mode == "int" and dtype is None else dtype)
        without_sparse(self, sparse=sparse)
        self.num_bins = integer(self, "num_bins", num_bins)
        self.output_mode = mode_of(self, output_mode, ("int", "one_hot"))
        self.sparse = sparse

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Any) -> Tensor:
        """The bins of the combinations, in the form that `output_mode` says."""
        words = numpy.array([_CROSSING_SEED], "uint64")
        columns = self._columns(inputs)
        for values in columns:
            words = joined(words, _words_of(values))
        bins = (words % numpy.uint64(self.num_bins)).astype("int64").reshape(columns[0].shape)
        return encode(Tensor(bins, "int64"), self.output_mode, self.num_bins, self.compute_dtype)

    def _columns(self, inputs: Any) -> list[numpy.ndarray]:
        if not isinstance(inputs, (list, tuple)) or len(inputs) < 2:
            raise ValueError(f"{describe(self)}: expected a list of two or more inputs; got {signature_of(inputs)}.")
        columns = [as_values(self, x) for x in inputs]
        if any(getattr(getattr(x, "dtype", None), "kind", "") == "f" for x in inputs):
            raise ValueError(f"{describe(self)}: expected integers or text; got {signature_of(inputs)}.")
        shape = columns[0].shape
        if any(c.shape != shape for c in columns) or len(shape) > 2 or (len(shape) == 2 and shape[1] != 1):
            raise ValueError(
                f"{describe(self)}: expected inputs of one shape: (), (batch,) or (batch, 1); "
                f"got {[c.shape for c in columns]}."
            )
        return columns

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """The shape of one feature; for vectors, with `num_bins` in place of its last axis."""
        return encoded_shape(input_shape[0], self.output_mode, self.num_bins)

    def compute_output_spec(self, inputs: Any) -> SymbolicTensor:
        """The result, symbolically."""
        return SymbolicTensor(self.compute_output_shape([x.shape for x in inputs]), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        return {name: getattr(self, name) for name in ("num_bins", "output_mode", "sparse", "name", "dtype")}


def _words_of(values: numpy.ndarray) -> numpy.ndarray:
    """What a crossing mixes: numbers themselves, fingerprints of text."""
    flat = values.reshape(-1)
    if flat.dtype.kind in "iub":
        return flat.astype("int64").view("uint64")
    return fingerprint64([str(x).encode() for x in flat.tolist()])
