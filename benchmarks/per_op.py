"""What one small op costs: ours against torch and autograd, taking turns in one process on one thread.

    python benchmarks/per_op.py [--repeats 30] [--json results.json]

Peers are optional. Printed are the minimum and the median over the repeats, in microseconds per op, for the
way there and the way back, on 10 float32; then whole training steps, and what watching a step with viz costs.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

# A core type or cache size forced on OpenBLAS can halve its speed. And one thread for everybody.
FORCED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
CHAIN = 1000
CLEAN = {key: value for key, value in os.environ.items() if key not in FORCED} | ONE_THREAD
if __name__ == "__main__" and os.environ != CLEAN:
    os.execve(sys.executable, [sys.executable, *sys.argv], CLEAN)

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402

import eagerflow as ef  # noqa: E402
from eagerflow.core import observe  # noqa: E402

Timing = tuple[float, float]  # seconds for the way there and the way back
START = np.full((1, 10), 0.5, "float32")
ONES = np.ones((1, 10), "float32")
IDENTITY = np.eye(10, dtype="float32")
OPS = "add", "multiply", "tanh", "matmul", "add 1.0"


def peer(name: str):
    """The module, or None where it is not installed."""
    try:
        return import_module(name)
    except ImportError:
        return None


# -- one chain of 1000 ops in each framework


def step_function(name: str, tanh: Callable, other, matrix) -> Callable:
    """The op as users write it; every framework overloads the same operators."""
    return {
        "add": lambda z: z + other,
        "multiply": lambda z: z * other,
        "tanh": tanh,
        "matmul": lambda z: z @ matrix,
        "add 1.0": lambda z: z + 1.0,
    }[name]


def chain(step: Callable, z):
    for _ in range(CHAIN):
        z = step(z)
    return z


def numpy_chain(name: str) -> Callable[[], Timing]:
    """The arrays alone: what any framework pays at least."""
    step = step_function(name, np.tanh, ONES, IDENTITY)

    def run() -> Timing:
        started = perf_counter()
        chain(step, START)
        return perf_counter() - started, 0.0

    return run


def eagerflow_chain(name: str) -> Callable[[], Timing]:
    x, other, matrix = ef.Variable(START), ef.Variable(ONES), ef.Variable(IDENTITY)
    step = step_function(name, ef.ops.tanh, other, matrix)

    def run() -> Timing:
        with ef.GradientTape() as tape:
            started = perf_counter()
            z = chain(step, x)
            there = perf_counter()
        closed = perf_counter()
        tape.gradient(z, [x, other, matrix])
        return there - started, perf_counter() - closed

    return run


def torch_chain(name: str) -> Callable[[], Timing]:
    torch = import_module("torch")
    torch.set_num_threads(1)
    x, other, matrix = (torch.tensor(value, requires_grad=True) for value in (START, ONES, IDENTITY))
    step, seed = step_function(name, torch.tanh, other, matrix), torch.ones(1, 10)

    def run() -> Timing:
        x.grad = other.grad = matrix.grad = None
        started = perf_counter()
        z = chain(step, x)
        there = perf_counter()
        z.backward(seed)
        return there - started, perf_counter() - there

    return run


def autograd_chain(name: str) -> Callable[[], Timing]:
    anp = import_module("autograd.numpy")
    make_vjp = import_module("autograd.differential_operators").make_vjp

    def compute(x, other, matrix):
        return chain(step_function(name, anp.tanh, other, matrix), x)

    differentiable = make_vjp(compute, argnum=(0, 1, 2))

    def run() -> Timing:
        started = perf_counter()
        pull, _ = differentiable(START, ONES, IDENTITY)
        there = perf_counter()
        pull(ONES)
        return there - started, perf_counter() - there

    return run


CHAINS = {"NumPy": numpy_chain, "eagerflow": eagerflow_chain, "torch": torch_chain, "autograd": autograd_chain}


# -- a training step of a small network


def eagerflow_step(width: int, inputs: int) -> Callable[[], None]:
    model = ef.Sequential(
        [
            ef.Input((inputs,)),
            ef.layers.Dense(width, activation="tanh"),
            ef.layers.Dense(width, activation="tanh"),
            ef.layers.Dense(10),
        ]
    )
    model.compile(ef.optimizers.SGD(0.01), "mse")
    x, y = batch(inputs)
    return lambda: model.train_on_batch(x, y)


def torch_step(width: int, inputs: int) -> Callable[[], None]:
    torch = import_module("torch")
    torch.set_num_threads(1)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(inputs, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 10))
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    x, y = map(torch.tensor, batch(inputs))

    def run() -> None:
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimizer.step()

    return run


def batch(inputs: int):
    generator = np.random.default_rng(0)
    return (generator.standard_normal((32, n)).astype("float32") for n in (inputs, 10))


# -- measuring


def take_turns(runs: dict[str, Callable], repeats: int) -> dict[str, list]:
    """Every contender once, then every contender again: slow moments of the machine hit all alike."""
    for run in runs.values():
        run()
    results: dict[str, list] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            gc.collect()
            results[name].append(run())
    return results


def timed(run: Callable, times: int) -> Callable[[], float]:
    def measure() -> float:
        started = perf_counter()
        for _ in range(times):
            run()
        return (perf_counter() - started) / times

    return measure


def spread(values: list[float], unit: float = 1e6) -> dict[str, float]:
    return {"min": min(values) * unit, "median": statistics.median(values) * unit}


def text(found: dict[str, float] | None) -> str:
    return f"{found['min']:8.2f} /{found['median']:8.2f}" if found else f"{'–':>18}"


def measure_ops(peers: list[str], repeats: int) -> dict:
    report = {}
    for name in OPS:
        runs = {who: CHAINS[who](name) for who in ["NumPy", "eagerflow", *peers]}
        results = take_turns(runs, repeats)
        report[name] = {
            who: {way: spread([t[i] / CHAIN for t in found]) for i, way in enumerate(("there", "back"))}
            for who, found in results.items()
        }
    return report


def print_ops(report: dict, peers: list[str]) -> None:
    names = ["NumPy", "eagerflow", *peers]
    print(f"\nµs per op on 10 float32, chain of {CHAIN}, minimum / median")
    print(f"{'':10}{'':6}" + "".join(f"{name:>20}" for name in names) + f"{'ours/torch':>12}" * ("torch" in names))
    for op, found in report.items():
        for way in ("there", "back"):
            columns = [None if (who, way) == ("NumPy", "back") else found[who][way] for who in names]
            ratio = f"{found['eagerflow'][way]['min'] / found['torch'][way]['min']:12.2f}" if "torch" in names else ""
            print(f"{op:10}{way:6}" + "".join(f"  {text(column)}" for column in columns) + ratio)


def measure_steps(peers: list[str], repeats: int) -> dict:
    report = {}
    for inputs, width in ((16, 16), (784, 128), (784, 512)):
        times = 50 if width == 16 else 10
        runs = {"eagerflow": timed(eagerflow_step(width, inputs), times)}
        if "torch" in peers:
            runs["torch"] = timed(torch_step(width, inputs), times)
        report[f"{inputs}-{width}-{width}-10"] = {
            who: spread(found) for who, found in take_turns(runs, repeats).items()
        }
    return report


def print_steps(report: dict) -> None:
    print("\nµs per training step (tanh, mean squared error, SGD, batch 32), minimum / median")
    for name, found in report.items():
        ratio = f"{found['eagerflow']['min'] / found['torch']['min']:8.2f}" if "torch" in found else ""
        print(f"{name:16}" + "".join(f"  {who} {text(values)}" for who, values in found.items()) + ratio)


# -- what watching costs


class Counter(observe.Observer):
    """Counts how often a step would have told an observer."""

    events = 0


def _count(self: Counter, *event: object) -> None:
    self.events += 1


for _name in vars(observe.Observer):
    if _name.startswith("on_"):
        setattr(Counter, _name, _count)


def measure_watching(repeats: int) -> dict:
    step = eagerflow_step(512, 784)
    step()
    counter = Counter()
    with observe.observing(counter):
        step()
    viz = peer("viz")

    def traced() -> None:
        with viz.trace():
            step()

    results = take_turns({"off": timed(step, 10), "on": timed(traced, 10)}, repeats)
    return {who: spread(found) for who, found in results.items()} | {"events": counter.events, "test": flag_test()}


def flag_test() -> float:
    """Seconds for the one test that an op makes while nobody watches."""
    state, times = observe.state, 100_000

    def tests() -> None:
        for _ in range(times):
            if state.on:
                raise RuntimeError("somebody watches")

    def nothing() -> None:
        for _ in range(times):
            pass

    cost = {name: min(timed(run, 1)() for _ in range(20)) for name, run in (("test", tests), ("nothing", nothing))}
    return max(cost["test"] - cost["nothing"], 0.0) / times


def print_watching(found: dict) -> None:
    tests = 2 * found["events"]  # before and after every op
    share = tests * found["test"] * 1e6 / found["off"]["min"]
    print("\nWatching a training step of 784-512-512-10, µs, minimum / median")
    print(f"nobody watches {text(found['off'])}   {tests} tests of {found['test'] * 1e9:.1f} ns: {share:.3%}")
    print(f"viz.trace()    {text(found['on'])}   {found['on']['min'] / found['off']['min']:.2f} times")


# -- the machine


def installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def processor() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text(encoding="utf-8").splitlines() if information.exists() else []
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.processor()}, {os.cpu_count()} logical cores"


def blas() -> str:
    found = import_module("threadpoolctl").threadpool_info()
    cores = {f"{one['internal_api']} {one.get('architecture', '')}, {one['num_threads']} thread" for one in found}
    return "; ".join(sorted(cores)) or "unknown"


def header() -> dict:
    return {
        "processor": processor(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "eagerflow": ef.__version__,
        "numpy": np.__version__,
        "torch": installed("torch"),
        "autograd": installed("autograd"),
        "BLAS core": blas(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=30, help="turns per contender (default 30)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    about = header()
    for name, value in about.items():
        print(f"{name:10} {value}" if value != "not installed" else f"{name}: not installed")
    peers = [name for name in ("torch", "autograd") if peer(name)]
    report: dict = {"about": about, "ops": measure_ops(peers, options.repeats)}
    print_ops(report["ops"], peers)
    report["steps"] = measure_steps(peers, options.repeats)
    print_steps(report["steps"])
    report["watching"] = measure_watching(options.repeats)
    print_watching(report["watching"])
    if options.json:
        options.json.write_text(json.dumps(report, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
