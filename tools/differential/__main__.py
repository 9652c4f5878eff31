"""`python -m tools.differential [--programs N] [--layers N] [--graphs N] [--seed N]`, where PyTorch and Keras stand.

Runs random programs here and in PyTorch, random layers, losses, metrics, optimizers and trainings here and in Keras,
takes random functional models through files, configurations and copies, here and between Keras and here, and prints
what differs, as small as it gets. Any seed that it prints can be run alone: `--seed 1234 --programs 1 --layers 0
--graphs 0`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
warnings.simplefilter("ignore")

import numpy as np  # noqa: E402

from tools.differential import compare, graphs, layers, programs, round_trips, stored, with_eagerflow, with_torch  # noqa: E402


def run_programs(seeds: range) -> int:
    """How many differ."""
    bad = steps = 0
    for seed in seeds:
        program = programs.random_program(seed)
        if not program["steps"]:
            continue
        steps += len(program["steps"])
        found = compare.difference(program, with_eagerflow.run, with_torch.run)
        if found is not None:
            bad += 1
            small = compare.shrunk(program, _fails)
            why = compare.difference(small, with_eagerflow.run, with_torch.run)
            print(f"program {seed}: {why}\n    {json.dumps(small)}")
    print(f"{len(seeds):,} programs of {steps / max(1, len(seeds)):.1f} steps on average: {bad} differ")
    return bad


def _fails(program: programs.Program) -> bool:
    return compare.difference(program, with_eagerflow.run, with_torch.run) is not None


def run_layers(seeds: range) -> int:
    """How many differ."""
    import keras

    import eagerflow as ef

    bad = 0
    for seed in seeds:
        case = layers.random_case(seed)
        try:
            expected, weights = layers.answers(case, keras, layers.by_torch, "float64", None)
        except Exception as error:  # noqa: BLE001 # shapes that no layer takes: Keras refuses, and so must we
            if "contiguous" in str(error) or _refused(case, ef):  # PyTorch has some kernels that want that
                continue
            print(
                f"case {seed}: Keras alone refuses it ({type(error).__name__}: {error!s:.90})\n    {json.dumps(case)}"
            )
            bad += 1
            continue
        try:
            found, _ = layers.answers(case, ef, layers.by_eagerflow, "float32", weights)
            why = layers.differs(case, found, expected)
        except Exception as error:  # noqa: BLE001 # any failure is a finding
            why = f"{type(error).__name__}: {error!s:.200}"
        if why is not None:
            bad += 1
            print(f"case {seed}: {why}\n    {json.dumps(case)}")
    print(f"{len(seeds):,} layers, losses, metrics, optimizers and trainings: {bad} differ")
    return bad


def run_graphs(seeds: range) -> int:
    """How many models come out of a file, a configuration or a copy as another one, or not at all."""
    import keras

    import eagerflow as ef

    ways = [*[(way, ef, ef) for way in round_trips.WAYS], ("weights", keras, ef)]
    ways += [(way, *pair) for way in (".keras", ".h5") for pair in ((keras, ef), (ef, keras))]
    bad = own_files = 0
    for seed in seeds:
        graph = graphs.random_graph(seed)
        begun = {K: round_trips.Begun(graph, seed, K) for K in (ef, keras)}
        for way, source, target in ways:
            why = round_trips.trip(begun[source], way, target)
            if why is None:
                continue
            own = round_trips.trip(begun[keras], way, keras) if way != "weights" and source is not target else None
            if round_trips.explains(own, why):  # Keras loses it in its own files
                own_files += 1
                continue
            bad += 1
            print(f"graph {seed}, {source.__name__} to {target.__name__} by {way}: {why:.400}")
            print(graphs.describe(graph), flush=True)
    print(
        f"{len(seeds):,} graphs, {len(seeds) * len(ways):,} trips: {bad} differ; "
        f"{own_files} fail as they do from Keras to Keras"
    )
    return bad


def _refused(case: layers.Case, ef: object) -> bool:
    try:
        layers.answers(case, ef, layers.by_eagerflow, "float32", None)
    except Exception:  # noqa: BLE001
        return True
    return False


def main() -> int:
    """Parse, run, report."""
    parser = argparse.ArgumentParser(prog="python -m tools.differential", description=__doc__)
    parser.add_argument("--programs", type=int, default=2000)
    parser.add_argument("--layers", type=int, default=500)
    parser.add_argument("--graphs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0, help="the first one; each program and layer has its own")
    parser.add_argument("--store", type=Path, help="write the programs and PyTorch's answers, for the tests to replay")
    chosen = parser.parse_args()
    with np.errstate(all="ignore"):
        if chosen.store:
            stored.write(chosen.store, range(chosen.seed, chosen.seed + chosen.programs), with_torch.run)
            return 0
        bad = run_programs(range(chosen.seed, chosen.seed + chosen.programs))
        bad += run_layers(range(chosen.seed, chosen.seed + chosen.layers))
        bad += run_graphs(range(chosen.seed, chosen.seed + chosen.graphs))
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
