"""Pooling in blocks of images that stay in the cache."""

from __future__ import annotations

from functools import partial
from typing import Any

from eagerflow.core.lowering import lower, lower_rule
from eagerflow.kernels.pooling.average import average, average_gradient
from eagerflow.kernels.pooling.maximum import maximum, maximum_gradient
from eagerflow.lowerings.half_precision import in_float32
from eagerflow.ops.neural.pooling import average_pool, max_pool, maxima, means, spread_back

__all__: list[str] = []


def _max_gradient(g: Any, data_format: Any, which: Any, plan: Any) -> Any:
    return spread_back(partial(in_float32, maximum_gradient), g, data_format, which, plan)


def _average_gradient(g: Any, data_format: Any, plan: Any) -> Any:
    return spread_back(partial(in_float32, average_gradient), g, data_format, plan)


lower(max_pool, partial(maxima, maximum))
lower_rule(max_pool, _max_gradient)
lower(average_pool, partial(means, partial(in_float32, average)))
lower_rule(average_pool, _average_gradient)
