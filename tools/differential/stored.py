"""Programs with the answers of another framework, in one file: `make test` replays them on eagerflow alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tools.differential.programs import Program, random_program

__all__ = ["read", "write"]


def write(file: Path, seeds: range, run: Callable[[Program], list[np.ndarray]]) -> None:
    """The programs of some seeds and their answers; those stand one behind the other in one array."""
    kept = [p for p in map(random_program, seeds) if p["steps"]]
    results = [run(p) for p in kept]
    shapes = [[list(a.shape) for a in arrays] for arrays in results]
    flat = [a.ravel() for arrays in results for a in arrays]
    text = json.dumps({"programs": kept, "shapes": shapes}, separators=(",", ":"))
    np.savez_compressed(file, programs=np.frombuffer(text.encode(), "uint8"), numbers=np.concatenate(flat))


def read(file: Path) -> list[tuple[Program, list[np.ndarray]]]:
    """Pairs of programs and answers."""
    with np.load(file) as stored:
        told: dict[str, Any] = json.loads(stored["programs"].tobytes())
        numbers = stored["numbers"]
    pairs, start = [], 0
    for program, shapes in zip(told["programs"], told["shapes"], strict=True):
        arrays = []
        for shape in shapes:
            size = int(np.prod(shape))
            arrays.append(numbers[start : start + size].reshape(shape))
            start += size
        pairs.append((program, arrays))
    return pairs
