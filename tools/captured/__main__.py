"""`python -m tools.captured [--programs 1000] [--seed 0] [--singles] [--trained]`.

Runs random steps eagerly and captured, and prints what differs. `--singles` runs each trait alone instead, read in each
of some ways; `--trained` makes each step a part of a model that `fit` trains. Any seed that it prints can be run alone:
`--seed 1234 --programs 1 --show`.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections import Counter
from collections.abc import Iterable

from tools.captured.programs import Program, random_program, single_programs
from tools.captured.running import difference


def run(programs: Iterable[tuple[str, Program]], shows: bool, trained: bool) -> int:
    """How many differ."""
    bad: list[int] = []
    began = time.perf_counter()
    counted: Counter[str] = Counter()
    gc.freeze()  # captures ask the garbage collector who has functions: not those of libraries
    for number, (name, program) in enumerate(programs):
        try:
            compile(program.source, name, "exec")
        except SyntaxError:  # quotes within quotes, say
            continue
        counted["programs"] += 1
        if counted["programs"] % 250 == 0:
            print(f"... {dict(counted)}, {len(bad)} differ", flush=True)
        try:
            why, did = difference(program, trained)
        except Exception as error:  # noqa: BLE001 # any failure is a finding
            why, did = f"{type(error).__name__}: {error}", None
        counted["with replays"] += did is not None and did.replays > 0
        counted["replays"] += did.replays if did is not None else 0
        if shows:
            print(program.source, program.changes, did, sep="\n")
        if why is not None:
            bad.append(number)
            print(f"{name} of {', '.join(program.parts)}: {why}\n    {program.changes}", flush=True)
    print(f"{dict(counted)} in {time.perf_counter() - began:.0f} s: {len(bad)} differ, the {bad}th")
    return len(bad)


def main() -> int:
    """How many differ, as an exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--singles", nargs="*", metavar="WAY", help="each trait alone, read in these ways")
    parser.add_argument("--trained", action="store_true", help="steps are layers' calls in models, which `fit` trains")
    parser.add_argument("--trait", default="", help="those alone whose parts name this")
    parser.add_argument("--show", action="store_true", help="print programs and what they did")
    given = parser.parse_args()
    if given.singles is not None:
        ways = given.singles or ["directly"]
        chosen = ((f"{way}, {i}", each) for way in ways for i, each in enumerate(single_programs(way)))
    else:
        seeds = range(given.seed, given.seed + given.programs)
        chosen = ((f"seed {seed}", random_program(seed)) for seed in seeds)
    return min(run((each for each in chosen if given.trait in ", ".join(each[1].parts)), given.show, given.trained), 1)


if __name__ == "__main__":
    sys.exit(main())
