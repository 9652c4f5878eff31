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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import clean_environment, described
from benchmarks.page import page
from benchmarks.report import Results, failures, memory_table, ratio_table, startup_table, times_table
from benchmarks.rotation import KINDS, PEERS, rotate
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
    "Kernels": ["-m", "benchmarks.kernels", "--torch", "TORCH"],
    "What recording costs": ["benchmarks/trace_overhead.py"],
    "Among busy programs": ["-m", "benchmarks.loaded", "--python", "TORCH"],
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
    report = Report(described(pythons["eagerflow"]), [peer for peer in pythons if peer != "eagerflow"])
    print("\n".join(f"{key:12} {value}" for key, value in report.about.items()), flush=True)
    for title in {"1": ["one core"], "all": ["all cores"], "both": ["one core", "all cores"]}[chosen.threads]:
        threads = 1 if title == "one core" else None
        for name in chosen.only:
            found = rotate(WORKLOADS[name], pythons, threads, chosen.seconds, chosen.kinds)
            report.results.setdefault(title, {})[name] = found
            print(f"\n{title}\n{ratio_table({name: found}, report.peers)}", flush=True)
            report.write(chosen)
    if chosen.startup:
        report.startup = measure_startup({p: path for p, path in pythons.items() if p != "torch-compile"})
    report.show()
    if chosen.more:
        report.more = run_more(pythons["eagerflow"], pythons.get("torch", sys.executable))
    report.write(chosen)


@dataclass
class Report:
    """What was found so far. It is written after every workload: an interruption loses little."""

    about: dict[str, str]
    peers: list[str]
    results: dict[str, Results] = field(default_factory=dict)
    startup: dict[str, Any] = field(default_factory=dict)
    more: dict[str, str] = field(default_factory=dict)

    def show(self) -> None:
        everybody = ["eagerflow", *self.peers]
        for title, found in self.results.items():
            print(f"\n{title}\n{ratio_table(found, self.peers)}\n\n{times_table(found, everybody)}")
            print(f"\n{memory_table(found, everybody)}\n" + "\n".join(failures(found)))
        if self.startup:
            print(startup_table(self.startup))

    def write(self, chosen: argparse.Namespace) -> None:
        if chosen.json:
            chosen.json.write_text(json.dumps(self._plain(), indent=1), encoding="utf-8")
        if chosen.write:
            text = page(self.about, self.results, self.startup, self.peers, self.more)
            chosen.write.write_text(text, encoding="utf-8")

    def _plain(self) -> dict[str, Any]:
        figures = {
            title: {name: {peer: vars(f) for peer, f in found.items()} for name, found in each.items()}
            for title, each in self.results.items()
        }
        return {"about": self.about, "results": figures, "startup": self.startup, "more": self.more}


def run_more(python: str, torch: str) -> dict[str, str]:
    """What the other benchmarks print, by their titles."""
    printed = {}
    for title, command in _MORE.items():
        print(f"\n{title}", flush=True)
        run = subprocess.run(
            [python, *[torch if part == "TORCH" else part for part in command]],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env=clean_environment(),
            check=False,
        )
        printed[title] = run.stdout or run.stderr.strip().splitlines()[-1]
        print(printed[title], flush=True)
    return printed


if __name__ == "__main__":
    main()
