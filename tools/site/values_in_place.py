"""Programs as a reader would write them into a notebook: with values instead of the parameters of `main`."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

Span = tuple[int, int, int, int]  # first line and column, last line and column, as `ast` counts them


def values_in_place(codes: Sequence[str], values: dict[str, str | None]) -> list[str]:
    r"""Pieces of code without parameters: one that is used once is replaced by its value, another one gets it first.

    Args:
        codes: the pieces, in order.
        values: of parameters; None for a folder, of which only the names of files in it stay.

    Raises:
        ValueError: when a folder is used in another way than by `folder / name`.

    >>> values_in_place(["x = n", 'print(m, m)', 'write(out / "a.svg")'], {"n": "3", "m": "1", "out": None})
    ['x = 3', 'm = 1\nprint(m, m)', 'write("a.svg")']
    """
    found = list(codes)
    for name, value in values.items():
        if value is None:
            found = [_without_folder(code, name) for code in found]
            continue
        uses = [(number, node) for number, code in enumerate(found) for node in _uses(ast.parse(code), name)]
        inside = [number for number, code in enumerate(found) if _in_texts(ast.parse(code), name)]
        if len(uses) == 1 and not inside:
            number, node = uses[0]
            found[number] = _replaced(found[number], [(_span(node), value)])
        elif uses:
            first = uses[0][0]
            found[first] = f"{name} = {value}\n{found[first]}"
    return found


def without_unused_imports(codes: Sequence[str]) -> list[str]:
    r"""The pieces of a program without imports of what none of them uses, and without `__future__`.

    >>> without_unused_imports(["import sys\nimport os", "os.getcwd()"])
    ['import os', 'os.getcwd()']
    """
    used = {node.id for code in codes for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)}
    return [_with_imports(code, used) for code in codes]


def _with_imports(code: str, used: set[str]) -> str:
    lines = code.splitlines()
    for node in reversed(ast.parse(code).body):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {alias.asname or alias.name.partition(".")[0] for alias in node.names}
            if not names & used:
                del lines[node.lineno - 1 : node.end_lineno]
    return "\n".join(lines).strip("\n")


def _uses(tree: ast.AST, name: str) -> Iterator[ast.Name]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == name)


def _in_texts(tree: ast.AST, name: str) -> bool:
    """Whether an f-string has it, whose parts have no places before Python 3.12."""
    texts = [node for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)]
    return any(True for text in texts for _ in _uses(text, name))


def _without_folder(code: str, name: str) -> str:
    tree = ast.parse(code)
    joined = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and isinstance(node.left, ast.Name)
        and node.left.id == name
    ]
    if len(joined) != len(list(_uses(tree, name))):
        raise ValueError(f"a tutorial has no folder {name!r}: only `{name} / file` has a meaning in\n{code}")
    return _replaced(code, [((*_span(node)[:2], *_span(node.right)[:2]), "") for node in joined])


def _span(node: ast.expr) -> Span:
    return node.lineno, node.col_offset, node.end_lineno or node.lineno, node.end_col_offset or node.col_offset


def _replaced(code: str, changes: list[tuple[Span, str]]) -> str:
    lines = [line.encode() for line in code.split("\n")]
    for (first, begin, last, end), text in sorted(changes, reverse=True):
        lines[first - 1 : last] = [lines[first - 1][:begin] + text.encode() + lines[last - 1][end:]]
    return b"\n".join(lines).decode()
