"""Rows of the ops that the core itself registers."""

from __future__ import annotations

from tests.ops.gradient_rows import case, normal, smooth

ROWS = [
    smooth("identity_of", case(normal(3))),
    smooth("to_device", case(normal(3), call=lambda x: x.to("cpu").to(x.device))),
]
