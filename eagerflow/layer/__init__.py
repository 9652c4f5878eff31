"""The machine behind every layer: calls, weights, building, masks, shapes. The layers themselves are in `layers`."""

from eagerflow.base.faces import listed

listed(__name__)  # `ef.layer.Dense`: a letter is missing
