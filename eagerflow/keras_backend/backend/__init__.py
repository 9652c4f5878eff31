"""The modules and names that Keras asks of its backend."""

from keras.src.backend.common.name_scope import name_scope as name_scope

from eagerflow.keras_backend.backend import (
    core as core,
    distribution_lib as distribution_lib,
    image as image,
    linalg as linalg,
    math as math,
    nn as nn,
    numpy as numpy,
    random as random,
)
from eagerflow.keras_backend.backend.core import *
from eagerflow.keras_backend.backend.rnn import *
