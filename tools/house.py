"""The figures of the house: lines, files per folder, arrows, branches, frames. Prints one table.

    python tools/house.py              # of this tree
    python tools/house.py ../before    # of another checkout, beside this one

Frames are counted in a training that runs; all else is read from the source.
"""

from __future__ import annotations

import ast
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parents[1]
BRANCHES = re.compile(r"\b(pays|fits|large|suits|_is_large)\(|xp is numpy|__class__ is (numpy\.)?ndarray")
FRAMES = """
import os, sys
import numpy as np
import eagerflow as ef

root = os.path.dirname(ef.__file__)
model = ef.models.Sequential([ef.Input((8,)), ef.layers.Dense(4, "relu"), ef.layers.Dense(2)])
model.compile("sgd", "mse")
x, y = np.ones((4, 8), "float32"), np.ones((4, 2), "float32")
model.fit(x, y, verbose=0)
found = {}

def look(frame, event, called):
    if event != "c_call" or getattr(called, "__name__", "") != "dot":
        return
    names = []
    while frame is not None:
        if frame.f_code.co_filename.startswith((root, "<eagerflow")):
            names.append(frame.f_code.co_name)
        frame = frame.f_back
    for start in ("fit", "train_step"):
        if start in names:
            found.setdefault(start, len(names) - 1 - names[::-1].index(start) + (start == "train_step"))
    found.setdefault("line", len(names))

sys.setprofile(look)
model.fit(x, y, verbose=0)
sys.setprofile(None)
print(found["line"], found["fit"], found["train_step"])
"""


def sources(root: Path, package: str) -> list[Path]:
    """The Python files of a package, in order."""
    return sorted((root / package).rglob("*.py"))


def lines(files: list[Path]) -> tuple[int, int, int]:
    """Lines in all, of code, and of docstrings and comments."""
    every = code = words = 0
    for file in files:
        text = file.read_text(encoding="utf-8")
        every += text.count("\n")
        told: set[int] = set()
        for node in ast.walk(ast.parse(text)):
            first = getattr(node, "body", None)
            if isinstance(first, list) and first and isinstance(first[0], ast.Expr):
                value = first[0].value
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    told |= set(range(first[0].lineno, (first[0].end_lineno or 0) + 1))
        written: set[int] = set()
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.COMMENT and not text.splitlines()[token.start[0] - 1][: token.start[1]].strip():
                told.add(token.start[0])
            elif token.type not in (tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT):
                written |= set(range(token.start[0], token.end[0] + 1))
        words += len(told)
        code += len(written - told - {text.count("\n") + 1})
    return every, code, words


def files_per_folder(files: list[Path]) -> Counter[str]:
    """How many files lie directly in each folder."""
    return Counter(str(file.parent) for file in files)


def arrows(root: Path, files: list[Path]) -> int:
    """Pairs of folders of which one imports from the other."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in files:
        here = file.parent.relative_to(root)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                target = Path(*node.module.split("."))
                if (root / target).with_suffix(".py").exists():
                    target = target.parent
                if target.parts[0] in ("eagerflow", "viz") and target != here:
                    found[str(here)].add(str(target))
    return sum(map(len, found.values()))


def count(files: list[Path], wanted: Callable[[str], int]) -> int:
    """A figure summed over files."""
    return sum(wanted(file.read_text(encoding="utf-8")) for file in files)


def frames(root: Path) -> list[str]:
    """Frames of ours from the user's line, from `fit` and from `train_step` to the first product."""
    answer = subprocess.run([sys.executable, "-c", FRAMES], capture_output=True, text=True, cwd=root, check=False)
    return answer.stdout.split() if answer.returncode == 0 else ["?"] * 3


def figures(root: Path) -> dict[str, str]:
    """All figures of one checkout, as text by name."""
    ours, shown = sources(root, "eagerflow"), sources(root, "viz")
    told: dict[str, str] = {}
    for name, files in (("eagerflow", ours), ("viz", shown)):
        every, code, words = lines(files)
        told[f"{name}: lines"] = f"{every}"
        told[f"{name}: lines of code"] = f"{code}"
        told[f"{name}: lines of docstrings and comments"] = f"{words}"
        folder, most = files_per_folder(files).most_common(1)[0]
        told[f"{name}: most files in a folder"] = f"{most} ({Path(folder).relative_to(root)})"
        told[f"{name}: arrows between folders"] = f"{arrows(root, files)}"
    ops = sources(root, "eagerflow/ops")
    told["branches on kernels in ops"] = f"{count(ops, lambda text: len(BRANCHES.findall(text)))}"
    told["files in ops that import numpy"] = (
        f"{count(ops, lambda text: 'import numpy' in text or 'from numpy' in text)}"
    )
    told["get_config written by hand"] = f"{count(ours, lambda text: text.count('def get_config'))}"
    told["fmt: skip"] = f"{count([*ours, *shown], lambda text: text.count('fmt: skip'))}"
    for name, number in zip(("the user's line", "fit", "train_step"), frames(root), strict=True):
        told[f"frames from {name} to the array call"] = number
    return told


def main(others: list[str]) -> None:
    """Print the table."""
    columns = [figures(Path(other).resolve()) for other in others] + [figures(HERE)]
    for name in columns[-1]:
        print(f"{name:44}" + "".join(f"{column.get(name, ''):>34}" for column in columns))


if __name__ == "__main__":
    main(sys.argv[1:])
