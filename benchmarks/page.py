"""`docs/benchmarks.md`, made of the figures."""

from __future__ import annotations

from typing import Any

from benchmarks.report import Results, failures, memory_table, ratio_table, startup_table, times_table

__all__ = ["page"]

_INTRODUCTION = """# Benchmarks

Made by `make bench` (`python -m benchmarks --help` tells what else it can do). Every framework has a process of its
own and runs by its own defaults; they take turns, so that a slow moment of the machine hits all alike. Figures are
**our time divided by the other's**, minimum / median: below 1 we are faster.

- `fit`: one epoch of `fit` on shuffled batches; for PyTorch the loop that its users write. `train`: a loop of one's
  own on one ready batch (with a tape; in Keras the loop that its guides show for each backend, compiled where they do).
- `predict` and `infer`: the same for outputs alone.
- On one core the times are those of the processor, which other programs hardly disturb; on all cores, what passed.
- The models are alike, with the same numbers of weights, the same optimizers and no metrics. The learning rate is
  small: networks that know their few batches by heart compute with denormal numbers, which take far longer.
"""


def page(
    about: dict[str, str], results: dict[str, Results], startup: Any, peers: list[str], more: dict[str, str]
) -> str:
    """The whole page; `more` is what other benchmarks printed, by title."""
    parts = [
        _INTRODUCTION,
        "## The machine\n",
        "\n".join(f"- {key}: {value}" for key, value in about.items()),
    ]
    everybody = ["eagerflow", *peers]
    for title, found in results.items():
        parts += [f"\n## Our time / theirs, {title}\n", ratio_table(found, peers)]
        parts += [f"\n## Times, {title}\n", times_table(found, everybody)]
        failed = failures(found)
        if failed:
            parts += ["\nNot measured:\n", "\n".join(f"- {line}" for line in failed)]
    first = next(iter(results.values()), None)
    if first:
        parts += ["\n## Memory\n", "By how much a process grows, at most, in its first two training steps.\n"]
        parts.append(memory_table(first, everybody))
    if startup:
        parts += [
            "\n## The beginning\n",
            "Seconds of a whole process, and what is installed with all it needs.\n",
        ]
        parts.append(startup_table(startup))
    for title, text in more.items():
        parts += [f"\n## {title}\n", f"```text\n{text.strip()}\n```"]
        if title == "Growth":
            parts.append("\n![How time and memory grow](images/growth.svg)")
    return "\n".join(parts) + "\n"
