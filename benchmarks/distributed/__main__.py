"""How well ranks train together: `python -m benchmarks.distributed`.

    python -m benchmarks.distributed --python /path/to/python/with/torch
    python -m benchmarks.distributed --only efficiency,all_reduce --workloads mlp,convnet --rounds 9

`efficiency`: samples per second of 2 ranks together, divided by those of 2 processes that train apart; the same
processes do both in turn, and PyTorch's do so between them. `all_reduce`: 100 MB on one machine. `alone`: what a
distribution of one rank costs. `cable`: two machines that a slow cable joins (needs root on Linux).
Each figure is the median over rounds; every rank has one thread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from benchmarks.distributed.alone import overhead
from benchmarks.distributed.cable import over_the_cable
from benchmarks.distributed.group import Group
from benchmarks.machine import described

AIMS = {"mlp": 0.90, "convnet": 0.97, "transformer": 0.95, "resnet": 0.90}
KINDS = ("efficiency", "all_reduce", "alone", "cable")
MEGABYTES = 100
_LINE = (
    "efficiency {efficiency:.3f}{aim}, {worst:.3f} to {best:.3f}; steps/s together {together:.1f}, apart {apart:.1f}"
)
_TURN = 0.5  # seconds of steps between two measurements


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.distributed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--python", help="an interpreter that has PyTorch; without it there are only our figures")
    parser.add_argument("--only", default=",".join(KINDS), help=f"which figures: {', '.join(KINDS)}")
    parser.add_argument("--workloads", default=",".join(AIMS), help=f"of {', '.join(AIMS)} and those of benchmarks")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--rate", default="1gbit", help="of the cable, as tc writes it")
    parser.add_argument("--json", help="a file for all figures")
    found = parser.parse_args()
    unknown = set(found.only.split(",")) - set(KINDS)
    if unknown:
        parser.error(f"--only: {', '.join(sorted(unknown))}: expected {', '.join(KINDS)}")
    return found


def efficiency(groups: dict[str, Group], workload: str, rounds: int) -> dict[str, dict[str, float]]:
    """For each framework: samples per second apart and together (of all ranks), and the median of their ratios."""
    counts = {}
    for name, group in groups.items():
        group.ask("model", workload=workload)
        for kind in ("apart", "together"):
            group.ask("steps", kind=kind, count=3)
        counts[name] = max(3, int(_TURN / (max(group.ask("steps", kind="apart", count=5)) / 5)))
    rates: dict[str, dict[str, list[float]]] = {name: {"apart": [], "together": []} for name in groups}
    for number in range(rounds):
        for name, group in groups.items():
            for kind in ("apart", "together") if number % 2 else ("together", "apart"):
                seconds = group.ask("steps", kind=kind, count=counts[name])
                rates[name][kind].append(sum(counts[name] / each for each in seconds))
    found = {}
    for name, kinds in rates.items():
        ratios = [together / apart for together, apart in zip(kinds["together"], kinds["apart"])]
        found[name] = {kind: statistics.median(values) for kind, values in kinds.items()}
        found[name] |= {"efficiency": statistics.median(ratios), "worst": min(ratios), "best": max(ratios)}
    return found


def all_reduce(groups: dict[str, Group], rounds: int) -> dict[str, float]:
    """Seconds of an all-reduce, ours and gloo's in turn."""
    nbytes = MEGABYTES * 1_000_000
    times: dict[str, list[float]] = {}
    for number in range(rounds + 1):
        for name, group in groups.items():
            asked: list[dict[str, Any]] = [{}] if name == "torch" else [{"buckets": True}, {"buckets": False}]
            for more in asked:
                slowest = list(map(max, zip(*group.ask("all_reduce", nbytes=nbytes, rounds=3, **more))))
                label = "gloo" if name == "torch" else "window" if more["buckets"] else "array anywhere"
                times.setdefault(label, []).extend(slowest if number else [])
    return {label: statistics.median(found) for label, found in times.items()}


def main() -> None:
    asked = options()
    kinds = asked.only.split(",")
    found: dict[str, Any] = {"machine": described(sys.executable)}
    print("\n".join(f"{name}: {value}" for name, value in found["machine"].items()), flush=True)
    if {"efficiency", "all_reduce"} & set(kinds):
        groups = {"eagerflow": Group("eagerflow", sys.executable, asked.ranks)}
        try:
            if asked.python:
                groups["torch"] = Group("torch", asked.python, asked.ranks)
            if "all_reduce" in kinds:
                found["all_reduce"] = all_reduce(groups, asked.rounds)
                for label, seconds in found["all_reduce"].items():
                    print(f"all-reduce of {MEGABYTES} MB, {label}: {1e3 * seconds:.1f} ms", flush=True)
            for workload in asked.workloads.split(",") if "efficiency" in kinds else []:
                found[workload] = efficiency(groups, workload, asked.rounds)
                for name, figures in found[workload].items():
                    aim = f" (aim {AIMS[workload]:.2f})" if name == "eagerflow" and workload in AIMS else ""
                    print(f"{workload:12} {name:10} {_LINE.format(aim=aim, **figures)}", flush=True)
        finally:
            for group in groups.values():
                group.end()
    if "alone" in kinds:
        found["alone"] = overhead(asked.rounds)
        print(f"a distribution of one rank: a step takes {found['alone']:.4f} of one without", flush=True)
    if "cable" in kinds:
        found["cable"] = over_the_cable(asked.rate, asked.rounds)
        for label, value in found["cable"].items():
            print(f"cable of {asked.rate}, {label}: {value}", flush=True)
    if asked.json:
        Path(asked.json).write_text(json.dumps(found, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
