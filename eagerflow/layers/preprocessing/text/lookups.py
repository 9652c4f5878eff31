"""`StringLookup` and `IntegerLookup`: tokens as indices into a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Unpack

import numpy

from eagerflow import ops
from eagerflow.base.errors import signature_of
from eagerflow.base.typing import TensorLike, Tensors, TokenMode
from eagerflow.core.device import to_host
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer_options import LookupOptions
from eagerflow.layer.settings import passed_on
from eagerflow.layers.preprocessing.strings import as_text
from eagerflow.layers.preprocessing.text.index_lookup import MASKED, IndexLookup
from eagerflow.layers.preprocessing.whole_numbers import refuse_fractions

__all__ = ["IntegerLookup", "StringLookup"]

_NOWHERE = 2**31 - 1  # the index of an unknown integer where there is none: beyond the end of any table


class StringLookup(IndexLookup):
    """Maps strings to their indices in a vocabulary.

    Args:
        max_tokens: the largest size of the vocabulary, special tokens included; None for no limit.
        num_oov_indices: the number of indices for strings outside the vocabulary; with 0 they are an error.
        mask_token: a string that stands for padding and gets index 0; None for none.
        oov_token: the string that an inverted lookup returns for unknown indices.
        vocabulary: the strings, or the path of a text file with one per line; None to find them by `adapt`.
        idf_weights: with a given vocabulary and `"tf_idf"`, the inverse document frequency of each string.
        invert: whether to map indices to strings instead; the result is a NumPy array of strings.
        output_mode: `"int"` for indices; `"one_hot"`, `"multi_hot"`, `"count"` or `"tf_idf"` (counts times
            `idf_weights`) for vectors with one element per index.
        pad_to_max_tokens: whether vectors have `max_tokens` elements even when the vocabulary is smaller.
        sparse: only False is possible.
        encoding: the encoding of inputs that are bytes.
        name: the layer's name.
        salt: with several `num_oov_indices`, an integer or a pair of them, the key of a keyed hash of unknown strings.
        **kwargs: arguments of every layer, and what saved configurations contain in addition.

        Input: strings of any shape, as lists or NumPy arrays. Output: int64 of that shape, or vectors.

    Raises:
        ValueError: for invalid settings.

    Source: `keras.layers.StringLookup` 3.15.

    >>> layer = ef.layers.StringLookup(vocabulary=["a", "b", "c"])
    >>> layer([["a", "c"], ["z", "b"]]).tolist()
    [[1, 3], [0, 2]]
    >>> indices = layer([["a", "c"], ["z", "b"]])
    >>> ef.layers.Embedding(layer.vocabulary_size(), 5)(indices).shape
    (2, 2, 5)
    """

    encoding: str

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: str | None = None,
        oov_token: str = "[UNK]",
        vocabulary: Any = None,
        idf_weights: TensorLike = None,
        invert: bool = False,
        output_mode: TokenMode = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: int | Sequence[int] | None = None,
        **kwargs: Unpack[LookupOptions],
    ) -> None:
        self.__dict__["encoding"] = encoding  # a vocabulary may be read at once
        super().__init__(**passed_on(locals(), IndexLookup), vocabulary_dtype="string", name=name, **kwargs)

    def as_tokens(self, inputs: Any) -> numpy.ndarray:
        """Converts inputs to an array of strings.

        Args:
            inputs: strings of any shape.
        """
        return as_text(self, inputs, self.encoding)

    def from_tokens(self, tokens: list[Any], shape: tuple[int, ...]) -> numpy.ndarray:
        """Makes a NumPy array from a list of strings.

        Args:
            tokens: the strings.
            shape: the shape of the array.
        """
        return numpy.array(tokens, dtype=str).reshape(shape)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        config = {**super().get_config(), "encoding": self.encoding}
        del config["vocabulary_dtype"]
        return config


class IntegerLookup(IndexLookup):
    """Maps integers to their indices in a vocabulary.

    Args:
        max_tokens: the largest size of the vocabulary, special tokens included; None for no limit.
        num_oov_indices: the number of indices for integers outside the vocabulary; with 0 they are an error.
        mask_token: an integer that stands for padding and gets index 0; None for none.
        oov_token: the integer that an inverted lookup returns for unknown indices.
        vocabulary: the integers, or the path of a text file with one per line; None to find them by `adapt`.
        vocabulary_dtype: only `"int64"`.
        idf_weights: with a given vocabulary and `"tf_idf"`, the inverse document frequency of each integer.
        invert: whether to map indices to integers instead.
        output_mode: `"int"` for indices; `"one_hot"`, `"multi_hot"`, `"count"` or `"tf_idf"` (counts times
            `idf_weights`) for vectors with one element per index.
        sparse: only False is possible.
        pad_to_max_tokens: whether vectors have `max_tokens` elements even when the vocabulary is smaller.
        oov_method: how unknown integers are distributed over several indices: `"floormod"` or `"farmhash"`.
        salt: with `oov_method="farmhash"`, an integer or a pair of them, the key of a keyed hash.
        name: the layer's name.
        **kwargs: arguments of every layer, and what saved configurations contain in addition.

        Input: integers of any shape. Output: int64 of that shape, or vectors.

    Raises:
        ValueError: for invalid settings.

    Source: `keras.layers.IntegerLookup` 3.15.

    >>> ef.layers.IntegerLookup(vocabulary=[12, 36, 1138, 42])([[12, 1138, 42], [42, 1000, 36]]).tolist()
    [[1, 3, 4], [4, 0, 2]]
    >>> layer = ef.layers.IntegerLookup(vocabulary=[12, 36], output_mode="multi_hot")
    >>> ef.layers.Dense(5)(layer([[12, 36], [36, 36]])).shape
    (2, 5)
    """

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: int | None = None,
        oov_token: int = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: TensorLike = None,
        invert: bool = False,
        output_mode: TokenMode = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: Literal["floormod", "farmhash"] | str = "floormod",
        salt: int | Sequence[int] | None = None,
        name: str | None = None,
        **kwargs: Unpack[LookupOptions],
    ) -> None:
        if vocabulary_dtype != "int64":
            raise ValueError(f"IntegerLookup(vocabulary_dtype={vocabulary_dtype!r}): only 'int64' is possible.")
        super().__init__(**passed_on(locals(), IndexLookup), name=name, **kwargs)

    def as_tokens(self, inputs: Any) -> numpy.ndarray:
        """Converts inputs to an array of int64.

        Args:
            inputs: integers of any shape.
        """
        array = numpy.asarray(to_host(inputs.data) if isinstance(inputs, Tensor) else inputs)
        if array.dtype.kind not in "iubf":
            raise TypeError(
                f"{describe(self)}: expected integers; got {signature_of(inputs)}. StringLookup takes text."
            )
        refuse_fractions(self, array)
        return array.astype("int64")

    def call(self, inputs: Any) -> Tensors:
        """The indices of the inputs, in the form that `output_mode` says; with `invert`, the integers for indices."""
        by_hash = self.num_oov_indices > 1 and self.oov_method == "farmhash"
        if not isinstance(inputs, Tensor) or by_hash or not self._tokens:
            return super().call(inputs)
        self.as_tokens(inputs)  # which refuses text and fractions
        numbers = ops.cast(inputs, "int64")
        return self._token_of(numbers) if self.invert else self._index_of(numbers, inputs)

    def _index_of(self, numbers: Tensor, inputs: Tensor) -> Any:
        """By ops, so that tracers see it and files of models have it."""
        tokens = numpy.array(self._tokens, "int64")
        order = numpy.argsort(tokens)
        place = ops.minimum(ops.searchsorted(Tensor(tokens[order]), numbers), len(tokens) - 1)
        known = ops.equal(ops.take(Tensor(tokens[order]), place), numbers)
        found = ops.take(Tensor(order + self._first_token), place)
        if self.num_oov_indices == 0:
            if set(numbers.data[~known.data].tolist()) - {self.mask_token}:
                return super().call(inputs)  # which says what is unknown
            unknown: Any = _NOWHERE
        else:
            unknown = self._first_oov
            if self.num_oov_indices > 1:
                unknown = ops.mod(numbers, self.num_oov_indices) + self._first_oov
        found = ops.where(known, found, unknown)
        if self.mask_token is not None:
            masked = 0 if self.output_mode == "int" else MASKED
            found = ops.where(ops.equal(numbers, int(self.mask_token)), masked, found)
        return self.encoded(ops.cast(found, "int64"))

    def _token_of(self, numbers: Tensor) -> Tensor:
        table = numpy.array([self.oov_token] * self._first_token + self._tokens, "int64")
        if self.mask_token is not None:
            table[0] = self.mask_token
        within = ops.logical_and(numbers >= 0, numbers < len(table))
        found = ops.take(Tensor(table), ops.clip(numbers, 0, len(table) - 1))
        return ops.cast(ops.where(within, found, int(self.oov_token)), "int64")

    def from_tokens(self, tokens: list[Any], shape: tuple[int, ...]) -> Tensor:
        """Makes a tensor from a list of integers.

        Args:
            tokens: the integers.
            shape: the shape of the tensor.
        """
        return Tensor(numpy.array(tokens, "int64").reshape(shape))
