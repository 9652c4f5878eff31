"""The functions of Keras 2's `keras.backend`, on eagerflow's ops: what `from keras import backend as K` gives.

By file: `settings`, `values` (variables and numbers), `arithmetic`, `rearranging`, `networks`, `crossentropies`,
`control` (loops and phases), `graphs` (`K.function`, `K.gradients`).
"""

from __future__ import annotations

__all__: list[str] = []
