"""Every figure of one or several runs as one report, and the short page `docs/benchmarks.md` made of the same files.

    python -m benchmarks.page run1.json run2.json                 # prints the report
    python -m benchmarks.page run1.json run2.json --write docs    # writes docs/benchmarks.md

Runs stand side by side. What only one of them measured (growth, say) is taken from the last that has it. A run that was
measured in parts is given as `part1.json+part2.json`.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import NamedTuple

from benchmarks.aims import COMPILED, COMPILED_AVX2, PLAIN, Limits, aims_tables
from benchmarks.applications import applications_table
from benchmarks.kernels import kernel_table
from benchmarks.loaded import busy_table
from benchmarks.report import failures, memory_table, ratio_table, startup_table, times_table
from benchmarks.runs import OURS, Run, by_instructions, fast_runs
from benchmarks.short_page import SLOWER, short_page

__all__ = ["main", "page", "write_page"]

_INTRODUCTION = """# All benchmark figures

Every framework runs in its own process with its own defaults; they take turns, so that a slow moment of the machine
affects all of them. Figures are **our time divided by the other's**: below 1 we are faster. Those of several runs
stand side by side, separated by a dot."""

_HOW = """
## How it is measured

- `fit`: one epoch of `fit` on shuffled batches; for PyTorch the loop that its users write. `train`: a loop of one's
  own on one ready batch (with a tape; in Keras the loop that its guides show for each backend, compiled where they
  do).
- `predict` and `infer`: the same for outputs alone.
- On one core the times are those of the processor, which other programs hardly disturb; on all cores, what passed.
- The models are alike, with the same numbers of weights, the same optimizers and no metrics. The learning rate is
  small: networks that know their few batches by heart compute with denormal numbers, which take far longer.
- PyTorch has channels last where that is the faster of its memory layouts: resnet, mobilenet, autoencoder. Keras
  compiles as `compile(jit_compile="auto")` decides. Compiling is not part of the times.
- Memory: by how much a process grows, at most, in its first two training steps.
- The beginning: seconds from the start of a process; installed is a package with all that it needs.
"""

_FLOORS = """A training step of each network on one core, with compiled kernels and captured: milliseconds of the whole
step, of its operations, and the floor of these. That is what they compute over the speed of a large product of BLAS, or
what they move over the speed of a copy, whichever is longer. Convolutions count as written; the transforms of Winograd
need a quarter to a half of the products, so they may take less than their floor. ∇ is the backward pass. Made by
`python -m benchmarks.floors`.

"""


def write_page(runs: Sequence[Run], docs: Path) -> None:
    """Write `benchmarks.md` into the documentation's folder.

    Args:
        runs: the runs, shown side by side.
        docs: the folder.
    """
    short = short_page(runs, SLOWER.read_text(encoding="utf-8"))
    (docs / "benchmarks.md").write_text(short, encoding="utf-8")


def page(runs: Sequence[Run]) -> str:
    """The report of all figures as Markdown.

    Args:
        runs: the runs, shown side by side.
    """
    measured = [run for run in runs if run.results]
    return "\n".join(_parts(runs, measured)) + "\n"


def _parts(runs: Sequence[Run], measured: Sequence[Run]) -> Iterator[str]:
    yield _INTRODUCTION
    groups = [group for group in _groups(measured) if group.runs]
    for group in groups:
        yield f"## Aims{group.told}\n"
        yield from aims_tables(group.runs, group.limits)
    yield "## The machine\n"
    yield from machine_lines(measured or runs)
    yield _HOW.rstrip()
    for group in groups:
        yield from _steps(group.runs, group.told)
    yield from _memory_and_start(measured)
    for group in groups:
        yield from _kernels(group.runs, group.told)
    yield from _busy(measured)
    yield from _applications(runs)
    yield from _floors(runs)
    yield from _texts(runs)


class _Group(NamedTuple):
    """Runs that are compared with each other.

    Attributes:
        told: what titles say of them: the kind of processor, and how we ran.
        runs: they.
        limits: what their steps may take.
    """

    told: str
    runs: list[Run]
    limits: Limits


def _groups(measured: Sequence[Run]) -> Iterator[_Group]:
    by_kind = by_instructions(measured)
    for kind, group in by_kind:
        where = f", {kind}" if len(by_kind) > 1 else ""
        yield _Group(where, group, PLAIN)
        fast = COMPILED if kind == "AVX-512" else COMPILED_AVX2
        yield _Group(f"{where}, compiled kernels and captured steps", fast_runs(group), fast)


def _texts(runs: Sequence[Run]) -> Iterator[str]:
    for title, name in {"Cost per op": "ops", "What recording costs": "recording", "Growth": "growth"}.items():
        text = next((run.also[name]["text"] for run in reversed(runs) if name in run.also), None)
        if text:
            yield f"\n## {title}\n\n```text\n{text.strip()}\n```"
    larger = next((run.also["larger"]["text"] for run in reversed(runs) if "larger" in run.also), None)
    if larger:
        yield f"\n## Data larger than memory\n\n{larger.strip()}"


def _floors(runs: Sequence[Run]) -> Iterator[str]:
    """What steps are made of, for each set of instructions."""
    found = []
    for kind, group in by_instructions(runs):
        texts = [run.also["floors"]["text"].strip() for run in group if "floors" in run.also]
        found += [(kind, text) for text in texts[-1:]]
    if found:
        yield f"\n## What a captured step is made of\n\n{_FLOORS}"
    for kind, text in found:
        yield f"**{kind}.** {text}\n"


def machine_lines(runs: Sequence[Run]) -> Iterator[str]:
    """What the figures were measured on; what the runs tell differently, side by side."""
    for key in dict.fromkeys(key for run in runs for key in run.about):
        told = list(dict.fromkeys(run.about[key] for run in runs if key in run.about))
        yield f"- {key}: {' · '.join(told)}"


def _steps(runs: Sequence[Run], told: str) -> Iterator[str]:
    peers = list(dict.fromkeys(peer for run in runs for peer in run.peers()))
    for title in dict.fromkeys(title for run in runs for title in run.results):
        results = [run.results.get(title, {}) for run in runs]
        yield f"\n## Our time / theirs, {title}{told}: least/median\n\n{ratio_table(results, peers)}"
        yield f"\n## Times, {title}{told}: least/median\n\n{times_table(results, [OURS, *peers])}"
        failed = dict.fromkeys(line for each in results for line in failures(each))
        if failed:
            yield "\nNot measured:\n\n" + "\n".join(f"- {line}" for line in failed)


def _memory_and_start(runs: Sequence[Run]) -> Iterator[str]:
    peers = list(dict.fromkeys(peer for run in runs for peer in run.peers()))
    first = [next(iter(run.results.values())) for run in runs]
    if first:
        yield f"\n## Memory\n\n{memory_table(first, [OURS, *peers])}"
    started = [run.startup for run in runs if run.startup]
    if started:
        yield f"\n## The beginning\n\n{startup_table(started)}"


def _kernels(runs: Sequence[Run], told: str) -> Iterator[str]:
    for title, name in {"one core": "kernels", "all cores": "kernels-all"}.items():
        found = [figures for run in runs if (figures := run.figures(name))]
        if found:
            yield f"\n## Kernels, {title}{told}\n\n{kernel_table(found)}"


def _busy(runs: Sequence[Run]) -> Iterator[str]:
    found = [figures for run in runs if (figures := run.figures("busy"))]
    if found:
        yield f"\n## Among busy programs\n\n{busy_table(found[-1])}"


def _applications(runs: Sequence[Run]) -> Iterator[str]:
    found = [figures for run in runs if (figures := run.figures("applications"))]
    if found:
        yield f"\n## Networks of `applications`: least/median\n\n{applications_table(found[-1])}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.page", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", help="what `python -m benchmarks --json` wrote")
    parser.add_argument(
        "--write", type=Path, metavar="DOCS", help="write benchmarks.md there instead of printing the report"
    )
    chosen = parser.parse_args()
    runs = [reduce(Run.joined, [Run.load(Path(part)) for part in name.split("+")]) for name in chosen.runs]
    if chosen.write:
        write_page(runs, chosen.write)
    else:
        print(page(runs), end="")


if __name__ == "__main__":
    main()
