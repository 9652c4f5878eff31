"""Scripts with one mistake each, from `planted/<kind>.txt`: `PLANTED` maps a kind of finding to variants of it.

In those files `=== name` begins a script; the lines of `PRELUDE` stand before it, `LOOP` stands for a training loop.
The guilty line ends with `# here`; scripts without such a line have none that is more guilty than others. Where a
rule stands behind the name, its finding is all that is found: `RULES` has these.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["HERE", "PLANTED", "PRELUDE", "RULES", "read", "script"]

HERE = Path(__file__).parent

PRELUDE = """\
import numpy as np
import eagerflow as ef
from eagerflow import layers, ops
ef.utils.set_random_seed(1)
rng = np.random.default_rng(1)
x = rng.normal(size=(128, 8)).astype("float32")
target = (x[:, :1] - 0.5 * x[:, 1:2]).astype("float32")
number = (x[:, 0] + x[:, 1] > 0).astype("int32") + (x[:, 2] > 0.5).astype("int32")
onehot = np.eye(3, dtype="float32")[number]
binary = (x[:, :1] > 0).astype("float32")
"""

LOOP = """\
for step in range(20):
    with ef.GradientTape() as tape:
        loss = loss_of(model(x, training=True))
    variables = model.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)
"""


def read(path: Path) -> dict[str, str]:
    """The scripts of a file, by name."""
    parts = path.read_text(encoding="utf-8").split("=== ")[1:]
    return {name: body.strip() + "\n" for name, _, body in (part.partition("\n") for part in parts)}


_NAMED = {path.stem: read(path) for path in sorted((HERE / "planted").glob("*.txt"))}
PLANTED = {kind: {name.split(" | ")[0]: each for name, each in found.items()} for kind, found in _NAMED.items()}
RULES = dict([name.split(" | ") for found in _NAMED.values() for name in found if " | " in name])


def script(source: str) -> tuple[str, int | None]:
    """The whole script of a variant, and the number of its guilty line."""
    whole = PRELUDE + source.replace("LOOP\n", LOOP)
    guilty = [i for i, line in enumerate(whole.splitlines(), 1) if line.endswith("# here")]
    return whole, guilty[0] if guilty else None
