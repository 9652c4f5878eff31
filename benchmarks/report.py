"""Figures as tables, on the terminal and in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from benchmarks.rotation import KINDS, Figures
from benchmarks.workloads.data import WORKLOADS

__all__ = ["failures", "memory_table", "ratio", "ratio_table", "startup_table", "table", "times_table"]

OURS = "eagerflow"
Results = dict[str, dict[str, Figures]]  # by workload, by peer


def table(head: list[str], rows: Iterable[list[str]]) -> str:
    """A Markdown table whose columns also line up in plain text."""
    lines = [head, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    first, *rest = [_line(line, widths) for line in lines]
    rule = "|" + "|".join(["-" * (widths[0] + 2), *["-" * (width + 1) + ":" for width in widths[1:]]]) + "|"
    return "\n".join([first, rule, *rest])


def _line(cells: list[str], widths: list[int]) -> str:
    first, *others = [
        cell.ljust(width) if not i else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(cells, widths))
    ]
    return "| " + " | ".join([first, *others]) + " |"


def ratio(found: dict[str, Figures], peer: str, kind: str, which: str = "median") -> float | None:
    """Our time divided by a peer's; None where one of them has none."""
    ours, theirs = found.get(OURS), found.get(peer)
    if ours is None or theirs is None or not ours.times[kind] or not theirs.times[kind]:
        return None
    return float(getattr(ours, which)(kind) / getattr(theirs, which)(kind))


def ratio_table(results: Results, peers: list[str]) -> str:
    """For each workload, our time over each peer's, minimum / median, and the aim; then the means of the medians.

    With several backends of Keras, also our time over that of the fastest of them.
    """
    backends = [peer for peer in peers if peer.startswith("keras")]
    several = len(backends) > 1
    kinds = [k for k in KINDS if any(f.times[k] for found in results.values() for f in found.values())]
    rows = []
    for name, found in results.items():
        for kind in kinds:
            best = [_number(_worst(found, backends, kind))] if several else []
            rows.append([name, kind, *[_pair(found, peer, kind) for peer in peers], *best, _aim(name, kind)])
    for kind in kinds if len(results) > 1 else []:
        each = [[ratio(found, peer, kind) for found in results.values()] for peer in peers]
        each += [[_worst(found, backends, kind) for found in results.values()]] if several else []
        rows.append(["geometric mean", kind, *[_number(_mean(ratios)) for ratios in each], ""])
    head = ["ours / theirs", "kind", *peers, *["best Keras"] * several, "aim (torch)"]
    return table(head, rows)


def _worst(found: dict[str, Figures], peers: list[str], kind: str) -> float | None:
    """Our time over that of the fastest of some peers."""
    return max([r for peer in peers if (r := ratio(found, peer, kind)) is not None], default=None)


def _aim(name: str, kind: str) -> str:
    target = WORKLOADS[name].target if kind in ("fit", "train") else None
    return "" if target is None else f"{target:g}"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _pair(found: dict[str, Figures], peer: str, kind: str) -> str:
    least, middle = ratio(found, peer, kind, "best"), ratio(found, peer, kind)
    return "" if least is None or middle is None else f"{least:.2f} / {middle:.2f}"


def _mean(ratios: list[float | None]) -> float | None:
    known = [math.log(value) for value in ratios if value is not None]
    return math.exp(sum(known) / len(known)) if known else None


def times_table(results: Results, peers: list[str]) -> str:
    """Milliseconds per step, minimum and median."""
    rows = []
    for name, found in results.items():
        for kind in KINDS:
            cells = [_milliseconds(found.get(peer), kind) for peer in peers]
            if any(cells):
                rows.append([name, kind, *cells])
    return table(["ms per step", "kind", *peers], rows)


def _milliseconds(figures: Figures | None, kind: str) -> str:
    if figures is None or not figures.times[kind]:
        return ""
    return f"{figures.best(kind) * 1e3:.3g} / {figures.median(kind) * 1e3:.3g}"


def memory_table(results: Results, peers: list[str]) -> str:
    """Mebibytes by which the first two training steps let a process grow, at most."""
    rows = []
    for name, found in results.items():
        sizes = [found[peer].memory if peer in found else None for peer in peers]
        cells = ["" if size is None else f"{size / 2**20:.1f}" for size in sizes]
        theirs = found["torch"].memory if "torch" in found else None
        ours = found[OURS].memory if OURS in found else None
        rows.append([name, *cells, f"{ours / theirs:.2f}" if ours and theirs else ""])
    return table(["MiB", *peers, "ours / torch"], rows)


def startup_table(found: dict[str, dict[str, Any]]) -> str:
    rows = [
        [peer, f"{each['import']:.2f}", f"{each['first']:.2f}", f"{each['bytes'] / 2**20:.0f}"]
        for peer, each in found.items()
    ]
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
