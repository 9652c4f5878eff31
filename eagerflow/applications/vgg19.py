"""`VGG19` under the name of its module in Keras: see `vgg16`."""

from eagerflow.applications.vgg16 import VGG19, decode_predictions, preprocess_input

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]
