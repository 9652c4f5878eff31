"""Which parts of a sample an answer rests on: `viz.explain`."""

from viz.attribution.explain import explain
from viz.attribution.explanation import Explanation

__all__ = ["Explanation", "explain"]
