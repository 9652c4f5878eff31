"""Layers that prepare data: numbers, categories, text, audio and images. Public as `eagerflow.layers`."""

from __future__ import annotations

from eagerflow.layers.preprocessing.images.augmenting import AugMix, RandAugment
from eagerflow.layers.preprocessing.images.colors import (
    RandomColorDegeneration,
    RandomColorJitter,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from eagerflow.layers.preprocessing.images.erasing import CutMix, MixUp, RandomErasing
from eagerflow.layers.preprocessing.images.flip import RandomFlip
from eagerflow.layers.preprocessing.images.histogram import (
    AutoContrast,
    ContrastLimitedAdaptiveHistogramEqualization,
    Equalization,
)
from eagerflow.layers.preprocessing.images.levels import (
    RandomBrightness,
    RandomContrast,
    RandomInvert,
    RandomPosterization,
    Solarization,
)
from eagerflow.layers.preprocessing.images.max_boxes import MaxNumBoundingBoxes
from eagerflow.layers.preprocessing.images.perspective import RandomElasticTransform, RandomPerspective
from eagerflow.layers.preprocessing.images.pipeline import Pipeline
from eagerflow.layers.preprocessing.images.rescaling import Rescaling
from eagerflow.layers.preprocessing.images.resizing import CenterCrop, RandomCrop, Resizing
from eagerflow.layers.preprocessing.images.sharpness import RandomGaussianBlur, RandomSharpness
from eagerflow.layers.preprocessing.images.warping import (
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)
from eagerflow.layers.preprocessing.numbers.category_encoding import CategoryEncoding
from eagerflow.layers.preprocessing.numbers.discretization import Discretization
from eagerflow.layers.preprocessing.numbers.normalization import Normalization
from eagerflow.layers.preprocessing.spectrogram import MelSpectrogram, STFTSpectrogram
from eagerflow.layers.preprocessing.text.hashing import HashedCrossing, Hashing
from eagerflow.layers.preprocessing.text.lookups import IntegerLookup, StringLookup
from eagerflow.layers.preprocessing.text.text_vectorization import TextVectorization

__all__ = [
    "AugMix", "AutoContrast", "CategoryEncoding", "CenterCrop", "ContrastLimitedAdaptiveHistogramEqualization",
    "CutMix", "Discretization", "Equalization", "HashedCrossing", "Hashing", "IntegerLookup",
    "MaxNumBoundingBoxes", "MelSpectrogram", "MixUp", "Normalization", "Pipeline", "RandAugment",
    "RandomBrightness", "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomCrop",
    "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur", "RandomGrayscale",
    "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization", "RandomRotation",
    "RandomSaturation", "RandomSharpness", "RandomShear", "RandomTranslation", "RandomZoom", "Rescaling",
    "Resizing", "STFTSpectrogram", "Solarization", "StringLookup", "TextVectorization",
]  # fmt: skip


def __dir__() -> list[str]:
    return sorted(__all__)
