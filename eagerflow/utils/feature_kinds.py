"""The kinds of features that a `FeatureSpace` knows: each a type of data and the layer that prepares it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eagerflow.base.config_from_init import Configured
from eagerflow.base.errors import expect_one_of
from eagerflow.base.serialization import Table, deserialize_keras_object, serialize_keras_object
from eagerflow.layer.unique_names import unique_name
from eagerflow.layers import Discretization, Hashing, Identity, IntegerLookup, Normalization, Rescaling, StringLookup

__all__ = ["Cross", "Feature", "FeatureKinds"]

# Where Keras keeps these classes: the name that files have for them.
_table = Table("feature", "keras.src.layers.preprocessing.feature_space")
_table.entries["TFDIdentity"] = Identity


def _mode_of(who: str, mode: Any, known: tuple[str, ...]) -> str:
    expect_one_of(who, "output_mode", mode, known)
    return str(mode)


@_table.add()
class Cross(Configured):
    """Features whose combinations become categories of their own, by a hash.

    Args:
        feature_names: the names of two features or more.
        crossing_dim: how many bins the combinations share.
        output_mode: `"one_hot"`, or `"int"` for the number of the bin.

    Raises:
        ValueError: for another mode, or fewer than two names.
    """

    def __init__(self, feature_names: Any, crossing_dim: Any, output_mode: str = "one_hot") -> None:
        self.feature_names = (feature_names,) if isinstance(feature_names, str) else tuple(feature_names)
        self.crossing_dim = crossing_dim
        self.output_mode = _mode_of("FeatureSpace.cross", output_mode, ("int", "one_hot"))
        if len(self.feature_names) < 2:
            raise ValueError(
                f"FeatureSpace.cross(feature_names={feature_names!r}): expected the names of two features or more."
            )

    @property
    def name(self) -> str:
        """The names of the features with `_X_` between: the key of the cross in dicts."""
        return "_X_".join(self.feature_names)


@_table.add()
class Feature(Configured):
    """One column of data: its type, the layer that prepares it, and how the result is encoded.

    Args:
        dtype: the type of the data: `"float32"`, `"int32"`, `"string"`, ...
        preprocessor: a layer (or the configuration of one).
        output_mode: `"float"` (as the layer gives it), `"int"` (the same, for integers) or `"one_hot"`.

    Raises:
        ValueError: for another mode.
    """

    def __init__(self, dtype: Any, preprocessor: Any, output_mode: str) -> None:
        self.dtype = dtype
        made = deserialize_keras_object(preprocessor) if isinstance(preprocessor, Mapping) else preprocessor
        self.preprocessor = made
        self.output_mode = _mode_of("FeatureSpace.feature", output_mode, ("int", "one_hot", "float"))

    def get_config(self) -> dict[str, Any]:
        """The arguments that make an equal feature."""
        layer = serialize_keras_object(self.preprocessor)
        return {"dtype": self.dtype, "preprocessor": layer, "output_mode": self.output_mode}


def _layer_name(name: Any, kind: str) -> str:
    return f"{name or unique_name(kind)}_preprocessor"


class FeatureKinds:
    """The class methods of `FeatureSpace` that make features and crosses."""

    @classmethod
    def cross(cls, feature_names: Any, crossing_dim: Any, output_mode: str = "one_hot") -> Cross:
        """A feature made of the combinations of other features' values, which are hashed into bins.

        Args:
            feature_names: the names of the features to cross.
            crossing_dim: the number of bins.
            output_mode: `"one_hot"` or `"int"`.

        >>> FeatureKinds.cross(("sex", "age"), crossing_dim=16).name
        'sex_X_age'
        """
        return Cross(feature_names, crossing_dim, output_mode=output_mode)

    @classmethod
    def feature(cls, dtype: Any, preprocessor: Any, output_mode: str) -> Feature:
        """A feature with a custom layer.

        Args:
            dtype: the type of the data, such as `"string"`.
            preprocessor: the layer, which gets data of shape (batch, 1).
            output_mode: `"float"`, `"int"` or `"one_hot"`.
        """
        return Feature(dtype, preprocessor, output_mode)

    @classmethod
    def float(cls, name: str | None = None) -> Feature:
        """A feature of numbers, which aren't changed.

        Args:
            name: the name of the layer.
        """
        return Feature("float32", Identity(dtype="float32", name=_layer_name(name, "float")), "float")

    @classmethod
    def float_rescaled(cls, scale: Any = 1.0, offset: Any = 0.0, name: str | None = None) -> Feature:
        """A feature of numbers, which become `number * scale + offset`.

        Args:
            scale: the factor.
            offset: the number that is added.
            name: the name of the layer.
        """
        layer = Rescaling(scale=scale, offset=offset, name=_layer_name(name, "float_rescaled"))
        return Feature("float32", layer, "float")

    @classmethod
    def float_normalized(cls, name: str | None = None) -> Feature:
        """A feature of numbers, which are normalized to mean 0 and variance 1; `adapt` computes their moments.

        Args:
            name: the name of the layer.
        """
        layer = Normalization(axis=-1, name=_layer_name(name, "float_normalized"))
        return Feature("float32", layer, "float")

    @classmethod
    def float_discretized(
        cls, num_bins: Any, bin_boundaries: Any = None, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """A feature of numbers, which become the bins that they fall into.

        Args:
            num_bins: the number of bins that `adapt` makes; None with `bin_boundaries`.
            bin_boundaries: the boundaries, when they are known; None with `num_bins`.
            output_mode: `"one_hot"` or `"int"`.
            name: the name of the layer.
        """
        layer = Discretization(
            num_bins=num_bins, bin_boundaries=bin_boundaries, name=_layer_name(name, "float_discretized")
        )
        return Feature("float32", layer, output_mode)

    @classmethod
    def integer_categorical(
        cls, max_tokens: Any = None, num_oov_indices: Any = 1, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """A feature of integers that are categories; `adapt` makes the vocabulary.

        Args:
            max_tokens: the largest number of categories, including those for unknown integers; None for no limit.
            num_oov_indices: the number of categories for unknown integers.
            output_mode: `"one_hot"` or `"int"`.
            name: the name of the layer.
        """
        layer = IntegerLookup(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, name=_layer_name(name, "integer_categorical")
        )
        return Feature("int32", layer, output_mode)

    @classmethod
    def string_categorical(
        cls, max_tokens: Any = None, num_oov_indices: Any = 1, output_mode: str = "one_hot", name: str | None = None
    ) -> Feature:
        """A feature of strings that are categories; `adapt` makes the vocabulary.

        Args:
            max_tokens: the largest number of categories, including those for unknown strings; None for no limit.
            num_oov_indices: the number of categories for unknown strings.
            output_mode: `"one_hot"` or `"int"`.
            name: the name of the layer.
        """
        layer = StringLookup(
            max_tokens=max_tokens, num_oov_indices=num_oov_indices, name=_layer_name(name, "string_categorical")
        )
        return Feature("string", layer, output_mode)

    @classmethod
    def string_hashed(cls, num_bins: Any, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """A feature of strings, which are hashed into bins.

        Args:
            num_bins: the number of bins.
            output_mode: `"one_hot"` or `"int"`.
            name: the name of the layer.
        """
        layer = Hashing(num_bins=num_bins, name=_layer_name(name, "string_hashed"))
        return Feature("string", layer, output_mode)

    @classmethod
    def integer_hashed(cls, num_bins: Any, output_mode: str = "one_hot", name: str | None = None) -> Feature:
        """A feature of integers, which are hashed into bins.

        Args:
            num_bins: the number of bins.
            output_mode: `"one_hot"` or `"int"`.
            name: the name of the layer.
        """
        layer = Hashing(num_bins=num_bins, name=_layer_name(name, "integer_hashed"))
        return Feature("int32", layer, output_mode)
