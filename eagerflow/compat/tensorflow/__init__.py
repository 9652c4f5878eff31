"""The part of TensorFlow 2 that Keras scripts use, on eagerflow: what `import tensorflow as tf` gives.

By file: `basics` (tensors, variables, `tf.function`), `casts` (types), `math`, `arrays`, `nn`, `linalg`, `random`,
`image`, `data`, `config`, `debugging`, and `session` (leftovers of TensorFlow 1).
"""

from __future__ import annotations

__all__: list[str] = []
