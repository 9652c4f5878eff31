"""Compare with other frameworks: `python -m benchmarks`.

    python -m benchmarks --only mlp,convnet --peers torch --threads 1 --seconds 1
    python -m benchmarks --python /path/to/python --write docs/benchmarks.md

Every contender is a process of its own; they take turns. Figures are our time divided by the peer's. `fit` is one epoch
of `fit` (PyTorch: the loop that its users write, over shuffled batches), `train` are steps of a loop of one's own on
one batch, `predict` and `infer` the same for outputs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.machine import clean_environment, described
from benchmarks.page import page
from benchmarks.report import failures, memory_table, ratio_table, startup_table, times_table
from benchmarks.rotation import KINDS, PEERS, Figures, rotate
from benchmarks.startup import measure_startup
from benchmarks.workloads.data import WORKLOADS

_MODULES = {
    "torch": "torch",
    "torch-compile": "torch",
    "keras-torch": "keras, torch",
    "keras-jax": "keras, jax",
    "keras-tensorflow": "keras, tensorflow",
}


ROOT = Path(__file__).parents[1]
_MORE = {
    "Cost per op": ["benchmarks/per_op.py"],
    "Kernels": ["-m", "benchmarks.kernels", "--torch", sys.executable],
    "What recording costs": ["benchmarks/trace_overhead.py"],
    "Among busy programs": ["-m", "benchmarks.loaded"],
    "Growth": ["-m", "benchmarks.growth", "--svg", "docs/images/growth.svg"],
}


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--only", type=_names(WORKLOADS), default=list(WORKLOADS), help="workloads, with commas between")
    add("--peers", type=_names(PEERS), default=list(PEERS[1:]), help="peers, with commas between")
    add("--kinds", type=_names(KINDS), default=list(KINDS), help=f"of {', '.join(KINDS)}")
    add(
        "--threads",
        choices=("1", "all", "both"),
        default="both",
        help="one core, all of them, or both in turn",
    )
    add(
        "--seconds", type=float, default=2.0, help="for each kind of each contender of a workload (default 2)"
    )
    add(
        "--python",
        action="append",
        default=[],
        metavar="[PEER=]PATH",
        help="interpreter of a peer, or of all",
    )
    add("--startup", action="store_true", help="also measure imports, first steps and installed sizes")
    add("--more", action="store_true", help="also run the benchmarks of single ops, kernels and recordings")
    add("--write", type=Path, help="also write a page of Markdown")
    add("--json", type=Path, help="also write all figures")
    return parser.parse_args()


def _names(known: Any) -> Any:
    def parse(text: str) -> list[str]:
        chosen = [name for name in text.split(",") if name]
        for name in chosen:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return chosen

    return parse


def interpreters(given: list[str], peers: list[str]) -> dict[str, str]:
    """Who runs in which interpreter; peers that it doesn't have are left out."""
    chosen = dict.fromkeys(("eagerflow", *peers), sys.executable)
    for entry in given:
        peer, equals, path = entry.rpartition("=")
        chosen.update({peer: path} if equals else dict.fromkeys(chosen, path))
    return {
        peer: path
        for peer, path in chosen.items()
        if peer in ("eagerflow", *peers) and (peer == "eagerflow" or _has(path, peer))
    }


def _has(python: str, peer: str) -> bool:
    code = f"import importlib.util as u; [u.find_spec(m) or exit(1) for m in {_MODULES[peer].split(', ')!r}]"
    found = subprocess.run([python, "-c", code], check=False).returncode == 0
    if not found:
        print(f"{peer}: not installed")
    return found


def main() -> None:
    chosen = options()
    pythons = interpreters(chosen.python, chosen.peers)
    peers = [peer for peer in pythons if peer != "eagerflow"]
    about = described(pythons["eagerflow"])
    print("\n".join(f"{key:10} {value}" for key, value in about.items()), flush=True)
    results: dict[str, dict[str, dict[str, Figures]]] = {}
    for threads in {"1": [1], "all": [None], "both": [1, None]}[chosen.threads]:
        title = "one core" if threads == 1 else "all cores"
        results[title] = {}
        for name in chosen.only:
            found = rotate(WORKLOADS[name], pythons, threads, chosen.seconds, chosen.kinds)
            results[title][name] = found
            print(f"\n{title}\n{ratio_table({name: found}, peers)}", flush=True)
    startup = (
        measure_startup({p: path for p, path in pythons.items() if p != "torch-compile"})
        if chosen.startup
        else {}
    )
    for title, found_all in results.items():
        print(
            f"\n{title}\n{ratio_table(found_all, peers)}\n\n{times_table(found_all, ['eagerflow', *peers])}"
        )
        print(f"\n{memory_table(found_all, ['eagerflow', *peers])}")
        print("\n".join(failures(found_all)))
    if startup:
        print(startup_table(startup))
    more = run_more(pythons["eagerflow"]) if chosen.more else {}
    if chosen.json:
        chosen.json.write_text(json.dumps(_plain(about, results, startup), indent=1), encoding="utf-8")
    if chosen.write:
        chosen.write.write_text(page(about, results, startup, peers, more), encoding="utf-8")


def run_more(python: str) -> dict[str, str]:
    """What the other benchmarks print, by their titles."""
    printed = {}
    for title, command in _MORE.items():
        print(f"\n{title}", flush=True)
        run = subprocess.run(
            [python, *command],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env=clean_environment(),
            check=False,
        )
        printed[title] = run.stdout or run.stderr.strip().splitlines()[-1]
        print(printed[title], flush=True)
    return printed


def _plain(about: Any, results: Any, startup: Any) -> dict[str, Any]:
    figures = {
        title: {name: {peer: vars(f) for peer, f in found.items()} for name, found in by_workload.items()}
        for title, by_workload in results.items()
    }
    return {"about": about, "results": figures, "startup": startup}


if __name__ == "__main__":
    main()
