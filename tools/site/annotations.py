"""Types as readers know them: type variables by what they stand for, private names by what they mean."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.site.definitions import SHARED, defined, definitions, resolved, stands_for


def spelled(text: str, module: str) -> str:
    """An annotation as it is shown.

    A type variable becomes its bound or its constraints; where it may be anything, it stays, and the page of types
    explains it. A private alias becomes what it is short for, and `Union` and `Optional` are written with bars.

    Args:
        text: the annotation.
        module: the file that it is written in, as a module.

    >>> spelled("dict[K, S]", "eagerflow.core.tape")
    'dict[K, Tensor]'
    >>> spelled("Union[_LossLike, NoneType]", "eagerflow.losses")
    'LossLike | None'
    """
    return ast.unparse(_Spelled(module).visit(ast.parse(text, mode="eval")))


class _Spelled(ast.NodeTransformer):
    """Replaces names.

    Args:
        module: where they are written.
        shown_in: where they will stand, if elsewhere: aliases that aren't known there become what they are short for.
    """

    def __init__(self, module: str, shown_in: str = "") -> None:
        self.module = module
        self.shown_in = shown_in or module

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id == "NoneType":
            return ast.Constant(None)
        full = resolved(self.module, node.id)
        if not full:  # Python's own
            return ast.Name(node.id.lstrip("_"))
        return (
            self._meaning(full, stands_for(full)) or self._alias(full) or ast.Name(full.rpartition(".")[2].lstrip("_"))
        )

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return ast.Constant(None) if ast.unparse(node) == "types.NoneType" else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        name = ast.unparse(node.value).removeprefix("typing.")
        if name == "Literal":
            return node
        inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if name in ("Union", "Optional"):
            return _joined([self.visit(kind) for kind in inside] + [ast.Constant(None)] * (name == "Optional"))
        self.generic_visit(node)
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        return _joined([self.visit(kind) for kind in _alternatives(node)])

    def _alias(self, full: str) -> ast.expr | None:
        """What an alias is short for, where it is private, or unknown in the file that it will be shown in."""
        one = defined(full)
        if one is None or not one.stands_for:
            return None
        is_known = resolved(self.shown_in, one.name) == full or one.name in definitions(SHARED)
        return self._meaning(full, one.stands_for) if one.name.startswith("_") or not is_known else None

    def _meaning(self, full: str, text: str | None) -> ast.expr | None:
        if not text:
            return None
        there = _Spelled(full.rpartition(".")[0], self.shown_in)
        found: ast.expr = there.visit(ast.parse(text, mode="eval").body)
        return found


def _alternatives(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        yield from _alternatives(node.left)
        yield from _alternatives(node.right)
    else:
        yield node


def _joined(kinds: list[ast.expr]) -> ast.expr:
    """Kinds with bars between, each once; `bool` says what `Literal[True]` says."""
    texts = [ast.unparse(each) for kind in kinds for each in _alternatives(kind)]
    left = [text for text in texts if not (text in ("Literal[True]", "Literal[False]") and "bool" in texts)]
    return ast.parse(" | ".join(dict.fromkeys(left)), mode="eval").body
