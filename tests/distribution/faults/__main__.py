"""`python -m tests.distribution.faults --repeat 200`: all faults again and again, counting those that hang."""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import time

from tests.distribution.faults.cases import CASES, Case, run


def main() -> int:
    """Run all faults again and again."""
    parser = argparse.ArgumentParser(prog="python -m tests.distribution.faults")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="how many runs")
    parser.add_argument("--only", default="", metavar="TEXT", help="faults whose names hold this")
    parser.add_argument("--seconds", type=float, default=1e9, metavar="S", help="stop after so long")
    options = parser.parse_args()
    cases = [case for case in CASES if options.only in case.name]
    stop = time.monotonic() + options.seconds
    found: dict[str, list[float]] = {}
    hung = bad = runs = 0
    order: list[Case] = []
    while runs < options.repeat and time.monotonic() < stop:
        if not order:
            order = random.Random(runs).sample(cases, len(cases))
        case = order.pop()
        result = run(case)
        runs += 1
        hung += result.hung
        found.setdefault(case.name, []).append(result.seconds)
        wrong = result.wrong(case)
        if wrong:
            bad += 1
            print(f"{case.name}: {wrong}\n{result.said[-3000:]}", flush=True)
    for name, seconds in sorted(found.items()):
        print(
            f"{name:28} {len(seconds):4} runs, median {statistics.median(seconds):5.2f} s, most {max(seconds):5.2f} s"
        )
    print(f"{runs} runs: {hung} hung, {bad - hung} ended in another way than they should")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
