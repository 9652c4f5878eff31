"""Rows of the ops that the core itself registers."""

from __future__ import annotations

from eagerflow.distribution.runtime.communicator import Communicator
from eagerflow.distribution.runtime.reduction import all_sum
from tests.ops.gradient_rows import case, normal, smooth

ROWS = [
    smooth("identity_of", case(normal(3))),
    smooth(
        "all_sum_op", case(normal(3), call=lambda x: all_sum(x, Communicator()))
    ),  # of several ranks: tests/distribution
    smooth("to_device", case(normal(3), call=lambda x: x.to("cpu").to(x.device))),
]
