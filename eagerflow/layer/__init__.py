"""The machine behind every layer: calls, weights, building, masks, shapes. The layers themselves are in `layers`."""

from functools import partial

from eagerflow.base.faces import refused

__getattr__ = partial(refused, __name__)  # `ef.layer.Dense`: a letter is missing
