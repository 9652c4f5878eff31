"""Inception V3 by Szegedy, Vanhoucke, Ioffe, Shlens and Wojna: joined branches.

Takes images from `preprocess_input`.
Source: Rethinking the Inception Architecture for Computer Vision, 2015, arXiv:1512.00567.
"""

from eagerflow.applications.blocks import Map, branches, chain, join
from eagerflow.applications.building import Chosen, Family, Network, Preprocessor, decode_predictions, preprocessor

__all__ = ["InceptionV3", "decode_predictions", "preprocess_input"]

STEM = "32:3/2 32:3v 64:3 max 80:1v 192:3v max"
_FIVE = "64:1 | 48:1 64:5 | 64:1 96:3 96:3 | avg {}:1"
_SEVEN = "192:1 | {0}:1 {0}:1x7 192:7x1 | {0}:1 {0}:7x1 {0}:1x7 {0}:7x1 192:1x7 | avg 192:1"
_MIXED = [
    *[_FIVE.format(pooled) for pooled in (32, 64, 64)],
    "384:3/2 | 64:1 96:3 96:3/2 | max",
    *[_SEVEN.format(narrow) for narrow in (128, 160, 160, 192)],
    "192:1 320:3/2 | 192:1 192:1x7 192:7x1 192:3/2 | max",
]


def _body(x: Map, chosen: Chosen) -> Map:
    x = chain(x, STEM)
    for i, mixed in enumerate(_MIXED):
        x = branches(x, mixed, f"mixed{i}")
    for i in range(2):
        straight = chain(x, "320:1")
        middle = branches(chain(x, "384:1"), "384:1x3 | 384:3x1", f"mixed9_{i}")
        double = branches(chain(x, "448:1 384:3"), "384:1x3 | 384:3x1")
        x = join([straight, middle, double, chain(x, "avg 192:1")], f"mixed{9 + i}")
    return x


preprocess_input: Preprocessor = preprocessor(__name__, "tf")
InceptionV3 = Family[Network](__name__, _body, size=299, smallest=75, pooled=False)("InceptionV3", "inception_v3")
