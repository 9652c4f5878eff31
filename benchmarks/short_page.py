"""`docs/benchmarks.md`: the figures that a user asks for, on one short page. `benchmarks.page` prints all of them."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.aims import ALL, ONE, Aim, kernel_aims, other_aims
from benchmarks.report import largest, mean, ratio, table
from benchmarks.runs import Run, by_instructions, fast_runs
from benchmarks.workloads.data import WORKLOADS

__all__ = ["SLOWER", "Ratios", "short_page", "step_ratios"]

SLOWER = Path(__file__).with_name("slower.md")  # in words, where others are faster

PLACES = [(where, kind) for where in (ONE, ALL) for kind in ("fit", "train", "predict")]
_KINDS = {"fit": "`fit`", "train": "loop", "predict": "`predict`"}
_TOLD = {("fit", "train"): "training takes {} of PyTorch's time on the same CPU", ("predict",): "`predict` {}"}
_HEAD = ["", *[f"{_KINDS[kind]} on {where}" for where, kind in PLACES]]
_BESIDE = {
    "memory of a training step": "Memory of a training step: {:.2f} of PyTorch's, for the network where we need most.",
    "time to the first finished step": "From the start of Python to the first finished step: {:.2f} of PyTorch's time.",
    "slower among busy programs": "Beside programs that keep all cores busy, a step takes up to {:.1f} times as long.",
}
_NONE = [None] * len(PLACES)
Ratios = dict[str, list[float | None]]  # by workload: for each of PLACES, the mean of all runs

_INTRODUCTION = """How long training and prediction take here, beside PyTorch and Keras on the same CPU. Figures are
**our time divided by theirs**: 0.5 means half the time. Above 1 we are slower: these are **bold**. """

_ARROWS = """Behind an arrow, the same with [compiled
kernels](guides/speed.md#compiled-kernels) and [captured steps](guides/speed.md#captured-steps), both of which have to
be switched on.
"""

_WORDS = """
Rows are [networks](#the-networks). `fit` is one epoch of `fit` over shuffled batches; for PyTorch, the loop that
its users write. *Loop* is a custom training loop on a batch that is ready. `predict` goes through data in
batches, without gradients. *Best Keras* is, for each network, the faster of Keras 3 on JAX and on TensorFlow, which
both compile the step. *Held to AVX2* means that all frameworks were kept from using AVX-512, as on the many
processors that don't have it.
"""

_NETWORKS = """
## The networks

| | |
|---|---|
| mlp | 784, 512, 512, 10 units with dropout; 128 rows to a batch |
| tiny | 100, 32, 1 units; 32 rows |
| convnet | two 3×3 convolutions, pooling, two dense layers on 28×28 images; 128 rows |
| lstm, gru, bidirectional | an embedding of 10,000 words, then a layer of 32 units over 200 words; 32 rows |
| resnet | a small residual network on 32×32 images; 64 rows |
| mobilenet | depthwise and 1×1 convolutions on 32×32 images; 64 rows |
| transformer | attention over 200 words; 32 rows |
| autoencoder | strided and transposed convolutions on 28×28 images; 128 rows |
| conv3d | 3×3×3 convolutions on volumes of 24×24×24; 16 rows |

All frameworks have the same numbers of weights, the same optimizer and the same batches.
"""

_HOW = """
## How it is measured

- Compiling isn't part of the times.
- Every framework has a process of its own and its own defaults. They take turns, so that a slow moment of the machine
  hits all alike. Figures are medians, and the mean of all runs where there are several.
- On one core, processor time is counted; on all cores, the time that passed.

`make bench` measures it all on your machine (it installs the other frameworks beside), and `python -m benchmarks.page
build/bench.json` prints every figure of it: each workload and kernel in milliseconds, memory, growth with size, what
recording costs. What was tried to make kernels faster: [Kernels, from inside](internals/kernels.md). For GPUs see
[Kernels on a GPU](internals/gpu_kernels.md). """


def short_page(runs: Sequence[Run], slower: str = "") -> str:
    """The whole page.

    Args:
        runs: one or several. Of those with the same vector instructions means are shown, others have tables of
            their own.
        slower: Markdown that says in words where others are faster.
    """
    return "\n".join(_parts(runs, slower)) + "\n"


def _parts(runs: Sequence[Run], slower: str) -> Iterator[str]:
    measured = [run for run in runs if run.results]
    groups = by_instructions(measured)
    fast = any(run.as_fast() for run in measured)
    sections = [
        (
            f"{title}{f': {told}' if len(groups) > 1 else ''}",
            step_ratios(group, keras),
            step_ratios(fast_runs(group), keras),
        )
        for title, keras in (("Against PyTorch", False), ("Against the best Keras", True))
        for told, group in groups
    ]
    sections = [(title, plain, other) for title, plain, other in sections if plain]
    yield "# Benchmarks\n"
    if sections and sections[0][0].startswith("Against PyTorch"):
        beside = [(title.partition(": ")[2], *ratios) for title, *ratios in sections if "PyTorch" in title]
        told = [_in_one_line(*beside[0]), *[_of_others(*each) for each in beside[1:]]]
        yield textwrap.fill(" ".join(told), 120) + "\n"
    yield _INTRODUCTION + (_ARROWS if fast else "\n") + _WORDS
    if len(sections) > 1:
        yield "## In short\n\nMeans (geometric) over all networks; the tables below have each of them.\n"
        yield (
            table(_HEAD, [[title.removeprefix("Against "), *_means(plain, other)] for title, plain, other in sections])
            + "\n"
        )
    for title, plain, other in sections:
        yield f"## {title}\n"
        yield _step_table(plain, other) + "\n"
    others, kernels = other_aims(groups[0][1] if groups else []), list(_kernel_tables(groups))
    if others:
        yield "## Memory, the start, a busy machine\n"
        yield from _beside_time(others)
    if kernels:
        yield "## Single kernels, against PyTorch\n"
        yield "\n".join(kernels)
    if slower:
        yield f"## Where others are faster, and why\n\n{slower.strip()}"
    yield _NETWORKS.rstrip()
    yield _HOW.rstrip()
    if told := machine(measured or runs):
        yield f"\n## The machine\n\n{told}"


def _in_one_line(where: str, plain: Ratios, fast: Ratios) -> str:
    """How fast it is beside PyTorch, for who reads no further."""
    with_what = f", with {where}," if where else ","
    told = [words.format(span) for kinds, words in _TOLD.items() if (span := _span(plain, kinds))]
    faster = _spans(fast)
    also = f"; with compiled kernels and captured steps {' and '.join(faster)}" if faster else ""
    known = [
        (value, f"{_KINDS[kind]} of {name}")
        for name, values in plain.items()
        for value, (_, kind) in zip(values, PLACES, strict=True)
        if value is not None
    ]
    worst, what = max(known)
    slowest = f" The slowest is {what} with {worst:.2f}." if worst > 1 else ""
    return f"**How fast is it?** In the mean over all networks{with_what} {', '.join(told)}{also}.{slowest}"


def _of_others(where: str, plain: Ratios, fast: Ratios) -> str:
    """The same means with other instructions, in a sentence."""
    told, also = (" and ".join(_spans(ratios)) for ratios in (plain, fast))
    return f"{where[:1].upper()}{where[1:]}: {told}{f'; with both {also}' if also else ''}."


def _spans(ratios: Ratios) -> list[str]:
    """The means of training and of prediction, of what was measured."""
    return [span for kinds in _TOLD if (span := _span(ratios, kinds))]


def _span(ratios: Ratios, kinds: Sequence[str]) -> str:
    """From the lowest to the highest mean of some kinds of steps; "" without any."""
    means = [mean(column) for column in zip(*ratios.values(), strict=True)]
    found = [value for value, (_, kind) in zip(means, PLACES) if kind in kinds and value is not None]
    return " to ".join(dict.fromkeys([f"{each(found):.2f}" for each in (min, max)])) if found else ""


def _kernel_tables(groups: Sequence[tuple[str, list[Run]]]) -> Iterator[str]:
    """For each kind of processor, the slowest kernels of each class, plain and compiled."""
    ways = [f"{way} on {where}" for where in (ONE, ALL) for way in ("forward", "both ways")]
    for told, group in groups:
        plain = kernel_aims(group)
        compiled = {aim.what: aim.found for aim in kernel_aims(fast_runs(group))}
        rows = [[aim.what, *_arrows(aim.found, compiled.get(aim.what))] for aim in plain]
        if rows:
            yield table([f"the slowest of ({told})" if len(groups) > 1 else "the slowest of", *ways], rows) + "\n"


def _arrows(plain: Sequence[Sequence[float | None]], fast: Sequence[Sequence[float | None]] | None) -> list[str]:
    others = [None] * len(plain) if fast is None else [mean(column) for column in fast]
    return [_cell(mean(column), other) for column, other in zip(plain, others, strict=True)]


def step_ratios(runs: Sequence[Run], keras: bool) -> Ratios:
    """By workload, for each of `PLACES`: the mean of all runs, to PyTorch or to the fastest of Keras' backends."""
    backends = [peer for run in runs for peer in run.peers() if peer.startswith("keras")]

    def one(run: Run, name: str, where: str, kind: str) -> float | None:
        found = run.results.get(where, {}).get(name, {})
        return largest(found, backends, kind) if keras else ratio(found, "torch", kind)

    every = {name: [mean(one(run, name, *place) for run in runs) for place in PLACES] for name in WORKLOADS}
    return {name: values for name, values in every.items() if any(value is not None for value in values)}


def _step_table(plain: Ratios, fast: Ratios) -> str:
    rows = [[name, *map(_cell, values, fast.get(name, _NONE))] for name, values in plain.items()]
    return table(_HEAD, [*rows, ["geometric mean", *_means(plain, fast)]])


def _means(plain: Ratios, fast: Ratios) -> list[str]:
    means = [[mean(column) for column in zip(*ratios.values(), strict=True)] for ratios in (plain, fast)]
    return list(map(_cell, means[0], means[1] or _NONE))


def _beside_time(aims: Sequence[Aim]) -> Iterator[str]:
    """What is measured beside the time of a step, a line for each."""
    for aim in aims:
        one, every = (mean(column) for column in aim.found)
        worst = max((value for value in (one, every) if value is not None), default=None)
        if worst is not None:
            yield f"- {_BESIDE[aim.what.partition(':')[0]].format(worst)}"
    yield ""


def _cell(plain: float | None, fast: float | None = None) -> str:
    """Bold where we are slower; with an arrow from plain to compiled and captured."""
    return " → ".join(
        f"**{value:.2f}**" if round(value, 2) > 1 else f"{value:.2f}" for value in (plain, fast) if value is not None
    )


def machine(runs: Sequence[Run]) -> str:
    """What the figures were measured on, but for how busy it was."""
    keys = dict.fromkeys(key for run in runs for key in run.about if key != "load before")
    told = {key: dict.fromkeys(run.about[key] for run in runs if key in run.about) for key in keys}
    return "\n".join(f"- {key}: {'; '.join(values)}" for key, values in told.items())
