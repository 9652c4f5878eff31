"""`TextVectorization`: documents as sequences of indices, or as vectors of counts."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy

from eagerflow.base.machine.budget import step
from eagerflow.base.serialization import deserialize_keras_object, made_from_settings, serialize_keras_object
from eagerflow.base.typing import Data, Shape, TensorLike, TokenMode
from eagerflow.core.observe import scope
from eagerflow.core.tensor import Tensor
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LookupOptions
from eagerflow.layer.settings import integer, one_of
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.layers.preprocessing.numbers.encoding import MODES, mode_of, without_sparse
from eagerflow.layers.preprocessing.strings import as_text, batches, is_one_array
from eagerflow.layers.preprocessing.text.lookups import StringLookup

__all__ = ["TextVectorization"]

# Only ASCII changes: the lower case and the white space of TensorFlow's string functions, which Keras uses.
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_WORD = re.compile(r"[^ \t\n\v\f\r]+")
_STANDARDIZE: dict[str | None, Callable[[str], str]] = {
    None: lambda text: text,
    "lower": lambda text: text.translate(_LOWER),
    "strip_punctuation": lambda text: text.translate(_NO_PUNCTUATION),
    "lower_and_strip_punctuation": lambda text: text.translate(_LOWER).translate(_NO_PUNCTUATION),
}
_SPLIT: dict[str, Callable[[str], list[str]]] = {"whitespace": _WORD.findall, "character": list}


class TextVectorization(Layer):
    """Splits texts into words and maps them to their indices in a vocabulary, or to vectors.

    Args:
        max_tokens: the largest size of the vocabulary, special tokens included; None for no limit.
        standardize: `"lower_and_strip_punctuation"`, `"lower"`, `"strip_punctuation"` (ASCII only), None, or a
            function of an array of strings.
        split: `"whitespace"`, `"character"`, None, or a function that returns a list of words for each document.
        ngrams: an integer n for all sequences of up to n words, or a tuple of lengths; None for single words.
        output_mode: `"int"` for indices; `"multi_hot"`, `"count"` or `"tf_idf"` (counts times `idf_weights`) for a
            vector per document; for documents of equal length also `"one_hot"`.
        output_sequence_length: with `"int"`, the length that documents are cut or padded to; None pads to the longest
            one.
        pad_to_max_tokens: whether vectors have `max_tokens` elements even when the vocabulary is smaller.
        vocabulary: the words, or the path of a text file with one per line; None to find them by `adapt`.
        idf_weights: with a given vocabulary and `"tf_idf"`, the inverse document frequency of each word.
        sparse: only False is possible.
        ragged: only False is possible.
        encoding: the encoding of inputs that are bytes.
        name: the layer's name.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Input: strings (batch,) or (batch, 1), as lists or NumPy arrays. Output: int64 (batch, words), 0 where a
    document has ended and 1 for unknown words; or (batch, vocabulary).

    Raises:
        ValueError: for invalid settings.

    Source: `keras.layers.TextVectorization` 3.15.

    >>> layer = ef.layers.TextVectorization(vocabulary=["earth", "wind", "fire"])
    >>> layer(["Earth, wind!", "water"]).tolist()
    [[2, 3], [1, 0]]
    >>> ef.layers.Embedding(layer.vocabulary_size(), 4)(layer(["Earth, wind!", "water"])).shape
    (2, 2, 4)
    """

    _convert_input_args = False

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Literal["lower_and_strip_punctuation", "lower", "strip_punctuation"]
        | str
        | Callable[..., Any]
        | None = "lower_and_strip_punctuation",
        split: Literal["whitespace", "character"] | str | Callable[..., Any] | None = "whitespace",
        ngrams: int | Sequence[int] | None = None,
        output_mode: TokenMode = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: TensorLike = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Unpack[LookupOptions],
    ) -> None:
        of_lookup: dict[str, Any] = {
            k: kwargs.pop(k) for k in ("has_input_vocabulary", "vocabulary_size") if k in kwargs
        }
        super().__init__(name=name, **kwargs)
        without_sparse(self, sparse=sparse, ragged=ragged)
        self._standardize = _choice(self, "standardize", standardize, tuple(k for k in _STANDARDIZE if k))
        self._split = _choice(self, "split", split, tuple(_SPLIT))
        self._ngrams = _ngrams(self, ngrams)
        self._ngrams_argument = ngrams
        self._output_mode = mode_of(self, output_mode, (*MODES, "tf_idf"))
        self._output_sequence_length = self._length(output_sequence_length)
        self._encoding = encoding
        self._lookup_layer = StringLookup(
            max_tokens=max_tokens,
            vocabulary=vocabulary,
            idf_weights=idf_weights,
            pad_to_max_tokens=pad_to_max_tokens,
            mask_token="",
            output_mode=self._output_mode,
            encoding=encoding,
            **of_lookup,
        )

    def _length(self, length: Any) -> int | None:
        if length is None:
            return None
        if self._output_mode != "int":
            raise ValueError(
                f"TextVectorization(output_sequence_length={length!r}, output_mode={self._output_mode!r}): "
                'a length belongs to output_mode="int".'
            )
        return integer(self, "output_sequence_length", length)

    # The vocabulary

    def adapt(self, data: Data, batch_size: int | None = None, steps: int | None = None) -> None:
        """Makes the vocabulary from the words in `data`, the most frequent ones first.

        Args:
            data: documents in an array or list, or a `Dataset` or other iterable of batches of documents.
            batch_size: accepted for Keras' signature.
            steps: how many batches to use; None for all.

        Raises:
            ValueError: when the layer was made with a vocabulary.

        >>> layer = ef.layers.TextVectorization()
        >>> layer.adapt(["the cat", "the dog", "the cat sat"])
        >>> layer(["the dog barks"]).tolist()  # 0 pads, 1 stands for unknown words
        [[2, 5, 1]]
        """
        self.reset_state()
        with scope("user", "vocabulary", self):
            for batch in [self._column(data)] if is_one_array(data) else batches(data, steps):
                self.update_state(batch)
            self.finalize_state()

    def _column(self, data: Any) -> numpy.ndarray:
        """One document per row."""
        texts = as_text(self, data, self._encoding)
        return texts[:, None] if texts.ndim == 1 else texts

    def update_state(self, data: Data) -> None:
        """Counts the words of a batch of documents, from which `finalize_state` makes the vocabulary.

        Args:
            data: an array or list of strings.

        >>> layer = ef.layers.TextVectorization()
        >>> for batch in (["the cat"], ["the dog"]):
        ...     layer.update_state(batch)
        >>> layer.finalize_state()
        >>> layer.vocabulary_size()
        5
        """
        documents = self._words(data)
        self._lookup_layer.update_state([documents] if documents and isinstance(documents[0], str) else documents)

    def finalize_state(self) -> None:
        """Makes the vocabulary from the words that `update_state` has counted.

        >>> layer = ef.layers.TextVectorization()
        >>> layer.update_state(["the cat"])
        >>> layer.finalize_state()
        >>> layer.vocabulary_size()
        4
        """
        self._lookup_layer.finalize_state()

    def reset_state(self) -> None:
        """Forgets the words that `update_state` has counted.

        >>> layer = ef.layers.TextVectorization()
        >>> layer.update_state(["the cat"])
        >>> layer.reset_state()
        >>> layer.update_state(["a dog"])
        >>> layer.finalize_state()
        >>> [str(word) for word in layer.get_vocabulary(include_special_tokens=False)]
        ['dog', 'a']
        """
        self._lookup_layer.reset_state()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[str]:
        """The words in the order of their indices.

        Args:
            include_special_tokens: whether the list begins with `""` (padding) and `"[UNK]"` (unknown words).

        >>> layer = ef.layers.TextVectorization()
        >>> layer.adapt(["the cat", "the dog", "the cat sat"])
        >>> [str(word) for word in layer.get_vocabulary()]
        ['', '[UNK]', 'the', 'cat', 'sat', 'dog']
        >>> [str(word) for word in layer.get_vocabulary(include_special_tokens=False)]
        ['the', 'cat', 'sat', 'dog']
        """
        return self._lookup_layer.get_vocabulary(include_special_tokens)

    def vocabulary_size(self) -> int:
        """How many indices there are, those of special tokens included.

        >>> layer = ef.layers.TextVectorization(vocabulary=["cat", "dog"])
        >>> layer.vocabulary_size()  # with those of padding and of unknown words
        4
        """
        return self._lookup_layer.vocabulary_size()

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the vocabulary, instead of finding it by `adapt`.

        Args:
            vocabulary: the words, or the path of a text file with one per line.
            idf_weights: with `"tf_idf"`, the inverse document frequency of each word.

        >>> layer = ef.layers.TextVectorization()
        >>> layer.set_vocabulary(["cat", "dog"])
        >>> layer(["dog cat bird"]).tolist()
        [[3, 2, 1]]
        """
        self._lookup_layer.set_vocabulary(vocabulary, idf_weights)

    # Documents to words to indices

    def _words(self, inputs: Any) -> list[Any]:
        """The words of each document: a list of lists, or of strings for one document alone."""
        texts = as_text(self, inputs, self._encoding)
        if callable(self._standardize):
            texts = as_text(self, self._standardize(texts.astype(str)), self._encoding)
        else:
            standardize = _STANDARDIZE[self._standardize]
            texts = numpy.array([standardize(t) for t in texts.reshape(-1)], object).reshape(texts.shape)
        words = self._split_up(texts)
        if self._ngrams is None:
            return words
        return (
            [_grams(w, self._ngrams) for w in words]
            if words and isinstance(words[0], list)
            else _grams(words, self._ngrams)
        )

    def _split_up(self, texts: numpy.ndarray) -> list[Any]:
        if self._split is None:
            listed: list[Any] = texts.tolist()
            return listed
        if texts.ndim > 1 and texts.shape[-1] != 1:
            raise ValueError(
                f"{describe(self)}: expected documents of shape (batch,) or (batch, 1) to split; "
                f"got {texts.shape}. Use split=None for words."
            )
        texts = texts[..., 0] if texts.ndim > 1 else texts
        if callable(self._split):
            if not texts.ndim:
                return _as_words(self._split(texts.astype(str)))
            return [_as_words(w) for w in self._split(texts.astype(str))]
        split = _SPLIT[self._split]
        return [split(t) for t in texts] if texts.ndim else split(texts.item())

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor: ...

    def call(self, inputs: Any) -> Tensor:
        """The indices of the documents' words, in the form that `output_mode` says."""
        words = self._words(inputs)
        if self._output_mode != "int":
            return self._lookup_layer.encoded(self._indices(words))
        return Tensor(self._of_length(self._indices(words)), "int64")

    def _indices(self, words: list[Any]) -> numpy.ndarray:
        """Indices of words; documents padded to the longest with what counts as nothing."""
        lookup = self._lookup_layer
        if not words or isinstance(words[0], str):
            return lookup.indices(numpy.array(words, object))
        longest = max([len(w) for w in words])
        if self._output_mode == "one_hot" and any(len(w) != longest for w in words):
            raise ValueError(f'{describe(self)}: output_mode="one_hot" needs documents of equally many words.')
        flat = numpy.array([""] * (len(words) * longest), object).reshape(len(words), longest)
        for row, document in zip(flat, words):
            row[: len(document)] = document
        return lookup.indices(flat)

    def _of_length(self, indices: numpy.ndarray) -> numpy.ndarray:
        wanted = self._output_sequence_length
        if wanted is None:
            return indices
        indices = indices[..., :wanted]
        missing = wanted - indices.shape[-1]
        return numpy.pad(indices, [(0, 0)] * (indices.ndim - 1) + [(0, missing)])

    # Shapes, configurations and files

    @property
    def compute_dtype(self) -> str:
        """Always `"string"`."""
        return "string"

    @property
    def variable_dtype(self) -> str:
        """Always `"string"`."""
        return "string"

    def build(self, input_shape: Shape | None = None) -> None:
        """Does nothing, since no weights depend on the shape."""

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, words) or (batch, vocabulary)."""
        if self._output_mode == "int":
            return (input_shape[0], self._output_sequence_length)
        shape = tuple(input_shape)
        if self._split is not None:
            shape = (*shape[:1], None)
        elif len(shape) <= 1:
            shape = (*shape, 1)
        return self._lookup_layer.compute_output_shape(shape)

    def compute_output_spec(self, inputs: Any) -> SymbolicTensor:
        """The result, symbolically."""
        return SymbolicTensor(self.compute_output_shape(inputs.shape), self._lookup_layer._output_dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        lookup = self._lookup_layer
        return {
            **super().get_config(),
            "max_tokens": lookup.max_tokens,
            "standardize": serialize_keras_object(self._standardize),
            "split": serialize_keras_object(self._split),
            "ngrams": self._ngrams_argument,
            "output_mode": self._output_mode,
            "output_sequence_length": self._output_sequence_length,
            "pad_to_max_tokens": lookup.pad_to_max_tokens,
            "sparse": False,
            "ragged": False,
            "vocabulary": lookup.input_vocabulary,
            "idf_weights": lookup.input_idf_weights,
            "encoding": self._encoding,
            "vocabulary_size": self.vocabulary_size(),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> TextVectorization:
        """Creates a layer from the dict that `get_config` returned."""
        config = dict(config)
        for name in ("standardize", "split"):
            if name in config:
                config[name] = deserialize_keras_object(config[name])
        if isinstance(config.get("ngrams"), list):
            config["ngrams"] = tuple(config["ngrams"])
        with made_from_settings():
            return cls(**config)

    def save_own_variables(self, store: Any) -> None:
        """Puts the `idf_weights` into `store`.

        Args:
            store: a dict-like object.
        """
        self._lookup_layer.save_own_variables(store)

    def load_own_variables(self, store: Any) -> None:
        """Reads the `idf_weights` from `store`.

        Args:
            store: a dict-like object.
        """
        self._lookup_layer.load_own_variables(store)

    def save_assets(self, dir_path: Any) -> None:
        """Writes the vocabulary into a folder, unless the configuration contains it.

        Args:
            dir_path: the folder, which must exist.

        >>> from pathlib import Path
        >>> layer = ef.layers.TextVectorization()
        >>> layer.adapt(["the cat"])
        >>> Path("words").mkdir()
        >>> layer.save_assets("words")
        >>> [path.name for path in Path("words").iterdir()]
        ['vocabulary.txt']
        """
        self._lookup_layer.save_assets(dir_path)

    def load_assets(self, dir_path: Any) -> None:
        """Reads the vocabulary that `save_assets` wrote.

        Args:
            dir_path: the folder.

        >>> from pathlib import Path
        >>> layer, other = ef.layers.TextVectorization(), ef.layers.TextVectorization()
        >>> layer.adapt(["the cat"])
        >>> Path("assets").mkdir()
        >>> layer.save_assets("assets")
        >>> other.load_assets("assets")
        >>> other.vocabulary_size()
        4
        """
        self._lookup_layer.load_assets(dir_path)


def _choice(layer: Any, name: str, value: Any, allowed: tuple[str, ...]) -> Any:
    return value if value is None or callable(value) else one_of(layer, name, value, allowed)


def _ngrams(layer: Any, ngrams: Any) -> tuple[int, ...] | None:
    if ngrams is None:
        return None
    if isinstance(ngrams, int) and not isinstance(ngrams, bool):
        step(max(ngrams, 0) / 100)
        return tuple(range(1, ngrams + 1))
    if isinstance(ngrams, tuple) and all(isinstance(n, int) for n in ngrams):
        return ngrams
    raise ValueError(f"TextVectorization(ngrams={ngrams!r}): expected an integer or a tuple of integers.")


def _grams(words: list[str], lengths: tuple[int, ...]) -> list[str]:
    """All sequences of neighbouring words of these lengths, each as one string."""
    return [" ".join(words[i : i + n]) for n in lengths for i in range(len(words) - n + 1)]


def _as_words(words: Any) -> list[str]:
    return [str(w) for w in (words.tolist() if hasattr(words, "tolist") else words)]
