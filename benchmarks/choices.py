"""Whether the fastest algorithm is chosen: every one that can compute a convolution, beside the one that is taken.

    python -m benchmarks.choices [--held-to avx2] [--kernels plain]

Each line has a convolution, what is chosen, and the microseconds of each algorithm, forward and the kernel's gradient,
on one thread. `×` says how much longer the chosen one takes than the fastest. What decides is how fast
processors with vectors of this width usually are.
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import timeit
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.machine import HELD, clean_environment

ROOT = Path(__file__).parents[1]
MICROSECONDS = 20_000.0  # of each of some tries
# Images, their length, channels, filters, the kernel's length, stride, groups.
CONVOLUTIONS = [
    (64, 32, 3, 32, 3, 1, 1),
    (64, 32, 32, 32, 3, 1, 1),
    (64, 16, 32, 64, 3, 1, 1),
    (64, 16, 64, 64, 3, 1, 1),
    (32, 32, 16, 16, 3, 1, 1),
    (32, 32, 64, 64, 3, 1, 1),
    (32, 16, 128, 128, 3, 1, 1),
    (32, 8, 256, 256, 3, 1, 1),
    (32, 4, 512, 512, 3, 1, 1),
    (128, 28, 1, 32, 3, 1, 1),
    (128, 28, 1, 8, 5, 1, 1),
    (128, 12, 8, 16, 5, 1, 1),
    (32, 32, 16, 32, 3, 2, 1),
    (32, 32, 64, 128, 3, 2, 1),
    (32, 16, 64, 128, 1, 2, 1),
    (32, 16, 128, 128, 1, 1, 1),
    (16, 56, 64, 64, 3, 1, 1),
    (8, 28, 128, 128, 3, 1, 1),
    (1, 56, 64, 64, 3, 1, 1),
    (1, 14, 256, 256, 3, 1, 1),
    (1, 7, 512, 512, 3, 1, 1),
    (16, 64, 3, 16, 7, 2, 1),
    (16, 32, 3, 64, 7, 2, 1),
    (16, 32, 16, 1, 3, 1, 1),
    (16, 32, 32, 3, 3, 1, 1),
    (8, 64, 16, 3, 3, 1, 1),
    (32, 28, 16, 8, 3, 1, 1),
    (32, 14, 24, 24, 3, 1, 1),
    (16, 32, 64, 64, 5, 1, 1),
    (16, 32, 32, 32, 5, 1, 1),
    (8, 16, 64, 64, 7, 1, 1),
    (16, 16, 64, 64, 3, 1, 4),
    (16, 16, 128, 128, 3, 1, 8),
]


def microseconds(call: Callable[[], object], tries: int = 5) -> float:
    """The least time of a call, of some tries, each of as many calls as take `MICROSECONDS`."""
    call()
    timer = timeit.Timer(call)
    count = max(1, int(MICROSECONDS / max(1.0, timer.timeit(1) * 1e6)))
    return min(timer.repeat(tries, count)) * 1e6 / count


def lines() -> Iterator[str]:
    """A line for each convolution, and one for all."""
    import numpy as np

    from eagerflow.kernels.convolution.algorithms import ALGORITHMS, choose
    from eagerflow.kernels.convolution.shapes import Shapes
    from eagerflow.kernels.machine.threads import alone
    from eagerflow.ops.windows.geometry import window_geometry

    draw = np.random.default_rng(0)
    longer = []
    for batch, length, channels, filters, size, stride, groups in CONVOLUTIONS:
        x = draw.standard_normal((batch, length, length, channels), "float32")
        kernel = draw.standard_normal((size, size, channels // groups, filters), "float32") / size
        geometry = window_geometry((length, length), (size, size), stride, "same")
        shapes, times = Shapes.of(x, kernel.shape, geometry, groups), {}
        g = draw.standard_normal((batch, *geometry.outputs, filters), "float32")
        with alone():
            for row in [row for row in ALGORITHMS if row.applies(shapes)]:
                forward = microseconds(partial(row.forward, x, kernel, shapes, None, None))
                back = microseconds(partial(row.kernel_gradient, x, g, shapes))
                times[row.name] = forward, back
        chosen = choose(shapes).name
        longer.append(sum(times[chosen]) / min(sum(pair) for pair in times.values()))
        told = ", ".join(f"{name} {forward:,.0f} + {back:,.0f}" for name, (forward, back) in times.items())
        what = f"{batch} of {length}×{length}×{channels}, {filters} filters {size}×{size}"
        what += f", stride {stride}" * (stride > 1) + f", {groups} groups" * (groups > 1)
        yield f"× {longer[-1]:.2f}  {what}: {chosen} ({told})"
    mean = math.exp(sum(math.log(times) for times in longer) / len(longer))
    yield f"geometric mean × {mean:.3f}, at most × {max(longer):.2f}"


def main() -> None:
    """Run it in a process that is held to what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.choices", description=__doc__.partition("\n")[0])
    parser.add_argument("--held-to", choices=["avx2"], help="an instruction set, on a processor that has more")
    parser.add_argument("--kernels", choices=["compiled", "plain"], default="compiled")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.here:
        for line in lines():
            print(line, flush=True)
        return
    os.environ.update({HELD: options.held_to} if options.held_to else {})
    env = clean_environment(1, PYTHONPATH=str(ROOT), EAGERFLOW_KERNELS=options.kernels)
    sys.exit(subprocess.run([sys.executable, "-m", "benchmarks.choices", "--here"], env=env, check=False).returncode)


if __name__ == "__main__":
    main()
