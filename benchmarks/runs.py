"""What one run of the benchmarks found, kept in a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmarks.rotation import Figures

__all__ = ["FAST", "OURS", "Results", "Run", "by_instructions", "fast_runs"]

OURS = "eagerflow"
FAST = "eagerflow-fast"  # with compiled kernels and captured steps
Results = dict[str, dict[str, Figures]]  # by workload, by peer


def _joined(one: Figures | None, other: Figures) -> Figures:
    """Both contenders' times; where both measured a kind, the other's."""
    if one is None:
        return other
    times = {**one.times, **{kind: found for kind, found in other.times.items() if found}}
    return replace(one, times=times, error=one.error or other.error)


def _in_place(found: dict[str, Any]) -> dict[str, Any]:
    return {OURS: found[FAST], **{peer: figures for peer, figures in found.items() if peer not in (OURS, FAST)}}


def _rows_in_place(figures: Any) -> Any:
    """Figures of kernels; None for those of a benchmark that doesn't measure `FAST`."""
    rows = figures.get("rows", []) if isinstance(figures, dict) else []
    return {**figures, "rows": [_in_place(row) for row in rows]} if rows and all(FAST in row for row in rows) else None


@dataclass
class Run:
    """The figures of a run, complete or not.

    Attributes:
        about: the machine, in words.
        results: by "one core" and "all cores".
        startup: by peer, see `measure_startup`.
        also: of the other benchmarks, by name: the `text` which they print, and their `figures`.
    """

    about: dict[str, str] = field(default_factory=dict)
    results: dict[str, Results] = field(default_factory=dict)
    startup: dict[str, Any] = field(default_factory=dict)
    also: dict[str, dict[str, Any]] = field(default_factory=dict)

    def peers(self) -> list[str]:
        """Who was compared, in the order of the rotation."""
        names = [peer for each in self.results.values() for found in each.values() for peer in found]
        return [peer for peer in dict.fromkeys(names) if peer not in (OURS, FAST)]

    def as_fast(self) -> Run | None:
        """The same run with `FAST` in the place of ours; None where it wasn't measured."""
        if not any(FAST in found for each in self.results.values() for found in each.values()):
            return None
        results = {
            title: {name: _in_place(found) for name, found in each.items() if FAST in found}
            for title, each in self.results.items()
        }
        also = {name: {**each, "figures": _rows_in_place(each.get("figures"))} for name, each in self.also.items()}
        return Run(self.about, results, {}, {name: each for name, each in also.items() if each["figures"]})

    def figures(self, name: str) -> Any:
        """Those of another benchmark, None without."""
        return self.also.get(name, {}).get("figures")

    def joined(self, other: Run) -> Run:
        """This run with what another measured beside it: other workloads, peers, kinds or benchmarks."""
        results: dict[str, Results] = {}
        for each in (self.results, other.results):
            for title, found in each.items():
                for name, peers in found.items():
                    place = results.setdefault(title, {}).setdefault(name, {})
                    for peer, figures in peers.items():
                        place[peer] = _joined(place.get(peer), figures)
        return Run(
            {**self.about, **other.about}, results, {**self.startup, **other.startup}, {**self.also, **other.also}
        )

    def save(self, path: Path) -> None:
        results = {
            title: {name: {peer: vars(f) for peer, f in found.items()} for name, found in each.items()}
            for title, each in self.results.items()
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({**vars(self), "results": results}, indent=1), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Run:
        """The run in a file which `save` wrote.

        Raises:
            ValueError: for another file.
        """
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            results = {
                title: {name: {p: Figures(**f) for p, f in of.items()} for name, of in each.items()}
                for title, each in found.pop("results").items()
            }
            return cls(**found, results=results)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path}: expected a file that `python -m benchmarks --json` wrote ({error})") from error


def by_instructions(runs: Sequence[Run]) -> list[tuple[str, list[Run]]]:
    """Runs with the same vector instructions together, and their name in words."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        told = run.about.get("instructions", "")
        name = "held to AVX2" if told.endswith("(held to AVX2)") else "AVX-512" if "AVX-512" in told else "AVX2"
        groups.setdefault(name, []).append(run)
    return list(groups.items())


def fast_runs(runs: Sequence[Run]) -> list[Run]:
    """With compiled kernels and captured steps, those that measured it."""
    return [fast for run in runs if (fast := run.as_fast()) is not None]
