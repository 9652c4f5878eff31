"""What is aimed at, and how far each run came.

Every aim is a ratio of ours to the other's, and what it may be at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from benchmarks.report import largest, mean, memory_ratio, ratio, side_by_side, table
from benchmarks.runs import OURS, Results, Run
from benchmarks.workloads.data import WORKLOADS
from benchmarks.workloads.kernels import KERNELS, Kernel

__all__ = ["COMPILED", "COMPILED_AVX2", "PLAIN", "Aim", "Limits", "aims_tables", "inference_aims", "kernel_aims"]
__all__ += ["other_aims", "step_aims"]

ONE, ALL = "one core", "all cores"
COLUMNS = [(where, kind) for where in (ONE, ALL) for kind in ("fit", "train")]
INFERENCE = [(where, kind) for where in (ONE, ALL) for kind in ("predict", "infer")]
KERAS_MEAN = 0.8
MEMORY, START, BUSY = 1.0, 0.4, 3.0


class Aim(NamedTuple):
    """One of them.

    Attributes:
        what: is compared.
        limit: what the ratio may be.
        found: for each column of the table, the ratio of each run; None where it was not measured.
        told: for each column, of which thing the ratio is; empty where that is clear.
    """

    what: str
    limit: float
    found: list[list[float | None]]
    told: list[str] = []

    def missed(self) -> int:
        return sum(value > self.limit for value in self._known())

    def verdict(self) -> str:
        known = len(self._known())
        missed = self.missed()
        return "" if not known else "met" if not missed else "missed" if missed == known else "in part"

    def _known(self) -> list[float]:
        return [value for column in self.found for value in column if value is not None]

    def row(self) -> list[str]:
        told = self.told or [""] * len(self.found)
        cells = [
            " ".join(filter(None, [side_by_side(map(self._cell, column)), name]))
            for column, name in zip(self.found, told)
        ]
        return [self.what, f"{self.limit:.3g}", *cells, self.verdict()]

    def _cell(self, value: float | None) -> str:
        if value is None:
            return ""
        return f"**{value:.2f}**" if value > self.limit else f"{value:.2f}"


class Limits(NamedTuple):
    """What steps may take at most.

    Attributes:
        torch_mean: the geometric mean of training, of PyTorch's time.
        torch_each: any network's; None: what its workload says.
        keras_each: any network's training, of the best Keras.
        infer_mean: the geometric mean of inference, of PyTorch's time; None: not aimed at.
        infer_each: any network's inference, of PyTorch's time.
    """

    torch_mean: float
    torch_each: float | None
    keras_each: float
    infer_mean: float | None = None
    infer_each: float | None = None


PLAIN = Limits(0.7, None, 1.6)
COMPILED = Limits(0.42, 0.8, 1.3, 0.7, 1.0)  # with captured steps, on a processor with AVX-512
COMPILED_AVX2 = COMPILED._replace(torch_mean=0.5)


# -- training steps


def step_aims(runs: Sequence[Run], limits: Limits = PLAIN) -> list[Aim]:
    """Medians of training steps against PyTorch, and against the best of Keras' backends; of inference, if asked."""
    backends = [peer for run in runs for peer in run.peers() if peer.startswith("keras")]
    aimed = {name: limits.torch_each or each.target for name, each in WORKLOADS.items() if each.target is not None}
    meant = [name for name, limit in aimed.items() if limit <= 1]  # of which a mean is asked for
    without = f" without {', '.join(set(aimed) - set(meant))}" if set(aimed) - set(meant) else ""
    found = [
        *[
            Aim(f"{name}: PyTorch", limit, _columns(runs, lambda r, k, n=name: ratio(r.get(n, {}), "torch", k)))
            for name, limit in aimed.items()
        ],
        Aim(
            f"geometric mean of these{without}",
            limits.torch_mean,
            _columns(runs, lambda r, k: mean(ratio(r.get(n, {}), "torch", k) for n in meant)),
        ),
        *[
            Aim(
                f"{name}: best Keras",
                limits.keras_each,
                _columns(runs, lambda r, k, n=name: largest(r.get(n, {}), backends, k)),
            )
            for name in WORKLOADS
        ],
        Aim(
            "geometric mean: best Keras",
            KERAS_MEAN,
            _columns(runs, lambda r, k: mean(largest(r.get(n, {}), backends, k) for n in WORKLOADS)),
        ),
    ]
    return [aim for aim in found if aim.verdict()]


def inference_aims(runs: Sequence[Run], limits: Limits) -> list[Aim]:
    """Medians of inference against PyTorch: columns are `predict` and `infer`, on one core and on all."""
    if limits.infer_mean is None or limits.infer_each is None:
        return []
    found = [
        Aim(f"{name}: PyTorch", limits.infer_each, _columns(runs, _to_torch(name), INFERENCE)) for name in WORKLOADS
    ]
    every = _columns(runs, lambda r, k: mean(ratio(r.get(n, {}), "torch", k) for n in WORKLOADS), INFERENCE)
    return [aim for aim in [*found, Aim("geometric mean of these", limits.infer_mean, every)] if aim.verdict()]


def _to_torch(name: str) -> Any:
    return lambda results, kind: ratio(results.get(name, {}), "torch", kind)


def _columns(runs: Sequence[Run], measured: Any, columns: Sequence[tuple[str, str]] = COLUMNS) -> Any:
    return [[measured(run.results.get(where, {}), kind) for run in runs] for where, kind in columns]


# -- memory, start, busy cores


def other_aims(runs: Sequence[Run]) -> list[Aim]:
    """Columns: one core, all cores."""
    memory = _worst_of(
        [[_memory(run.results.get(where, {})) for run in runs] for where in (ONE, ALL)],
        "memory of a training step: PyTorch",
        MEMORY,
    )
    start = [_start(run.startup) for run in runs]
    busy = _worst_of(
        [[{}] * len(runs), [_busy(run.figures("busy")) for run in runs]], "slower among busy programs: alone", BUSY
    )
    found = [memory, Aim("time to the first finished step: PyTorch", START, [[None] * len(runs), start]), busy]
    return [aim for aim in found if aim.verdict()]


Named = dict[str, float]  # ratios by what they are of


def _memory(results: Results) -> Named:
    found = {name: memory_ratio(each) for name, each in results.items()}
    return {name: value for name, value in found.items() if value is not None}


def _start(startup: dict[str, Any]) -> float | None:
    ours, theirs = startup.get(OURS), startup.get("torch")
    return float(ours["first"] / theirs["first"]) if ours and theirs else None


def _busy(figures: Any) -> Named:
    rows = [row for row in figures or () if row["peer"] == OURS and row["alone"]]
    return {row["workload"]: row["among"] / row["alone"] for row in rows}


def _worst_of(columns: list[list[Named]], what: str, limit: float) -> Aim:
    """The aim for the largest ratio of each run, and whose it is."""
    found = [[max(each.values(), default=None) for each in column] for column in columns]
    told = [_names(max(each, key=lambda name: each[name]) for each in column if each) for column in columns]
    return Aim(what, limit, found, told)


def _names(names: Iterable[str]) -> str:
    unlike = list(dict.fromkeys(names))
    return f"({'; '.join(unlike)})" if unlike else ""


# -- kernels


def kernel_aims(runs: Sequence[Run], at_most: float | None = None) -> list[Aim]:
    """The slowest kernel of each class; columns: forward and both ways, on one core and on all.

    Args:
        runs: whose figures are judged.
        at_most: the limit of every class; None: each has its own.
    """
    found = []
    for what, limit in _CLASSES.items():
        names = {str(kernel) for kernel in KERNELS if class_of(kernel) == what}
        columns = [
            [_ratios(run.figures(which), names, way) for run in runs]
            for which in ("kernels", "kernels-all")
            for way in ("forward", "both")
        ]
        found.append(_worst_of(columns, what, at_most or limit))
    return [aim for aim in found if aim.verdict()]


_WIDE, _NARROW = "3×3 convolutions, stride 1, 64 to 256 channels", "3×3 convolutions, stride 1, 32 channels"
_DEPTHWISE, _OTHERS = "depthwise convolutions", "all other kernels"
_CLASSES = {_WIDE: 1 / 1.5, _NARROW: 1.0, _DEPTHWISE: 4.0, _OTHERS: 2.0}


def class_of(kernel: Kernel) -> str:
    """Which aim it falls under."""
    if kernel.kind == "depthwise":
        return _DEPTHWISE
    plain = kernel.kind == "conv" and kernel.weights[:-2] == (3, 3) and "strides" not in kernel.settings
    if plain and kernel.weights[-2] == kernel.shape[-1]:  # without groups
        few, many = sorted(kernel.weights[-2:])
        if few >= 64 and many <= 256:
            return _WIDE
        if few == 32:
            return _NARROW
    return _OTHERS


def _ratios(figures: Any, names: set[str], way: str) -> Named:
    rows = figures["rows"] if figures else []
    return {
        row["name"]: row["eagerflow"][way] / row["torch"][way]
        for row in rows
        if row["name"] in names and "torch" in row
    }


# -- the page's part


def aims_tables(runs: Sequence[Run], limits: Limits = PLAIN) -> Iterator[str]:
    """Tables of what was aimed at, then a line that counts."""
    steps, inference, others = step_aims(runs, limits), inference_aims(runs, limits), other_aims(runs)
    kernels = kernel_aims(runs, None if limits is PLAIN else 1.0)
    every = [*steps, *inference, *others, *kernels]
    if not every:
        return
    met = sum(aim.verdict() == "met" for aim in every)
    yield f"{met} of {len(every)} aims are met in every run; what is above its limit is **bold**.\n"
    places = (ONE, ALL)
    ways = [f"{way}, {where}" for where in places for way in ("forward", "both")]
    for title, columns, aims in (
        ("training steps, ours to", [f"{kind}, {where}" for where, kind in COLUMNS], steps),
        ("inference, ours to", [f"{kind}, {where}" for where, kind in INFERENCE], inference),
        ("the largest ratio of ours to", [*places], others),
        ("the slowest kernel of", ways, kernels),
    ):
        if aims:
            yield table([title, "at most", *columns, ""], [aim.row() for aim in aims]) + "\n"
