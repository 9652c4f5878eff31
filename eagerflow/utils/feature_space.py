"""`FeatureSpace`: columns of numbers, categories and text as vectors for a model.

Source: the interface and the results of `keras.utils.FeatureSpace` 3.15.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy

from eagerflow.base import tree
from eagerflow.base.errors import did_you_mean, signature_of
from eagerflow.base.serialization import Table, deserialize_keras_object, serialize_keras_object
from eagerflow.core.device import to_host
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.data import Dataset
from eagerflow.layer.symbolic.tensors import is_symbolic
from eagerflow.layer.symbolic.text_type import is_text
from eagerflow.layers import CategoryEncoding, Concatenate, HashedCrossing, Input, Layer
from eagerflow.models.saving import save_model
from eagerflow.utils.feature_kinds import Cross, Feature, FeatureKinds

__all__ = ["FeatureSpace"]

_BATCH = 32  # of examples that a data set gives one by one


@Table("utility", "keras.utils").add()
class FeatureSpace(FeatureKinds, Layer):
    """Encodes tabular data: a dict of columns becomes one vector per example, or a dict of encoded columns.

    Args:
        features: a dict from columns' names to kinds of features: `FeatureSpace.float_normalized()` and the like, or
            only `"float_normalized"`. The kinds are `float`, `float_normalized`, `float_rescaled`, `float_discretized`,
            `integer_categorical`, `string_categorical`, `integer_hashed`, `string_hashed`, and
            `FeatureSpace.feature(...)` for a custom layer.
        output_mode: `"concat"` for one vector, with the columns in alphabetical order and then the crosses; `"dict"`
            for a dict with an entry for each.
        crosses: a list of features to cross, whose combinations become further features: tuples of names, or
            `FeatureSpace.cross(...)`.
        crossing_dim: the number of bins of crosses that are given as tuples.
        hashing_dim: the number of bins of `"integer_hashed"` and `"string_hashed"`.
        num_discretization_bins: the number of bins of `"float_discretized"`.
        name: the name of the feature space.

    Attributes:
        preprocessors: the layer of each column, by its name.
        crossers: the layer of each cross, by its name: `"a_X_b"`.

    Raises:
        ValueError: for no features, an unknown kind or mode, or crosses of unknown features.

    >>> data = {"size": [1.0, 3.0], "color": ["red", "blue"]}
    >>> space = ef.utils.FeatureSpace({"size": "float_normalized", "color": "string_categorical"})
    >>> space.adapt(data)
    >>> space({"size": 3.0, "color": "red"}).tolist()
    [0.0, 1.0, 0.0, 1.0]
    """

    _convert_input_args = False
    _saved_alone = True

    def __init__(
        self,
        features: Any,
        output_mode: Literal["concat", "dict"] | str = "concat",
        crosses: Any = None,
        crossing_dim: int = 32,
        hashing_dim: int = 32,
        num_discretization_bins: int = 32,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if not isinstance(features, Mapping) or not features:
            raise ValueError(f"FeatureSpace(features={features!r:.80}): expected a dict of names and kinds.")
        if output_mode not in ("concat", "dict"):
            raise ValueError(f"FeatureSpace(output_mode={output_mode!r}): expected 'concat' or 'dict'.")
        self.output_mode = output_mode
        self.crossing_dim = crossing_dim
        self.hashing_dim = hashing_dim
        self.num_discretization_bins = num_discretization_bins
        self.features = {key: self._feature(key, kind) for key, kind in features.items()}
        self.crosses = [self._cross(c) for c in crosses or ()]
        self.inputs = {key: Input((1,), dtype=f.dtype, name=key) for key, f in self.features.items()}
        self.preprocessors = {key: f.preprocessor for key, f in self.features.items()}
        self.crossers = {c.name: HashedCrossing(c.crossing_dim, name=c.name) for c in self.crosses}
        self.encoded_features: Any = None
        self.one_hot_encoders: dict[str, CategoryEncoding] = {}
        self.concat = Concatenate(axis=-1)
        self._is_adapted = False

    def _feature(self, key: str, kind: Any) -> Feature:
        """The feature that the user's word for it stands for."""
        if isinstance(kind, Mapping):
            kind = deserialize_keras_object(dict(kind))
        if isinstance(kind, Feature):
            return kind
        sizes = dict.fromkeys(("integer_hashed", "string_hashed"), self.hashing_dim)
        sizes["float_discretized"] = self.num_discretization_bins
        plain = ("float", "float_normalized", "float_rescaled", "integer_categorical", "string_categorical")
        if kind in sizes:
            return getattr(self, kind)(sizes[kind], name=key)
        if kind in plain:
            return getattr(self, kind)(name=key)
        known = sorted((*plain, *sizes))
        raise ValueError(
            f"FeatureSpace: unknown kind {kind!r:.80} of the feature {key!r}.{did_you_mean(str(kind), known)} "
            f"Expected one of {known}, or FeatureSpace.feature(...)."
        )

    def _cross(self, given: Any) -> Cross:
        """A cross, checked."""
        if isinstance(given, Mapping):
            given = deserialize_keras_object(dict(given))
        if not isinstance(given, Cross) and not self.crossing_dim:
            raise ValueError(
                f"FeatureSpace(crosses=..., crossing_dim={self.crossing_dim!r}): expected a number of bins."
            )
        cross = given if isinstance(given, Cross) else Cross(given, self.crossing_dim)
        unknown = [key for key in cross.feature_names if key not in self.features]
        if unknown:
            raise ValueError(
                f"FeatureSpace(crosses=...): {cross.feature_names} has unknown features {unknown}."
                f"{did_you_mean(str(unknown[0]), self.features)} The features are {sorted(self.features)}."
            )
        return cross

    # Finding vocabularies, means and boundaries

    def adapt(self, dataset: Any) -> None:
        """Computes what the features need from data: means, vocabularies, boundaries. It replaces earlier ones.

        Args:
            dataset: a dict of arrays or lists, or a `Dataset` whose elements are dicts: examples or batches.

        Raises:
            ValueError: for anything else, no data, or data without one of the features.

        >>> space = ef.utils.FeatureSpace({"color": "string_categorical"}, output_mode="dict")
        >>> space.adapt({"color": ["red", "red", "blue"]})
        >>> space({"color": ["red", "blue"]})["color"].shape
        (2, 3)
        """
        if isinstance(dataset, Mapping):
            dataset = Dataset.from_tensor_slices({key: _values(x) for key, x in dataset.items()})
        if not isinstance(dataset, Dataset):
            raise ValueError(
                f"FeatureSpace.adapt: expected a Dataset, or a dict of arrays or lists; got {signature_of(dataset)}."
            )
        wanted = self._adaptable()
        ndims = self._ndims(dataset, wanted)
        for key in wanted:
            self.preprocessors[key].adapt(_column(dataset, key, ndims[key]))
        self._is_adapted = True
        self.encoded_features, self.one_hot_encoders = None, {}
        self.get_encoded_features()

    def _adaptable(self) -> list[str]:
        """The features whose layers find something in data, and weren't made with it."""
        return [key for key, x in self.preprocessors.items() if hasattr(x, "adapt") and not _knows_all(x)]

    def _ndims(self, dataset: Dataset, wanted: list[str]) -> dict[str, int]:
        """How many axes each feature has in the elements."""
        first = next(iter(dataset), None)
        if not isinstance(first, Mapping):
            got = "none" if first is None else signature_of(first)
            raise ValueError(
                f"FeatureSpace.adapt: expected elements that are dicts of features; got {got}. For pairs, pass "
                "dataset.map(lambda x, y: x)."
            )
        missing = [key for key in wanted if key not in first]
        if missing:
            raise ValueError(f"FeatureSpace.adapt: the data have {sorted(first)}, but not the features {missing}.")
        return {key: first[key].ndim for key in wanted}

    def _check_adapted(self) -> None:
        if not self._is_adapted and (wanted := self._adaptable()):
            raise ValueError(
                f'FeatureSpace "{self.name}" must see data before it is used: call adapt(dataset) first. The '
                f"features {wanted} need it."
            )

    # As part of a functional model

    def get_inputs(self) -> dict[str, Any]:
        """A dict with an `Input` for each feature: the inputs of a functional model that takes raw data.

        Raises:
            ValueError: before `adapt`.

        >>> space = ef.utils.FeatureSpace({"size": "float_normalized", "color": "string_categorical"})
        >>> space.adapt({"size": [1.0, 3.0], "color": ["red", "blue"]})
        >>> sorted(space.get_inputs())
        ['color', 'size']
        """
        self.get_encoded_features()
        return self.inputs

    def get_encoded_features(self) -> Any:
        """The encoded features of `get_inputs()`: a symbolic tensor, or a dict of them, for functional models.

        Raises:
            ValueError: before `adapt`, or when a feature's `output_mode` doesn't fit.

        >>> space = ef.utils.FeatureSpace({"size": "float_normalized", "color": "string_categorical"})
        >>> space.adapt({"size": [1.0, 3.0], "color": ["red", "blue"]})
        >>> model = ef.Model(space.get_inputs(), ef.layers.Dense(1)(space.get_encoded_features()))
        >>> model({"size": ef.Tensor([[2.0]]), "color": np.array([["red"]])}).shape
        (1, 1)
        """
        self._check_adapted()
        if self.encoded_features is None:
            prepared = self._prepared(self.inputs)
            for key, spec in self._specs().items():
                self._settle_encoding(key, spec.output_mode, prepared[key])
            self.encoded_features = self._merged(prepared)
            self.built = True
        return self.encoded_features

    def _specs(self) -> dict[str, Feature | Cross]:
        """Features and crosses in the order of the results."""
        crosses = {c.name: c for c in self.crosses}
        return {key: self.features[key] for key in sorted(self.features)} | dict(sorted(crosses.items()))

    def _settle_encoding(self, key: str, mode: str, feature: Any) -> None:
        """Make the encoder of a feature that wants one; check that the others can be joined."""
        kind = feature.dtype.kind
        if mode == "one_hot":
            if kind not in "iu":
                raise ValueError(
                    f"FeatureSpace: the feature {key!r} has output_mode='one_hot', for which its layer must give "
                    f"integers; it gives {feature.dtype}. Use output_mode='float'."
                )
            layer = self.preprocessors.get(key) or self.crossers[key]
            self.one_hot_encoders[key] = CategoryEncoding(_categories(key, layer), output_mode="multi_hot")
        elif self.output_mode == "concat" and kind not in "fb":
            raise ValueError(
                f"FeatureSpace: the feature {key!r} of type {feature.dtype} isn't encoded, so it can't be joined with "
                "the others. Use output_mode='dict', or output_mode='one_hot' for the feature."
            )

    def _prepared(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """What the layers give for all features and crosses."""
        prepared = {key: layer(data[key]) for key, layer in self.preprocessors.items()}
        for cross in self.crosses:
            parts = [prepared[key] for key in cross.feature_names]
            for key, part in zip(cross.feature_names, parts, strict=True):
                _check_crossable(cross, key, part)
            prepared[cross.name] = self.crossers[cross.name](parts)
        return prepared

    def _merged(self, prepared: dict[str, Any]) -> Any:
        """All features encoded, in a dict or joined."""
        encoders = self.one_hot_encoders
        encoded = {key: encoders[key](prepared[key]) if key in encoders else prepared[key] for key in self._specs()}
        return encoded if self.output_mode == "dict" else self.concat(list(encoded.values()))

    # On data

    def __call__(self, data: Any) -> Any:
        """The encoded features of a batch, or of one example.

        Args:
            data: a dict with an entry for each feature: an array or list of shape (batch,) or (batch, 1), or for
                one example a number or string.

        Returns:
            A tensor (batch, length), or a dict of tensors; without the batch axis for one example.

        Raises:
            ValueError: before `adapt`, for anything but a dict, and when features are missing or unknown.
        """
        self.get_encoded_features()
        if not isinstance(data, Mapping):
            raise ValueError(f"FeatureSpace: expected a dict of features; got {signature_of(data)}.")
        self._check_names(data)
        if is_symbolic(dict(data)):
            return self.call(dict(data))
        arrays = {key: self._array(key, x) for key, x in data.items()}
        outputs = super().__call__({key: _as_column(x) for key, x in arrays.items()})
        single = any(x.ndim == 0 for x in arrays.values())
        return tree.map_structure(_first, outputs) if single else outputs

    def call(self, data: Any) -> Any:
        """Encodes the features of an example or a batch.

        Args:
            data: a dict of columns, each of shape (), (batch,) or (batch, 1).

        >>> space = ef.utils.FeatureSpace({"size": "float_normalized"})
        >>> space.adapt({"size": [1.0, 3.0]})
        >>> space({"size": [[1.0], [2.0], [3.0]]}).round(4).tolist()
        [[-1.0], [0.0], [1.0]]
        """
        return self._merged(self._prepared(data))

    def _check_names(self, data: Mapping[str, Any]) -> None:
        missing = [key for key in self.features if key not in data]
        unknown = [key for key in data if key not in self.features]
        if missing or unknown:
            hint = did_you_mean(str(unknown[0]), self.features) if unknown else ""
            raise ValueError(
                f"FeatureSpace: expected the features {sorted(self.features)}; missing are {missing}, unknown "
                f"{unknown}.{hint}"
            )

    def _array(self, key: str, x: Any) -> Any:
        """Data as a tensor in the type of floating-point features, or as an array of text."""
        values = _values(x)
        if is_text(values):
            if self.features[key].dtype != "string":
                raise TypeError(
                    f"FeatureSpace: the feature {key!r} holds numbers ({self.features[key].dtype}); got text."
                )
            return values
        floats = str(self.features[key].dtype).startswith("float")
        return convert_to_tensor(x, self.features[key].dtype if floats else None)

    # Configurations and files

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal feature space, without what `adapt` computed.

        >>> space = ef.utils.FeatureSpace({"size": "float_normalized"})
        >>> sorted(space.get_config())
        ['crosses', 'crossing_dim', 'features', 'hashing_dim', 'num_discretization_bins', 'output_mode']
        """
        return {
            "features": serialize_keras_object(self.features),
            "output_mode": self.output_mode,
            "crosses": serialize_keras_object(self.crosses),
            "crossing_dim": self.crossing_dim,
            "hashing_dim": self.hashing_dim,
            "num_discretization_bins": self.num_discretization_bins,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> FeatureSpace:
        """Creates a feature space from the dict that `get_config` returned.

        Args:
            config: that dict.

        >>> space = ef.utils.FeatureSpace({"size": "float_normalized"}, output_mode="dict")
        >>> ef.utils.FeatureSpace.from_config(space.get_config()).output_mode
        'dict'
        """
        return cls(**config)

    def get_build_config(self) -> dict[str, Any]:
        """The shapes that the layers of the features were built for."""
        return {key: layer.get_build_config() for key, layer in self.preprocessors.items()}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Builds the layers of the features, before their state is loaded from a file.

        Args:
            config: what `get_build_config` returned: a dict with a dict of shapes for each feature.
        """
        for key, shapes in config.items():
            if shapes and not self.preprocessors[key].built:
                self.preprocessors[key].build_from_config(shapes)
        self._is_adapted = True
        self.built = True

    def save(self, filepath: Any) -> None:
        """Saves the feature space with all that `adapt` computed; `models.load_model` reads it.

        A program that loads it must have imported `FeatureSpace`, since the class isn't imported with eagerflow.

        Args:
            filepath: a path that ends in `.keras`.

        Raises:
            ValueError: for another ending, or before `adapt`.

        >>> space = ef.utils.FeatureSpace({"size": "float_normalized"})
        >>> space.adapt({"size": [1.0, 3.0]})
        >>> space.save("features.keras")
        >>> ef.models.load_model("features.keras")({"size": [[3.0]]}).round(4).tolist()
        [[1.0]]
        """
        self.get_encoded_features()
        save_model(self, filepath)

    def save_own_variables(self, store: Any) -> None:
        """Does nothing, since the variables belong to the layers of the features.

        Args:
            store: ignored.
        """

    def load_own_variables(self, store: Any) -> None:
        """Does nothing, since `save_own_variables` saves nothing.

        Args:
            store: ignored.
        """


def _values(x: Any) -> numpy.ndarray:
    """Anything like an array, on the host."""
    return numpy.asarray(to_host(x.data) if isinstance(x, Tensor) else x)


def _as_column(x: Any) -> Any:
    """(batch, 1) for a scalar or vector."""
    return x.reshape((-1, 1)) if x.ndim < 2 else x


def _first(x: Any) -> Any:
    """The only row of a batch of one."""
    return x[0] if x.ndim > 1 and x.shape[0] == 1 else x


def _column(dataset: Dataset, key: str, ndim: int) -> Dataset:
    """One feature of a data set, in batches (batch, 1)."""
    column = dataset.map(lambda element: element[key])
    column = column.batch(_BATCH) if ndim == 0 else column
    return column if ndim > 1 else column.map(_as_column)


def _knows_all(layer: Any) -> bool:
    """Whether a layer was made with what `adapt` would find."""
    config = layer.get_config()
    boundaries = config.get("bin_boundaries") is not None and config.get("num_bins") is None
    return boundaries or config.get("mean") is not None or config.get("vocabulary") is not None


def _categories(key: str, layer: Any) -> int:
    """How many integers a layer may give.

    Raises:
        ValueError: for a layer that doesn't tell.
    """
    if hasattr(layer, "vocabulary_size"):
        return int(layer.vocabulary_size())
    for attribute in ("num_tokens", "num_bins"):
        if getattr(layer, attribute, None) is not None:
            return int(getattr(layer, attribute))
    if getattr(layer, "bin_boundaries", None) is not None:
        return len(layer.bin_boundaries) + 1
    raise ValueError(
        f"FeatureSpace: the feature {key!r} has output_mode='one_hot', but how many integers its layer "
        f"{layer.name!r} ({type(layer).__name__}) may give isn't known. Use output_mode='int'."
    )


def _check_crossable(cross: Cross, key: str, part: Any) -> None:
    if not is_text(part) and part.dtype.kind not in "iuT":
        raise ValueError(
            f"FeatureSpace: the cross {cross.name!r} needs integers or text; the feature {key!r} gives {part.dtype}. "
            "Use a categorical, hashed or discretized feature."
        )
