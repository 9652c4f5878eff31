"""Keras on our backend beside Keras on PyTorch's and beside eagerflow without Keras: one step of training, on one core.

    python -m benchmarks.keras_backend --python .venv-peers/bin/python

The interpreter needs Keras and PyTorch. All take turns in one run; the table shows the minimum and, in brackets, the
median of a step in milliseconds.
"""

from __future__ import annotations

import argparse
import statistics
from math import exp, log

from benchmarks.rotation import rotate
from benchmarks.workloads.data import WORKLOADS

MODELS = ("tiny", "mlp", "convnet", "lstm", "transformer", "mobilenet")
PEERS = ("keras-eagerflow", "keras-torch", "eagerflow")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", required=True, help="an interpreter with Keras and PyTorch")
    parser.add_argument("--seconds", type=float, default=1.0, help="for each contender of a model (default 1)")
    parser.add_argument("--only", default=",".join(MODELS), help="models, with commas between")
    options = parser.parse_args()
    print(f"{'ms a step':12}" + "".join([f"{peer:>24}" for peer in PEERS]) + "   of torch   of ours")
    ratios: list[tuple[float, float]] = []
    for name in options.only.split(","):
        found = rotate(WORKLOADS[name], dict.fromkeys(PEERS, options.python), 1, options.seconds, ["train"])
        if any(found[peer].error for peer in PEERS):
            print(name, {peer: found[peer].error for peer in PEERS})
            continue
        shown = [f"{found[p].best('train') * 1e3:14.3f} [{found[p].median('train') * 1e3:.3f}]" for p in PEERS]
        ours, torch, bare = [found[peer].best("train") for peer in PEERS]
        ratios.append((ours / torch, ours / bare))
        print(f"{name:12}" + "".join([f"{text:>24}" for text in shown]) + f"{ours / torch:11.2f}{ours / bare:10.2f}")
    means = [exp(statistics.fmean([log(pair[i]) for pair in ratios])) for i in (0, 1)]
    print(f"geometric means: {means[0]:.2f} of Keras on PyTorch, {means[1]:.2f} of eagerflow without Keras")


if __name__ == "__main__":
    main()
