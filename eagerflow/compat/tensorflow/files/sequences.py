"""`tf.train.SequenceExample` and its parts: features of a whole sequence, and lists of features of its steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from eagerflow.compat.tensorflow.files import examples
from eagerflow.compat.tensorflow.files.examples import Example, Feature, Features, FixedLenFeature, Message, field

__all__ = ["FeatureList", "FeatureLists", "FixedLenSequenceFeature", "SequenceExample", "parse_single_sequence_example"]


class _Repeated(list[Feature]):
    def add(self) -> Feature:
        """A new feature at the end."""
        self.append(Feature())
        return self[-1]


class FeatureList(Message):
    """A feature of each step of a sequence; `steps.feature.add()` adds one.

    Args:
        feature: a list of `tf.train.Feature`s.
    """

    def __init__(self, feature: Iterable[Feature] = ()) -> None:
        self.feature = _Repeated(feature)

    def encoded(self) -> bytes:
        """As a protocol buffer."""
        return b"".join([field(1, step.encoded()) for step in self.feature])


class FeatureLists(Message):
    """Lists of features by their names.

    Args:
        feature_list: a dict of `FeatureList`s; `lists.feature_list["new"]` adds one.
    """

    def __init__(self, feature_list: Mapping[str, FeatureList] | None = None) -> None:
        self.feature_list: dict[str, FeatureList] = defaultdict(FeatureList, feature_list or {})

    def encoded(self) -> bytes:
        """As a protocol buffer."""
        return examples.encoded_map(self.feature_list)


class SequenceExample(Example):
    """A record of a sequence.

    Args:
        context: the `Features` of the whole sequence.
        feature_lists: the `FeatureLists` of its steps.
    """

    def __init__(self, context: Features | None = None, feature_lists: FeatureLists | None = None) -> None:
        self.context, self.feature_lists = context or Features(), feature_lists or FeatureLists()

    def encoded(self) -> bytes:
        """As a protocol buffer."""
        return field(1, self.context.encoded()) + field(2, self.feature_lists.encoded())

    def read(self, data: bytes) -> None:
        """Take what is in bytes."""
        lists = examples.messages_in(data, 2).items()
        self.context = Features(examples.features_in(data))
        self.feature_lists = FeatureLists(
            {name: FeatureList([examples.feature_in(part) for _, part in examples.fields(x)]) for name, x in lists}
        )


class FixedLenSequenceFeature(FixedLenFeature):
    """A feature that each step of a sequence has, with the same number of values; sequences have any length.

    Args:
        shape: of the values of a step.
        dtype: their type: `tf.string`, `tf.float32` or `tf.int64`.
        allow_missing: whether a sequence without this feature has no steps, instead of an error.
        default_value: accepted for TensorFlow's signature; `parse_single_sequence_example` doesn't use it.
    """

    def __init__(self, shape: Any, dtype: Any, allow_missing: bool = False, default_value: Any = None) -> None:
        super().__init__(shape, dtype)
        self._allow_missing = allow_missing

    def value(self, name: str, found: Any) -> Any:
        """The values of all steps, of shape `(steps, *shape)`."""
        if found is None and not self._allow_missing:
            raise ValueError(f"feature {name!r}: this sequence doesn't have it; allow_missing=True takes no steps.")
        steps = enumerate(found.feature if found else ())
        return self.stacked([super(FixedLenSequenceFeature, self).value(f"{name}, step {i}", x) for i, x in steps])


def parse_single_sequence_example(
    serialized: Any,
    context_features: Mapping[str, Any] | None = None,
    sequence_features: Mapping[str, Any] | None = None,
    example_name: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The features of a sequence and those of its steps, as two dicts of tensors.

    Args:
        serialized: the bytes of a `tf.train.SequenceExample`.
        context_features: `tf.io.FixedLenFeature`s by their names.
        sequence_features: `tf.io.FixedLenSequenceFeature`s by their names.
        example_name: accepted for TensorFlow's signature.
        name: accepted for TensorFlow's signature.

    Raises:
        TypeError: for other kinds of features: they need sparse or ragged tensors.
        ValueError: for a sequence whose values don't fit.
    """
    found = SequenceExample.FromString(serialized)
    context = examples.values_of(found.context.feature, context_features or {}, FixedLenFeature)
    steps = examples.values_of(found.feature_lists.feature_list, sequence_features or {}, FixedLenSequenceFeature)
    return {key: examples.as_tensor(value) for key, value in context.items()}, steps
