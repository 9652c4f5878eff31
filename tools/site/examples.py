"""Which public names have no example that runs.

python -m tools.site.examples                      # how many, by module, and the names without
python -m tools.site.examples eagerflow.layers     # of one module, with file and line
"""

from __future__ import annotations

import sys

from tools.site.names import ROOT, Public, catalogue


def counts(names: list[Public]) -> dict[str, tuple[int, int]]:
    """By module: how many names have an example, and how many there are."""
    found: dict[str, tuple[int, int]] = {}
    for one in names:
        with_example, total = found.get(one.module, (0, 0))
        found[one.module] = with_example + one.has_example, total + 1
    return found


def report(names: list[Public], with_places: bool = False) -> str:
    """The figures of every module and the names without an example, worst first."""
    figures = counts(names)
    done = sum(one.has_example for one in names)
    lines = [f"{done} of {len(names)} public names have an example that runs: {100 * done / max(len(names), 1):.1f} %"]
    for module, (with_example, total) in sorted(figures.items(), key=lambda item: item[1][0] - item[1][1]):
        lines.append(f"\n{module}: {with_example} of {total}")
        without = [one for one in names if one.module == module and not one.has_example]
        lines += [f"  {_place(one):<58} {one.name}" for one in without] if with_places else _wrapped(without)
    return "\n".join(lines)


def _wrapped(names: list[Public]) -> list[str]:
    lines, width = [""], 116
    for one in names:
        if len(lines[-1]) + len(one.name) > width:
            lines.append("")
        lines[-1] += f"  {one.name}"
    return lines if names else []


def _place(one: Public) -> str:
    found = one.source()
    return f"{found[0].relative_to(ROOT)}:{found[1]}" if found else "?"


if __name__ == "__main__":
    wanted = sys.argv[1:]
    chosen = [one for one in catalogue() if not wanted or one.path.startswith(tuple(wanted))]
    print(report(chosen, with_places=bool(wanted)))
