"""Preparation of images, sequences and texts, as in `keras.preprocessing` of Keras 2."""

from eagerflow.base.faces import listed as _listed
from eagerflow.data.timeseries import *
from eagerflow.preprocessing import image as image, sequence as sequence, text as text
from eagerflow.preprocessing.image_folder import *
from eagerflow.preprocessing.text_folder import *

_listed(__name__, "image", "sequence", "text")
