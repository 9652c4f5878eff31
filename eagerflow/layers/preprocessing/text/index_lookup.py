"""What `StringLookup` and `IntegerLookup` share: a vocabulary, found in data or given, and looking it up."""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

import numpy

from eagerflow.base.config import floatx
from eagerflow.base.machine.budget import room
from eagerflow.base.serialization import refuse_path
from eagerflow.base.typing import Data, Shape, TensorLike, Tensors, TokenMode
from eagerflow.core.device import to_host
from eagerflow.core.tensor import Tensor
from eagerflow.layer.call_context import current_call
from eagerflow.layer.input_spec import describe
from eagerflow.layer.layer import Layer
from eagerflow.layer.layer_options import LookupOptions
from eagerflow.layer.settings import integer, one_of
from eagerflow.layer.symbolic.tensors import SymbolicTensor
from eagerflow.layers.preprocessing.numbers.encoding import MODES, encode, encoded_shape, mode_of, without_sparse
from eagerflow.layers.preprocessing.strings import batches, is_one_array
from eagerflow.layers.preprocessing.text.hashing import hashed, two_numbers
from eagerflow.layers.preprocessing.text.vocabulary import checked_tokens, checked_weights, padded_weights

__all__ = ["MASKED", "IndexLookup"]

_AS_LINES, _AS_JSON = "vocabulary.txt", "vocabulary.json"
MASKED = -1  # in modes with vectors: an index that counts as nothing


class IndexLookup(Layer):
    """Tokens as indices into a vocabulary.

    Indices are ordered: the mask token (only in the mode `"int"`), `num_oov_indices` for unknown tokens, then
    the vocabulary. Subclasses say what tokens are, by `as_tokens` and `vocabulary_dtype`.

    Args:
        max_tokens: the largest size of the vocabulary, special tokens included; None for no limit.
        num_oov_indices: how many indices unknown tokens share; with 0 they are an error.
        mask_token: a token that means nothing, or None.
        oov_token: what an inverted lookup returns for unknown indices.
        vocabulary_dtype: `"string"` or `"int64"`.
        vocabulary: the tokens, or the path of a text file with one per line; None to find them by `adapt`.
        idf_weights: how much each token weighs in the mode `"tf_idf"`.
        invert: look up tokens by index instead.
        output_mode: `"int"`, `"one_hot"`, `"multi_hot"`, `"count"` or `"tf_idf"`.
        sparse: only False is possible.
        pad_to_max_tokens: make vectors `max_tokens` long even when the vocabulary is smaller.
        oov_method: how unknown integers are spread: `"floormod"` or `"farmhash"`.
        name: the layer's name.
        salt: an integer or two, for a keyed hash of unknown tokens.
        **kwargs: `vocabulary_size` and `has_input_vocabulary` from configurations.

    Raises:
        ValueError: for invalid settings.
    """

    _convert_input_args = False
    _has_vocabulary = False  # until one is set or found: `vocabulary_size` of a configuration is none

    def __init__(
        self,
        max_tokens: Any,
        num_oov_indices: Any,
        mask_token: Any,
        oov_token: Any,
        vocabulary_dtype: str,
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: TokenMode = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: Literal["floormod", "farmhash"] | str = "floormod",
        name: Any = None,
        salt: Any = None,
        **kwargs: Unpack[LookupOptions],
    ) -> None:
        size = kwargs.pop("vocabulary_size", None)
        given = kwargs.pop("has_input_vocabulary", vocabulary is not None)
        kwargs.pop("dtype", None)  # that of the vocabulary, in configurations
        super().__init__(name=name, **kwargs)
        without_sparse(self, sparse=sparse)
        self.max_tokens = None if max_tokens is None else integer(self, "max_tokens", max_tokens, least=2)
        self.num_oov_indices = integer(self, "num_oov_indices", num_oov_indices, least=0)
        self.mask_token, self.oov_token, self.invert, self.sparse = mask_token, oov_token, invert, sparse
        self.output_mode = mode_of(self, output_mode, (*MODES, "tf_idf"))
        self.pad_to_max_tokens = pad_to_max_tokens
        self.vocabulary_dtype = vocabulary_dtype
        self.oov_method = one_of(self, "oov_method", oov_method, ("floormod", "farmhash"))
        self.salt = two_numbers(self, salt)
        self._check_settings(idf_weights, given)
        self.input_vocabulary = None if isinstance(vocabulary, str) else plain(vocabulary)
        self.input_idf_weights = plain(idf_weights)
        self._set_tokens([])
        self.idf_weights: numpy.ndarray | None = None
        self._fixed_size = size
        self._is_given = given
        self.reset_state()
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def _check_settings(self, idf_weights: Any, given: bool) -> None:
        who = type(self).__name__
        if self.pad_to_max_tokens and self.max_tokens is None:
            raise ValueError(f"{who}(pad_to_max_tokens=True): expected max_tokens too; it is None.")
        if self.invert and self.output_mode != "int":
            raise ValueError(f'{who}(invert=True, output_mode={self.output_mode!r}): an inverted lookup needs "int".')
        if idf_weights is not None and self.output_mode != "tf_idf":
            raise ValueError(f'{who}(idf_weights=...): only for output_mode="tf_idf"; it is {self.output_mode!r}.')
        if given and idf_weights is None and self.output_mode == "tf_idf":
            raise ValueError(f'{who}(vocabulary=..., output_mode="tf_idf"): expected idf_weights too.')
        if self.salt and self.vocabulary_dtype != "string" and self.oov_method != "farmhash":
            raise ValueError(f'{who}(salt={self.salt}): only for oov_method="farmhash".')

    def as_tokens(self, inputs: Any) -> numpy.ndarray:
        """Inputs as an array of tokens; subclasses write it."""
        raise NotImplementedError

    @property
    def compute_dtype(self) -> str:
        """The type of the vocabulary."""
        return self.vocabulary_dtype

    @property
    def variable_dtype(self) -> str:
        """The type of the vocabulary."""
        return self.vocabulary_dtype

    # The vocabulary

    @property
    def _first_oov(self) -> int:
        return 1 if self.mask_token is not None and self.output_mode == "int" else 0

    @property
    def _first_token(self) -> int:
        return self._first_oov + self.num_oov_indices

    def _set_tokens(self, tokens: list[Any]) -> None:
        self._tokens = tokens
        self._index = {token: i for i, token in enumerate(tokens, self._first_token)}

    def vocabulary_size(self) -> int:
        """The number of indices, including those of special tokens.

        >>> ef.layers.StringLookup(vocabulary=["cat", "dog"]).vocabulary_size()  # with that of unknown tokens
        3
        """
        return len(self._tokens) + self._first_token

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their indices.

        Args:
            include_special_tokens: whether the list begins with the tokens for padding and for unknown ones.

        >>> layer = ef.layers.StringLookup(vocabulary=["cat", "dog"])
        >>> [str(token) for token in layer.get_vocabulary()]
        ['[UNK]', 'cat', 'dog']
        """
        room(32 * self.num_oov_indices, f"the vocabulary of {describe(self)}")
        special = [self.mask_token] * self._first_oov + [self.oov_token] * self.num_oov_indices
        return [*(special if include_special_tokens else []), *self._tokens]

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the vocabulary, instead of finding it by `adapt`.

        Args:
            vocabulary: the tokens, with or without the special ones first; or the path of a text file with one per
                line.
            idf_weights: with `"tf_idf"`, the inverse document frequency of each token.

        Raises:
            ValueError: for repeated, reserved or too many tokens, or weights that don't fit.

        >>> layer = ef.layers.IntegerLookup()
        >>> layer.set_vocabulary([100, 200])
        >>> layer([200, 100, 7]).tolist()
        [2, 1, 0]
        """
        checked_weights(self, vocabulary, idf_weights)
        if isinstance(vocabulary, (str, Path)):
            refuse_path(type(self).__name__, "vocabulary", vocabulary)
            listed = self._from_file(Path(vocabulary))
        else:
            listed = self.as_tokens(plain(vocabulary)).tolist()
        tokens, found_special = checked_tokens(self, listed)
        self._set_tokens(tokens)
        self._fix_size()
        if idf_weights is not None:
            self.idf_weights = padded_weights(self, idf_weights, listed, found_special)

    def _from_file(self, path: Path) -> list[Any]:
        if not path.exists():
            raise ValueError(f"{type(self).__name__}: the vocabulary file {str(path)!r} does not exist.")
        return self._read(path)

    def _read(self, path: Path) -> list[Any]:
        lines = path.read_text(encoding="utf-8").split("\n")
        while lines and not lines[-1]:
            lines.pop()
        return lines if self.vocabulary_dtype == "string" else [int(line) for line in lines]

    def _fix_size(self) -> None:
        """Vectors have the length of the vocabulary, which then stays."""
        size = self.vocabulary_size()
        vectors = self.output_mode != "int" and not self.pad_to_max_tokens
        if vectors and self._fixed_size not in (None, size):
            raise RuntimeError(
                f"{describe(self)}: the vocabulary had {self._fixed_size} tokens and would have "
                f"{size}, which changes the length of the vectors. Make a new layer, or use pad_to_max_tokens=True."
            )
        self._fixed_size, self._has_vocabulary = size, True

    # Finding the vocabulary

    def adapt(self, data: Data, steps: int | None = None) -> None:
        """Makes the vocabulary from the tokens in `data`, the most frequent ones first.

        Args:
            data: an array or list of examples, or a `Dataset` or other iterable of batches.
            steps: how many batches to use; None for all.

        Raises:
            ValueError: when the layer was made with a vocabulary.

        >>> layer = ef.layers.StringLookup()
        >>> layer.adapt(["cat", "dog", "cat"])
        >>> layer(["dog", "cat", "bird"]).tolist()  # the most frequent is 1; 0 stands for unknown ones
        [2, 1, 0]
        """
        self.reset_state()
        if is_one_array(data):
            tokens = self.as_tokens(data)
            self.update_state(tokens[:, None] if tokens.ndim == 1 else tokens)
        else:
            for batch in batches(data, steps):
                self.update_state(batch)
        self.finalize_state()

    def update_state(self, data: Data) -> None:
        """Counts the tokens of a batch, from which `finalize_state` makes the vocabulary.

        Args:
            data: an array of examples, or a list of lists of tokens.

        >>> layer = ef.layers.StringLookup()
        >>> for batch in (["cat", "dog"], ["cat"]):
        ...     layer.update_state(batch)
        >>> layer.finalize_state()
        >>> layer(["cat"]).tolist()
        [1]
        """
        if self._is_given:
            raise ValueError(f"{describe(self)} has a given vocabulary, which adapt can't change.")
        for example in self._examples(data):
            self._counts.update(example)
            self._documents_with.update(set(example))
            self._documents += 1

    def _examples(self, data: Any) -> list[list[Any]]:
        if isinstance(data, list) and data and isinstance(data[0], list):
            return data
        tokens = self.as_tokens(data)
        rows: list[list[Any]] = tokens.reshape(len(tokens) if tokens.ndim > 1 else 1, -1).tolist()
        return rows

    def finalize_state(self) -> None:
        """Makes the vocabulary from the tokens that `update_state` has counted.

        >>> layer = ef.layers.StringLookup()
        >>> layer.update_state(["cat", "dog"])
        >>> layer.finalize_state()
        >>> layer.vocabulary_size()
        3
        """
        for special in (self.mask_token, self.oov_token):
            self._counts.pop(special, None)
        if self._is_given or not self._counts:
            self._fix_size()
            return
        ordered = sorted(self._counts, key=lambda token: (self._counts[token], token), reverse=True)
        room = None if self.max_tokens is None else self.max_tokens - self._first_token
        self._set_tokens(ordered[:room])
        if self.output_mode == "tf_idf":
            self.idf_weights = self._inverse_frequencies()
        self.reset_state()
        self._fix_size()

    def _inverse_frequencies(self) -> numpy.ndarray:
        found = [math.log(1 + self._documents / (1 + self._documents_with[t])) for t in self._tokens]
        weights = numpy.array([numpy.mean(found)] * self._first_token + found, floatx())
        missing = self.max_tokens - len(weights) if self.pad_to_max_tokens and self.max_tokens else 0
        return numpy.pad(weights, (0, missing))

    def reset_state(self) -> None:
        """Forgets the tokens that `update_state` has counted.

        >>> layer = ef.layers.StringLookup()
        >>> layer.update_state(["cat", "dog"])
        >>> layer.reset_state()
        >>> layer.update_state(["bird"])
        >>> layer.finalize_state()
        >>> layer.vocabulary_size()
        2
        """
        self._counts: Counter[Any] = Counter()
        self._documents_with: Counter[Any] = Counter()
        self._documents = 0

    # Looking up

    if TYPE_CHECKING:

        def __call__(self, inputs: TensorLike, *, training: bool | None = None) -> Tensor | Any: ...

    def call(self, inputs: Any) -> Tensors:
        """The indices of the tokens, in the output mode; inverted, the tokens of the indices."""
        if self.invert:
            return self._inverted(inputs)
        return self.encoded(self.indices(self.as_tokens(inputs)))

    def indices(self, tokens: numpy.ndarray) -> numpy.ndarray:
        """The index of each token.

        Args:
            tokens: an array of tokens.

        Raises:
            RuntimeError: when the layer has no vocabulary yet.
            ValueError: for an unknown token, with `num_oov_indices=0`.
        """
        if not self._tokens and not self._has_vocabulary:
            self._refuse_nothing()
        default = self._first_oov if self.num_oov_indices == 1 else -2
        masked = (0 if self.output_mode == "int" else MASKED) if self.mask_token is not None else None
        find = self._index.get
        listed = tokens.reshape(-1).tolist()
        found = numpy.array([find(t, default) for t in listed], "int64").reshape(tokens.shape)
        if masked is not None:
            found[tokens == self.mask_token] = masked
        unknown = found == -2
        if unknown.any():
            found[unknown] = self._spread(tokens[unknown])
        return found

    def _refuse_nothing(self) -> None:
        """A layer that nobody adapted would give each token the index of unknown ones."""
        context = current_call.get()
        if context is None or not context.probing:  # a probe wants shapes alone
            who = describe(context.running[-1]) if context is not None and context.running else describe(self)
            raise RuntimeError(f"{who} has no vocabulary yet: call adapt(data) first, or give it vocabulary=[...].")

    def _spread(self, unknown: numpy.ndarray) -> Any:
        """Indices for unknown tokens."""
        if self.num_oov_indices == 0:
            context = current_call.get()
            if context is not None and context.probing:
                return 0  # the text of a probe is nobody's
            raise ValueError(
                f"{describe(self)}: {unknown[:5].tolist()} are not in the vocabulary, and "
                "num_oov_indices=0 leaves no index for unknown tokens. Use num_oov_indices=1."
            )
        if self.vocabulary_dtype != "string" and self.oov_method == "floormod":
            return unknown % self.num_oov_indices + self._first_oov
        return hashed(unknown, self.num_oov_indices, self.salt) + self._first_oov

    def encoded(self, indices: Any) -> Tensor:
        """Encodes indices in the form that `output_mode` says.

        Args:
            indices: integers of any shape.
        """
        indices = indices if isinstance(indices, Tensor) else Tensor(indices, "int64")
        if self.output_mode == "int":
            return indices
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        found = encode(indices, mode, self._depth(), self._output_dtype)
        return found * Tensor(self._known_weights()) if self.output_mode == "tf_idf" else found

    def _depth(self) -> int:
        depth = self.max_tokens if self.pad_to_max_tokens else self._fixed_size
        if depth is None:
            raise RuntimeError(
                f"{describe(self)} needs a vocabulary to make vectors: pass vocabulary=..., or call adapt(data) first."
            )
        return int(depth)

    def _known_weights(self) -> numpy.ndarray:
        if self.idf_weights is None:
            raise RuntimeError(f"{describe(self)} has no idf_weights yet: call adapt(data) first.")
        return self.idf_weights

    @property
    def _output_dtype(self) -> str:
        return floatx() if self.output_mode == "tf_idf" else "int64"

    def _inverted(self, inputs: Any) -> Any:
        indices = numpy.asarray(to_host(inputs.data) if isinstance(inputs, Tensor) else inputs)
        vocabulary = dict(enumerate(self._tokens, self._first_token))
        if self.mask_token is not None:
            vocabulary[0] = self.mask_token
        found = [vocabulary.get(i, self.oov_token) for i in indices.reshape(-1).tolist()]
        return self.from_tokens(found, indices.shape)

    def from_tokens(self, tokens: list[Any], shape: tuple[int, ...]) -> Any:
        """Tokens as a result of this shape; subclasses write it."""
        raise NotImplementedError

    # Shapes, configurations and files

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The shape of the input; for vectors, with their length in place of its last axis or after it."""
        depth = self.max_tokens if self.pad_to_max_tokens else self._fixed_size
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        return encoded_shape(input_shape, mode, depth)

    def compute_output_spec(self, inputs: Any) -> SymbolicTensor:
        """The result, symbolically."""
        return SymbolicTensor(self.compute_output_shape(inputs.shape), self._output_dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal layer."""
        names = """invert max_tokens num_oov_indices oov_token mask_token output_mode sparse pad_to_max_tokens
            vocabulary_dtype oov_method salt"""
        own = {
            "idf_weights": self.input_idf_weights,
            "vocabulary": self.input_vocabulary,
            "vocabulary_size": self._fixed_size,
        }
        return {**super().get_config(), **{name: getattr(self, name) for name in names.split()}, **own}

    def get_build_config(self) -> dict[str, Any]:
        """Nothing: there are no weights to build."""
        return {}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Marks the layer as built; it has no weights.

        Args:
            config: ignored.
        """
        self.built = True

    def save_own_variables(self, store: Any) -> None:
        """Puts the `idf_weights` into `store`.

        Args:
            store: a dict-like object.
        """
        if self.output_mode == "tf_idf":
            store["idf_weights"] = self._known_weights()

    def load_own_variables(self, store: Any) -> None:
        """Sets the `idf_weights` from `store`.

        Args:
            store: a dict-like object.
        """
        if self.output_mode == "tf_idf":
            self.idf_weights = numpy.asarray(store["idf_weights"], floatx())

    def save_assets(self, dir_path: Any) -> None:
        """Writes the vocabulary into a folder, unless the configuration contains it.

        It is a text file with a line for each token, as Keras writes it, or JSON when a token contains a line end.

        Args:
            dir_path: the folder, which must exist.

        >>> from pathlib import Path
        >>> layer = ef.layers.StringLookup()
        >>> layer.adapt(["cat", "dog"])
        >>> Path("vocabularies").mkdir()
        >>> layer.save_assets("vocabularies")
        >>> [path.name for path in Path("vocabularies").iterdir()]
        ['vocabulary.txt']
        """
        if self.input_vocabulary is not None:
            return
        tokens = [str(token) for token in self.get_vocabulary()]
        if any(_no_line(token) for token in tokens) or (tokens and not tokens[-1]):
            (Path(dir_path) / _AS_JSON).write_text(json.dumps(tokens), encoding="utf-8")
        else:
            (Path(dir_path) / _AS_LINES).write_text("\n".join(tokens), encoding="utf-8")

    def load_assets(self, dir_path: Any) -> None:
        """Reads the vocabulary that `save_assets` wrote.

        Args:
            dir_path: the folder.

        >>> from pathlib import Path
        >>> layer, other = ef.layers.StringLookup(), ef.layers.StringLookup()
        >>> layer.adapt(["cat", "dog"])
        >>> Path("assets").mkdir()
        >>> layer.save_assets("assets")
        >>> other.load_assets("assets")
        >>> other.vocabulary_size()
        3
        """
        if self.input_vocabulary is None:
            path = Path(dir_path) / _AS_JSON
            listed = _tokens_in(path) if path.exists() else self._read(path.with_name(_AS_LINES))
            self._set_tokens(checked_tokens(self, self.as_tokens(listed).tolist())[0])
            self._fix_size()  # weights of tokens come with `load_own_variables`


def _no_line(token: str) -> bool:
    """Whether a text file with a line for each token can't hold this one."""
    return "\n" in token or "\r" in token or token.encode("utf-8", "replace").decode() != token


def _tokens_in(path: Path) -> list[str]:
    try:
        found = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(token, str) for token in found):
        raise ValueError(f"{path.name} holds no JSON list of tokens: the file is damaged.")
    return found


def plain(values: Any) -> Any:
    """An array as a list."""
    return values.tolist() if hasattr(values, "tolist") else values
