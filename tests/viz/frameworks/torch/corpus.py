"""Faulty PyTorch programs, each after a fault that somebody published, and their healthy twins.

`programs/FOLDER/NAME.py` is the faulty program. In its healthy twin, lines that end with `# fault: KIND` are missing,
and comments `# healthy: CODE` are lines of code. KIND is what the doctor calls the fault, the best name first:
`# fault: frozen, no_gradient`. A line of both twins that ends with `# or here` is as right to name as those with a
fault: the other end of a mismatch, or where the wrong layer is called. The docstring tells where the fault was
published, and what is measured:

    Source: the address of the thread
    Healthy: accuracy > 0.9
    Faulty: accuracy < 0.6

are expressions in the names that the program leaves behind; `test_corpus.py` runs both twins and asks for them.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple

__all__ = ["FOLDER", "NAMES", "Expected", "claims", "expected", "faulty", "healthy", "path"]

FOLDER = Path(__file__).parent / "programs"
NAMES = sorted(path.relative_to(FOLDER).with_suffix("").as_posix() for path in FOLDER.glob("*/*.py"))
_FAULT = re.compile(r"  # fault: ([a-z_]+(?:, [a-z_]+)*)$")
_HEALTHY = re.compile(r"^( *)# healthy: (.*)$")
_OR_HERE = "  # or here"


class Expected(NamedTuple):
    """What a doctor should say: one of `kinds`, the best first, on one of `lines`."""

    kinds: tuple[str, ...]
    lines: tuple[int, ...]


def path(name: str) -> Path:
    return FOLDER / f"{name}.py"


def faulty(name: str) -> str:
    return path(name).read_text(encoding="utf-8")


def healthy(name: str) -> str:
    lines = [line for line in faulty(name).splitlines() if not _FAULT.search(line)]
    return "\n".join(_HEALTHY.sub(r"\1\2", line).removesuffix(_OR_HERE) for line in lines) + "\n"


def expected(name: str) -> Expected:
    kinds: dict[str, None] = {}
    lines = []
    for number, line in enumerate(faulty(name).splitlines(), 1):
        match = _FAULT.search(line)
        kinds |= dict.fromkeys(match[1].split(", ") if match else ())
        if match or line.endswith(_OR_HERE):
            lines.append(number)
    return Expected(tuple(kinds), tuple(lines))


def claims(name: str) -> dict[str, str]:
    """The lines `Source`, `Healthy` and `Faulty` of a program's docstring."""
    text = ast.get_docstring(ast.parse(faulty(name))) or ""
    return dict(line.split(": ", 1) for line in text.splitlines() if re.match("(Source|Healthy|Faulty): ", line))
