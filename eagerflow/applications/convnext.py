"""ConvNeXt by Liu, Mao, Wu, Feichtenhofer, Darrell and Xie: a convolutional network in the shape of a transformer.

It prepares images itself, see `include_preprocessing`: it takes numbers from 0 to 255.
Source: A ConvNet for the 2020s, 2022, arXiv:2201.03545.
"""

from functools import partial
from typing import Any

from eagerflow import layers, ops, random
from eagerflow.applications.blocks import Map, act, channels, conv
from eagerflow.applications.building import Chosen, Family, Preprocessor, Special, decode_predictions, preprocessor
from eagerflow.initializers import Constant
from eagerflow.models import Sequential

__all__ = ["ConvNeXtBase", "ConvNeXtLarge", "ConvNeXtSmall", "ConvNeXtTiny", "ConvNeXtXLarge", "LayerScale"]
__all__ += ["StochasticDepth", "decode_predictions", "preprocess_input"]

_MEAN = [255 * mean for mean in (0.485, 0.456, 0.406)]
_VARIANCE = [(255 * deviation) ** 2 for deviation in (0.229, 0.224, 0.225)]
_normal = partial(layers.LayerNormalization, epsilon=1e-6)


class StochasticDepth(layers.Layer):
    """Drops whole samples while training, and scales up the others so that the mean stays the same.

    Args:
        drop_path_rate: the fraction of samples to drop.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Source: Deep Networks with Stochastic Depth, 2016, arXiv:1603.09382.

    >>> ef.applications.convnext.StochasticDepth(0.5)(np.ones((1, 2), "float32")).tolist()
    [[1.0, 1.0]]
    """

    def __init__(self, drop_path_rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 <= drop_path_rate < 1:
            raise ValueError(f"StochasticDepth(drop_path_rate={drop_path_rate!r}): expected from 0 to less than 1.")
        self.drop_path_rate = drop_path_rate

    def call(self, x: Map, training: bool | None = None) -> Any:
        """`x`; while training, some samples are replaced by zeros.

        Args:
            x: the inputs.
            training: whether samples are dropped.
        """
        if not training:
            return x
        kept = 1.0 - self.drop_path_rate
        drawn = random.uniform((ops.shape(x)[0],) + (1,) * (x.ndim - 1), dtype=x.dtype)
        return x / kept * ops.floor(kept + drawn)


class LayerScale(layers.Layer):
    """Multiplies each channel by a learned factor.

    Args:
        init_values: the initial value of the factors.
        projection_dim: the number of channels.
        **kwargs: arguments of every layer: `name`, `dtype`, `trainable` and more; see `Layer`.

    Source: Going deeper with Image Transformers, 2021, arXiv:2103.17239.

    >>> ef.applications.convnext.LayerScale(0.5, 2)(np.ones((1, 2), "float32")).tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.init_values = init_values
        self.projection_dim = projection_dim

    def build(self, input_shape: Any) -> None:
        """Creates the factors."""
        self.gamma = self.add_weight((self.projection_dim,), initializer=Constant(self.init_values), name="gamma")

    def call(self, x: Map) -> Any:
        """`x` times the factors.

        Args:
            x: the inputs, with the channels last.
        """
        return x * self.gamma

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the input."""
        return input_shape


def _body(x: Map, chosen: Chosen) -> Map:
    # Names of layers begin with the model's.
    chosen.name = name = chosen.name or chosen.title
    if chosen.include_preprocessing and channels(x) == 3:
        x = layers.Normalization(mean=_MEAN, variance=_VARIANCE, name=f"{name}_prestem_normalization")(x)
    for stage, between in enumerate([_between(chosen.width << stage, stage, name) for stage in range(4)]):
        x = between(x)
        for i in range(chosen.repeats[stage]):
            x = _block(x, chosen.width << stage, f"{name}_stage_{stage}_block_{i}")
    return x


def _between(filters: int, stage: int, name: str) -> Any:
    """What comes before the blocks of a stage: fewer places, more channels."""
    if not stage:
        stem = layers.Conv2D(filters, 4, strides=4, name=f"{name}_stem_conv")
        return Sequential([stem, _normal(name=f"{name}_stem_layernorm")], name=f"{name}_stem")
    strided = layers.Conv2D(filters, 2, strides=2, name=f"{name}_downsampling_conv_{stage - 1}")
    parts = [_normal(name=f"{name}_downsampling_layernorm_{stage - 1}"), strided]
    return Sequential(parts, name=f"{name}_downsampling_block_{stage - 1}")


def _block(x: Map, filters: int, name: str) -> Map:
    start = x
    x = conv(x, filters, 7, f"{name}_depthwise_conv", padding="same", groups=filters)
    x = _normal(name=f"{name}_layernorm")(x)
    x = act(layers.Dense(4 * filters, name=f"{name}_pointwise_conv_1")(x), f"{name}_gelu", "gelu")
    x = layers.Dense(filters, name=f"{name}_pointwise_conv_2")(x)
    x = LayerScale(1e-6, filters, name=f"{name}_layer_scale")(x)
    return start + act(x, f"{name}_identity", "linear")  # where the paper drops samples, the published models don't


def _top(x: Map, chosen: Chosen) -> Map:
    x = _normal(name=f"{chosen.name}_head_layernorm")(layers.GlobalAveragePooling2D(name=f"{chosen.name}_head_gap")(x))
    return layers.Dense(chosen.classes, activation=chosen.classifier_activation, name=f"{chosen.name}_head_dense")(x)


preprocess_input: Preprocessor = preprocessor(__name__, None)
_arguments = "include_top include_preprocessing weights input_tensor input_shape pooling classes classifier_activation"
_end: dict[str, Any] = {"pooled": False, "channels_last_only": True, "end": lambda x: _normal()(x)}
_family = Family[Special](__name__, _body, _top, f"{_arguments} name", **_end)
ConvNeXtTiny = _family("ConvNeXtTiny", "convnext_tiny", width=96, repeats=(3, 3, 9, 3))
ConvNeXtSmall = _family("ConvNeXtSmall", "convnext_small", width=96, repeats=(3, 3, 27, 3))
ConvNeXtBase = _family("ConvNeXtBase", "convnext_base", width=128, repeats=(3, 3, 27, 3))
ConvNeXtLarge = _family("ConvNeXtLarge", "convnext_large", width=192, repeats=(3, 3, 27, 3))
ConvNeXtXLarge = _family("ConvNeXtXLarge", "convnext_xlarge", width=256, repeats=(3, 3, 27, 3))
