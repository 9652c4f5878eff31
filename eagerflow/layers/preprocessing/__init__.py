"""Layers that prepare data: numbers, categories, text, audio and images. Public as `eagerflow.layers`."""

from __future__ import annotations

from eagerflow.layers.preprocessing.augmenting import AugMix, RandAugment
from eagerflow.layers.preprocessing.category_encoding import CategoryEncoding
from eagerflow.layers.preprocessing.colors import (
    RandomColorDegeneration,
    RandomColorJitter,
    RandomGrayscale,
    RandomHue,
    RandomSaturation,
)
from eagerflow.layers.preprocessing.discretization import Discretization
from eagerflow.layers.preprocessing.erasing import CutMix, MixUp, RandomErasing
from eagerflow.layers.preprocessing.flip import RandomFlip
from eagerflow.layers.preprocessing.hashing import HashedCrossing, Hashing
from eagerflow.layers.preprocessing.histogram import (
    AutoContrast,
    ContrastLimitedAdaptiveHistogramEqualization,
    Equalization,
)
from eagerflow.layers.preprocessing.levels import (
    RandomBrightness,
    RandomContrast,
    RandomInvert,
    RandomPosterization,
    Solarization,
)
from eagerflow.layers.preprocessing.lookups import IntegerLookup, StringLookup
from eagerflow.layers.preprocessing.max_boxes import MaxNumBoundingBoxes
from eagerflow.layers.preprocessing.normalization import Normalization
from eagerflow.layers.preprocessing.perspective import RandomElasticTransform, RandomPerspective
from eagerflow.layers.preprocessing.pipeline import Pipeline
from eagerflow.layers.preprocessing.rescaling import Rescaling
from eagerflow.layers.preprocessing.resizing import CenterCrop, RandomCrop, Resizing
from eagerflow.layers.preprocessing.sharpness import RandomGaussianBlur, RandomSharpness
from eagerflow.layers.preprocessing.spectrogram import MelSpectrogram, STFTSpectrogram
from eagerflow.layers.preprocessing.text_vectorization import TextVectorization
from eagerflow.layers.preprocessing.warping import (
    RandomRotation,
    RandomShear,
    RandomTranslation,
    RandomZoom,
)

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
