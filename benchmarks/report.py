"""Figures as tables, on the terminal and in Markdown. Several runs stand side by side in a cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.rotation import KINDS, Figures
from benchmarks.runs import OURS, Results
from benchmarks.workloads.data import WORKLOADS

__all__ = ["failures", "largest", "mean", "memory_ratio", "memory_table", "ratio", "ratio_table", "side_by_side"]
__all__ += ["startup_table", "table", "times_table"]


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table whose columns also line up in plain text."""
    lines = [head, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    first, *rest = [_line(line, widths) for line in lines]
    rule = "|" + "|".join(["-" * (widths[0] + 2), *["-" * (width + 1) + ":" for width in widths[1:]]]) + "|"
    return "\n".join([first, rule, *rest])


def _line(cells: list[str], widths: list[int]) -> str:
    first, *others = [
        cell.ljust(width) if not i else cell.rjust(width) for i, (cell, width) in enumerate(zip(cells, widths))
    ]
    return "| " + " | ".join([first, *others]) + " |"


def side_by_side(cells: Iterable[str]) -> str:
    """One cell of those of several runs; empty where all are."""
    cells = list(cells)
    return " · ".join(cell or "–" for cell in cells) if any(cells) else ""


# -- ratios


def ratio(found: dict[str, Figures], peer: str, kind: str, which: str = "median") -> float | None:
    """Our time divided by a peer's; None where one of them has none."""
    ours, theirs = found.get(OURS), found.get(peer)
    if ours is None or theirs is None or not ours.times[kind] or not theirs.times[kind]:
        return None
    return float(getattr(ours, which)(kind) / getattr(theirs, which)(kind))


def largest(found: dict[str, Figures], peers: Iterable[str], kind: str) -> float | None:
    """Our time over that of the fastest of some peers."""
    return max([r for peer in peers if (r := ratio(found, peer, kind)) is not None], default=None)


def mean(ratios: Iterable[float | None]) -> float | None:
    """The geometric mean of those that are known."""
    known = [math.log(value) for value in ratios if value is not None]
    return math.exp(sum(known) / len(known)) if known else None


def ratio_table(runs: Sequence[Results], peers: list[str]) -> str:
    """For each workload, our time over each peer's, minimum/median, and the aim; then the means of the medians.

    With several backends of Keras, also our time over that of the fastest of them.
    """
    backends = [peer for peer in peers if peer.startswith("keras")]
    several = len(backends) > 1
    names, kinds = _measured(runs)
    rows = []
    for name in names:
        each = [results.get(name, {}) for results in runs]
        for kind in kinds:
            cells = [side_by_side(_pair(found, peer, kind) for found in each) for peer in peers]
            if several:
                cells.append(side_by_side(_number(largest(found, backends, kind)) for found in each))
            rows.append([name, kind, *cells, _aim(name, kind)])
    for kind in kinds if len(names) > 1 else []:
        cells = [side_by_side(_number(_mean_over(results, [p], kind)) for results in runs) for p in peers]
        if several:
            cells.append(side_by_side(_number(_mean_over(results, backends, kind)) for results in runs))
        rows.append(["geometric mean", kind, *cells, ""])
    return table(["ours / theirs", "kind", *peers, *["best Keras"] * several, "aim (torch)"], rows)


def _measured(runs: Sequence[Results]) -> tuple[list[str], list[str]]:
    """The workloads and kinds of all runs."""
    names = dict.fromkeys(name for results in runs for name in results)
    known = [f for results in runs for found in results.values() for f in found.values()]
    return list(names), [kind for kind in KINDS if any(f.times[kind] for f in known)]


def _mean_over(results: Results, peers: list[str], kind: str) -> float | None:
    return mean(largest(found, peers, kind) for found in results.values())


def _aim(name: str, kind: str) -> str:
    target = WORKLOADS[name].target if kind in ("fit", "train") else None
    return "" if target is None else f"{target:g}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _pair(found: dict[str, Figures], peer: str, kind: str) -> str:
    least, middle = ratio(found, peer, kind, "best"), ratio(found, peer, kind)
    return "" if least is None or middle is None else f"{least:.2f}/{middle:.2f}"


# -- other tables


def times_table(runs: Sequence[Results], peers: list[str]) -> str:
    """Milliseconds per step, minimum/median."""
    names, kinds = _measured(runs)
    rows = []
    for name in names:
        for kind in kinds:
            each = [results.get(name, {}) for results in runs]
            cells = [side_by_side(_milliseconds(found.get(peer), kind) for found in each) for peer in peers]
            if any(cells):
                rows.append([name, kind, *cells])
    return table(["ms per step", "kind", *peers], rows)


def _milliseconds(figures: Figures | None, kind: str) -> str:
    if figures is None or not figures.times[kind]:
        return ""
    return f"{figures.best(kind) * 1e3:.3g}/{figures.median(kind) * 1e3:.3g}"


def memory_table(runs: Sequence[Results], peers: list[str]) -> str:
    """Mebibytes by which the first two training steps let a process grow, at most."""
    rows = []
    for name in _measured(runs)[0]:
        each = [results.get(name, {}) for results in runs]
        cells = [side_by_side(_mebibytes(found, peer) for found in each) for peer in peers]
        rows.append([name, *cells, side_by_side(_number(memory_ratio(found)) for found in each)])
    return table(["MiB", *peers, "ours / torch"], rows)


def _mebibytes(found: dict[str, Figures], peer: str) -> str:
    size = found[peer].memory if peer in found else None
    return "" if size is None else f"{size / 2**20:.1f}"


def memory_ratio(found: dict[str, Figures]) -> float | None:
    """Our memory over PyTorch's."""
    ours, theirs = (found[peer].memory if peer in found else None for peer in (OURS, "torch"))
    return ours / theirs if ours is not None and theirs else None


def startup_table(runs: Sequence[dict[str, dict[str, Any]]]) -> str:
    """Seconds until a process has imported and until its first step, and what is installed."""
    rows = []
    for peer in dict.fromkeys(peer for found in runs for peer in found):
        each = [found.get(peer) for found in runs]
        seconds = [
            side_by_side(f"{found[what]:.2f}" if found else "" for found in each) for what in ("import", "first")
        ]
        size = next(found["bytes"] for found in each if found)
        rows.append([peer, *seconds, f"{size / 2**20:.0f}"])
    return table(["", "import, s", "first step, s", "installed, MiB"], rows)


def failures(results: Results) -> list[str]:
    """Who did not run what, and why; and models that are not alike."""
    found = []
    for name, each in results.items():
        found += [f"{peer}, {name}: {f.error}" for peer, f in each.items() if f.error]
        sizes = {peer: f.parameters for peer, f in each.items() if f.parameters is not None}
        if sizes and max(sizes.values()) > 1.01 * min(sizes.values()):  # PyTorch's LSTM has each bias twice
            found.append(f"{name}: unlike models: {sizes}")
    return found
