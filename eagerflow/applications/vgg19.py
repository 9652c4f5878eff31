"""VGG with 19 layers that have weights: `VGG19`.

Simonyan and Zisserman's network of 3 × 3 convolutions. Its images come from `preprocess_input`.
Source: Very Deep Convolutional Networks for Large-Scale Image Recognition, 2014, arXiv:1409.1556.
"""

from eagerflow.applications.building import Family
from eagerflow.applications.imagenet_utils import Preprocessor, decode_predictions as decode_predictions, preprocessor
from eagerflow.applications.vgg16 import body, top

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

preprocess_input: Preprocessor = preprocessor(__name__, "caffe")
VGG19 = Family(__name__, body, top, pooled=False)("VGG19", "vgg19", repeats=(2, 2, 4, 4, 4))
