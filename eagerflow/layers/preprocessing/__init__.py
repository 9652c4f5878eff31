"""Layers that prepare data: numbers, categories, text, audio and images. Public as `eagerflow.layers`."""

from __future__ import annotations

from eagerflow.base.faces import listed as _listed
from eagerflow.layers.preprocessing.images.augmenting import *
from eagerflow.layers.preprocessing.images.colors import *
from eagerflow.layers.preprocessing.images.erasing import *
from eagerflow.layers.preprocessing.images.flip import *
from eagerflow.layers.preprocessing.images.histogram import *
from eagerflow.layers.preprocessing.images.levels import (
    RandomBrightness as RandomBrightness,
    RandomContrast as RandomContrast,
    RandomInvert as RandomInvert,
    RandomPosterization as RandomPosterization,
    Solarization as Solarization,
)
from eagerflow.layers.preprocessing.images.max_boxes import *
from eagerflow.layers.preprocessing.images.perspective import *
from eagerflow.layers.preprocessing.images.pipeline import *
from eagerflow.layers.preprocessing.images.rescaling import *
from eagerflow.layers.preprocessing.images.resizing import *
from eagerflow.layers.preprocessing.images.sharpness import *
from eagerflow.layers.preprocessing.images.warping import *
from eagerflow.layers.preprocessing.numbers.category_encoding import *
from eagerflow.layers.preprocessing.numbers.discretization import *
from eagerflow.layers.preprocessing.numbers.normalization import *
from eagerflow.layers.preprocessing.spectrogram import *
from eagerflow.layers.preprocessing.text.hashing import *
from eagerflow.layers.preprocessing.text.lookups import *
from eagerflow.layers.preprocessing.text.text_vectorization import *

_listed(__name__)
