"""The arguments that layers take besides their own, as type checkers and editors see them.

A layer whose own arguments include one of these takes the set without it, for nothing may be named twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

from eagerflow.base.typing import DataFormat, PolicyLike, RegularizerLike

__all__ = ["BoxOptions", "ConvOptions", "EmbeddingOptions", "ImageOptions", "LayerNormalizationOptions"]
__all__ += ["LayerOptions", "LeakyReLUOptions", "LookupOptions", "NamedOptions", "OfAnyLayer", "RecurrentOptions"]
__all__ += ["UnnamedOptions", "WeightOptions"]


class OfAnyLayer(TypedDict, total=False):
    """What every layer takes.

    Attributes:
        trainable: whether training changes the weights.
        autocast: whether floating-point inputs are cast to the type in which the layer computes.
        input_shape: of a sample, for the first layer of a `Sequential`.
        batch_shape: the same with the batch axis.
        batch_size: how many samples there are at once.
    """

    trainable: bool
    autocast: bool
    input_shape: int | Sequence[int | None]
    batch_shape: Sequence[int | None]
    batch_size: int | None


class NamedOptions(OfAnyLayer, total=False):
    """What layers take that have an `input_dim` of their own.

    Attributes:
        name: the name of the layer.
        dtype: a type name or a policy.
    """

    name: str | None
    dtype: PolicyLike


class WeightOptions(NamedOptions, total=False):
    """What layers take that have an `activity_regularizer` of their own.

    Attributes:
        input_dim: the length of a sample that is a vector.
    """

    input_dim: int | None


class LayerOptions(WeightOptions, total=False):
    """What most layers take.

    Attributes:
        activity_regularizer: of the outputs.
    """

    activity_regularizer: RegularizerLike


class BoxOptions(LayerOptions, total=False):
    """What layers take that change images, and have a `data_format` of their own.

    Attributes:
        bounding_box_format: how boxes are given, such as `"xyxy"`.
    """

    bounding_box_format: Any


class ImageOptions(BoxOptions, total=False):
    """What other layers take that change images.

    Attributes:
        data_format: `"channels_last"` or `"channels_first"`.
    """

    data_format: DataFormat | None


class ConvOptions(WeightOptions, total=False):
    """What convolutions take.

    Attributes:
        lora_rank: if given, a low-rank adapter of this rank is trained instead of the kernel (see `enable_lora`).
        lora_alpha: the adapter's output is multiplied by `lora_alpha / lora_rank`.
    """

    lora_rank: int | None
    lora_alpha: float | None


class RecurrentOptions(WeightOptions, total=False):
    """What recurrent layers take.

    Attributes:
        implementation: Keras 2's choice between two ways to compute the same; there is one here.
    """

    implementation: int


class EmbeddingOptions(NamedOptions, total=False):
    """What `Embedding` takes.

    Attributes:
        input_length: Keras 2's: how many words there are in a sample.
    """

    input_length: int | None


class LeakyReLUOptions(LayerOptions, total=False):
    """What `LeakyReLU` takes.

    Attributes:
        alpha: the older name of `negative_slope`.
    """

    alpha: float


class LayerNormalizationOptions(LayerOptions, total=False):
    """What `LayerNormalization` takes.

    Attributes:
        rms_scaling: Keras' older form of `RMSNormalization`.
    """

    rms_scaling: bool


class UnnamedOptions(OfAnyLayer, total=False):
    """What layers take that have a `name` of their own.

    Attributes:
        dtype: a type name or a policy.
        input_dim: the length of a sample that is a vector.
        activity_regularizer: of the outputs.
    """

    dtype: PolicyLike
    input_dim: int | None
    activity_regularizer: RegularizerLike


class LookupOptions(UnnamedOptions, total=False):
    """What layers with a vocabulary take from their own configurations.

    Attributes:
        vocabulary_size: how many words it has.
        has_input_vocabulary: whether the caller passed it.
    """

    vocabulary_size: int | None
    has_input_vocabulary: bool
