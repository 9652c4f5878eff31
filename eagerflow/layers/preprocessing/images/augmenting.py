"""`RandAugment` and `AugMix`: random choices among the other augmentations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

from eagerflow import ops, random
from eagerflow.base.typing import DataFormat, NumberOrRange, Sampling, Seed
from eagerflow.core.strategy import sharing
from eagerflow.core.tensor import Tensor, convert_to_tensor
from eagerflow.layer.layer_options import BoxOptions
from eagerflow.layers.preprocessing.images.colors import RandomColorDegeneration
from eagerflow.layers.preprocessing.images.factors import span
from eagerflow.layers.preprocessing.images.histogram import AutoContrast, Equalization
from eagerflow.layers.preprocessing.images.image_base import RandomImageLayer
from eagerflow.layers.preprocessing.images.levels import (
    RandomBrightness,
    RandomContrast,
    RandomPosterization,
    Solarization,
)
from eagerflow.layers.preprocessing.images.sharpness import RandomSharpness
from eagerflow.layers.preprocessing.images.warping import RandomRotation, RandomShear, RandomTranslation

__all__ = ["AugMix", "RandAugment"]


class _ChoosingLayer(RandomImageLayer):
    """A layer that has others to choose from, as attributes."""

    value_range: Any
    factor: tuple[float, float]

    def _make_layers(self, interpolation: Sampling, every: bool, **kwargs: Any) -> None:
        """The layers to choose from; only seven of them unless `every`."""
        kwargs = {**kwargs, "data_format": self.data_format}
        seeded = {**kwargs, "seed": self.seed}
        moving = {**seeded, "interpolation": interpolation}
        valued = {**seeded, "value_range": self.value_range}
        self.random_shear = RandomShear(x_factor=self.factor, y_factor=self.factor, **moving)
        self.random_translation = RandomTranslation(self.factor, self.factor, **moving)
        self.random_rotation = RandomRotation(self.factor, **moving)
        self.random_posterization = RandomPosterization(max(1, int(8 * self.factor[1])), **valued)
        self.solarization = Solarization(self.factor, self.factor, **valued)
        self.auto_contrast = AutoContrast(self.value_range, **kwargs)
        self.equalization = Equalization(self.value_range, **kwargs)
        if every:
            self.random_brightness = RandomBrightness(self.factor, **valued)
            self.random_color_degeneration = RandomColorDegeneration(self.factor, **valued)
            self.random_contrast = RandomContrast(self.factor, **valued)
            self.random_sharpness = RandomSharpness(self.factor, **valued)

    def _indices(self, count: int, choices: int, seed: Seed) -> Tensor:
        return random.randint((count,), 0, choices, seed=self.generator if seed is None else seed)


class RandAugment(_ChoosingLayer):
    """Applies a few augmentations chosen at random to each image, while training (RandAugment).

    Args:
        value_range: the lowest and highest value of pixels.
        num_ops: how many augmentations are applied, one after the other.
        factor: how strong they are, from 0 to 1: a number f (drawn from 0 to f) or a range.
        interpolation: `"nearest"` or `"bilinear"`.
        seed: an integer, or None for one that `set_random_seed` decides.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Raises:
        ValueError: for a factor outside [0, 1].

    Source: `keras.layers.RandAugment` 3.15; Cubuk et al. 2019, https://arxiv.org/abs/1909.13719.

    >>> ef.layers.RandAugment(seed=1)(np.ones((2, 8, 8, 3))).shape
    (2, 8, 8, 3)
    """

    _names = """random_shear random_translation random_rotation random_brightness random_color_degeneration
        random_contrast random_sharpness random_posterization solarization auto_contrast equalization""".split()

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_ops: int = 2,
        factor: NumberOrRange = 0.5,
        interpolation: Sampling = "bilinear",
        seed: Seed = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = value_range
        self.num_ops = num_ops
        self.factor = span(self, "factor", factor, 0, 1)
        self.interpolation = interpolation
        self._make_layers(interpolation, True, **_shared(kwargs))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws which augmentations are applied, and the random choices of each."""
        if not training:
            return None
        chosen = self._indices(self.num_ops, len(self._names), seed)
        source = self.generator if seed is None else seed
        transforms = {name: getattr(self, name).get_random_transformation(data, seed=source) for name in self._names}
        return {"transforms": transforms, "layer_idxes": chosen}

    def _chosen_layers(self, transformation: Any) -> list[tuple[Any, Any]]:
        """The layers to apply in turn, each with its transformation."""
        names = [self._names[int(i)] for i in ops.convert_to_numpy(transformation["layer_idxes"])]
        return [(getattr(self, name), transformation["transforms"][name]) for name in names]

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """A batch of images, augmented."""
        images = self._computable(images)
        for layer, what in self._chosen_layers(transformation) if training else ():
            images = layer.transform_images(images, what)
        return images

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """A batch of masks, moved as the images."""
        for layer, what in self._chosen_layers(transformation) if training else ():
            segmentation_masks = layer.transform_segmentation_masks(segmentation_masks, what)
        return segmentation_masks

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """A batch of boxes, moved as the images."""
        for layer, what in self._chosen_layers(transformation) if training else ():
            bounding_boxes = layer.transform_bounding_boxes(bounding_boxes, what)
        return bounding_boxes


class AugMix(_ChoosingLayer):
    """Mixes each image with randomly augmented copies of it, while training (AugMix).

    Args:
        value_range: the lowest and highest value of pixels.
        num_chains: how many augmented copies are mixed; each comes from a chain of augmentations.
        chain_depth: how many augmentations a chain has at most.
        factor: how strong they are, from 0 to 1: a number f (drawn from 0 to f) or a range.
        alpha: how evenly chains are mixed: the parameter of a Dirichlet and a beta distribution.
        all_ops: whether brightness, colour, contrast and sharpness are among the augmentations.
        interpolation: `"nearest"` or `"bilinear"`.
        seed: an integer, or None for one that `set_random_seed` decides.
        data_format: `"channels_last"`, `"channels_first"`, or None for the configured one.
        **kwargs: arguments of every layer for images: `bounding_box_format`, `name` and more; see `Layer`.

    Boxes stay as they are.

    Raises:
        ValueError: for a factor outside [0, 1].

    Source: `keras.layers.AugMix` 3.15; Hendrycks et al. 2019, https://arxiv.org/abs/1912.02781.

    >>> layer = ef.layers.AugMix(value_range=(0, 1), seed=1)
    >>> image = ef.ops.reshape(ef.ops.linspace(0.0, 1.0, 192), (1, 8, 8, 3))
    >>> mixed = layer(image)
    >>> mixed.shape, bool(ef.ops.all((mixed >= 0) & (mixed <= 1)))
    ((1, 8, 8, 3), True)
    >>> bool(ef.ops.all(layer(image, training=False) == image))
    True
    """

    _some = """random_shear random_translation random_rotation random_posterization solarization auto_contrast
        equalization""".split()
    _all = [*_some, *"random_brightness random_color_degeneration random_contrast random_sharpness".split()]

    def __init__(
        self,
        value_range: Any = (0, 255),
        num_chains: int = 3,
        chain_depth: int = 3,
        factor: NumberOrRange = 0.3,
        alpha: float = 1.0,
        all_ops: bool = True,
        interpolation: Sampling = "bilinear",
        seed: Seed = None,
        data_format: DataFormat | None = None,
        **kwargs: Unpack[BoxOptions],
    ) -> None:
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = value_range
        self.num_chains = num_chains
        self.chain_depth = chain_depth
        self.factor = span(self, "factor", factor, 0, 1)
        self.alpha = alpha
        self.all_ops = all_ops
        self.interpolation = interpolation
        self._make_layers(interpolation, all_ops, **_shared(kwargs))

    def get_random_transformation(self, data: Any, training: bool = True, seed: Seed = None) -> Any:
        """Draws the chains of augmentations, and the weights of their results and of the original image."""
        if not training:
            return None
        source = self.generator if seed is None else seed
        with sharing(None):  # one draw for all images
            parts = random.gamma((self.num_chains,), self.alpha, dtype=self.compute_dtype, seed=source)
            weight = random.beta((), self.alpha, self.alpha, dtype=self.compute_dtype, seed=source)
        return {
            "chain_mixing_weights": parts / ops.sum(parts),
            "weight_sample": weight,
            "chain_transforms": [self._chain(data, source) for _ in range(self.num_chains)],
        }

    def _chain(self, data: Any, seed: Seed) -> list[dict[str, Any]]:
        """Augmentations chosen at random; each place may also stay empty."""
        names = self._all if self.all_ops else self._some
        places = self._indices(self.chain_depth, len(names) + 1, seed).tolist()
        chosen = [names[i] for i in places if i < len(names)]
        return [
            {"layer_name": name, "transformation": getattr(self, name).get_random_transformation(data, seed=seed)}
            for name in chosen
        ]

    def _mixed(self, values: Tensor, transformation: Any, method: str) -> Tensor:
        """Values and the ends of all chains, mixed."""
        weights = convert_to_tensor(transformation["chain_mixing_weights"], self.compute_dtype)
        own = convert_to_tensor(transformation["weight_sample"], self.compute_dtype)
        total: Any = 0.0
        for i, chain in enumerate(transformation["chain_transforms"]):
            end = values
            for step in chain:
                end = getattr(getattr(self, step["layer_name"]), method)(end, step["transformation"])
            total = total + end * weights[i]
        return own * values + (1 - own) * total

    def transform_images(self, images: Any, transformation: Any, training: bool = True) -> Tensor:
        """A batch of images, each mixed with the results of its chains."""
        images = self._computable(images)
        if not training:
            return images
        mixed = self._mixed(images, transformation, "transform_images")
        return ops.clip(mixed, self.value_range[0], self.value_range[1])

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """A batch of masks, mixed as the images are."""
        if not training:
            return segmentation_masks
        return self._mixed(self._computable(segmentation_masks), transformation, "transform_segmentation_masks")


def _shared(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that the layers to choose from get too."""
    return {k: v for k, v in kwargs.items() if k in ("dtype", "bounding_box_format")}
