"""Reads in a script which random orders the rows of inputs and of labels were put in, up to the training with both."""

from __future__ import annotations

import ast
from typing import NamedTuple

from viz.doctor.facts.source_calls import last_name, names_in, tree_of

__all__ = ["Reordered", "reordered_apart"]

_SAME_ROWS = ("list", "array", "asarray", "astype", "copy", "tolist")  # an index stays one
_DRAWS = ("integers", "randint", "choice", "permutation")
_SEEDS = ("seed", "set_seed", "set_random_seed", "set_state", "setstate")
_BLOCKS = ("body", "orelse", "finalbody")


class Reordered(NamedTuple):
    """An order that the rows of one array were put in, and the rows of the other weren't.

    Attributes:
        name: the array, as it stands in the code.
        line: where it was put in that order.
        other: the other array.
    """

    name: str
    line: int
    other: str


class _Value(NamedTuple):
    """What a name holds: the orders that its rows were put in, each with a line; and is it an order itself?"""

    orders: dict[str, tuple[int, str]] = {}
    order: str | None = None  # empty for 0, 1, 2, ...
    number: bool = False


_NOTHING = _Value()


def reordered_apart(file: str) -> Reordered | None:
    """The first `fit(x, y)` of a file whose x was put in a random order and whose y wasn't, or the other way round."""
    tree = tree_of(file)
    if tree is None:
        return None
    reader = _Reader(tree)
    reader.run(tree.body)
    return reader.found


class _Reader:
    """Follows assignments from the first line to the last, each once; calls of functions give nothing that is known."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: Reordered | None = None
        self._names: dict[str, _Value] = {}
        self._drawn_by: dict[str, str] = {}  # the generators of orders
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        self._seeds = [node.lineno for node in calls if last_name(node.func) in _SEEDS]

    def run(self, body: list[ast.stmt]) -> None:
        """Go through statements."""
        for node in body:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._bind(target, node.value)
            elif isinstance(node, ast.Expr):
                self._expression(node.value)
            elif isinstance(node, ast.With) and "GradientTape" in ast.unparse(node.items[0].context_expr):
                used = names_in(node)
                made = [each for each in body if isinstance(each, ast.Assign)]
                self._judge_rows([*[e.value for e in made if used & set().union(*map(names_in, e.targets))], node])
            elif isinstance(node, ast.For) and ".backward()" in ast.unparse(node):
                self._judge_rows([node])
            outside = self._names
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                self._names = dict(outside)
            for block in _BLOCKS:
                self.run(getattr(node, block, []))
            self._names = outside

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Tuple):
            parts = value.elts if isinstance(value, ast.Tuple) and len(value.elts) == len(target.elts) else None
            found = [self._value(each) for each in parts or [value] * len(target.elts)]
            self._names.update({ast.unparse(each): one for each, one in zip(target.elts, found)})
        else:
            self._names[ast.unparse(target)] = self._value(value)

    def _expression(self, node: ast.expr) -> None:
        """`rng.shuffle(x)`, which puts `x` in another order, or `model.fit(x, y)`."""
        if not (isinstance(node, ast.Call) and last_name(node.func) == "shuffle" and len(node.args) == 1):
            self._value(node)
            return
        name, before, event = ast.unparse(node.args[0]), self._value(node.args[0]), self._event(node)
        moved = {**before.orders, event: (node.lineno, name)}
        self._names[name] = before._replace(**({"orders": moved} if before.order is None else {"order": event}))

    def _value(self, node: ast.expr) -> _Value:
        """What an expression gives."""
        if isinstance(node, (ast.Name, ast.Attribute)) and ast.unparse(node) in self._names:
            return self._names[ast.unparse(node)]
        if isinstance(node, ast.Constant):
            return _Value(number=True)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Subscript):
            return self._rows(node)
        parts = [each.iter if isinstance(each, ast.comprehension) else each for each in ast.iter_child_nodes(node)]
        return _union([self._value(each) for each in parts if isinstance(each, ast.expr)])

    def _rows(self, node: ast.Subscript) -> _Value:
        """`x[order]`, `order[:600]`, `x[:600]`, `x.shape[0]`."""
        base = self._value(node.value)
        if last_name(node.value) == "shape":
            return _Value(number=True)
        first = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
        index = _NOTHING if isinstance(first, ast.Slice) else self._value(first)
        if base.order is not None or not index.order:
            return base
        return base._replace(orders={**base.orders, index.order: (node.lineno, ast.unparse(node.value))}, number=False)

    def _call(self, node: ast.Call) -> _Value:
        called = last_name(node.func)
        if called in ("fit", "train_on_batch") and isinstance(node.func, ast.Attribute):
            options = {each.arg: each.value for each in node.keywords}
            self._judge([*node.args[:2], *[options[n] for n in ("x", "y")[len(node.args[:2]) :] if n in options]])
            return _NOTHING
        if called == "TensorDataset" and len(node.args) == 2:
            self._judge(node.args)
            return _NOTHING
        if called in ("range", "arange"):
            return _Value(order="")
        given = [self._value(each) for each in (*node.args, *[each.value for each in node.keywords])]
        if called == "len":
            return _Value(number=True)
        if called in ("permutation", "randperm") and given and all(each.arg != "axis" for each in node.keywords):
            event = self._event(node)
            if given[0].number or given[0].order is not None:
                return _Value(order=event)
            return given[0]._replace(orders={**given[0].orders, event: (node.lineno, ast.unparse(node.args[0]))})
        parts = [*([self._value(node.func.value)] if isinstance(node.func, ast.Attribute) else []), *given]
        kept = next((each for each in parts if each.order is not None), None) if called in _SAME_ROWS else None
        return kept if kept is not None else _union(parts)

    def _event(self, node: ast.Call) -> str:
        """A name for an order: equal for generators that are made alike on the spot, as `Random(4).shuffle(x)`."""
        whose = ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""
        event = whose if "(" in whose else f"line {node.lineno}, column {node.col_offset}"
        self._drawn_by[event] = whose
        return event

    def _judge(self, pair: list[ast.expr]) -> None:
        """The inputs and the labels of a `fit`."""
        if len(pair) != 2 or self.found is not None:
            return
        words = [ast.unparse(each) for each in pair]
        orders = [self._value(each).orders for each in pair]
        alone = [[event for event in orders[i] if event not in orders[1 - i]] for i in (0, 1)]
        if all(alone):  # each in an order of its own, or both in one, by generators with one seed
            ends = sorted([orders[i][alone[i][0]] for i in (0, 1)])
            if self._drawn_by[alone[0][0]] == self._drawn_by[alone[1][0]]:
                self._twice(ends[1][1], ends[1][0], ends[0][1], ends[0][0])
        elif any(alone):
            i = 0 if alone[0] else 1
            line, name = orders[i][alone[i][0]]
            self.found = Reordered(name, line, words[1 - i])

    def _twice(self, name: str, line: int, other: str, since: int) -> None:
        """Both were drawn by one generator, unless it was seeded again in between."""
        if not any(since <= seed <= line for seed in self._seeds):
            self.found = Reordered(name, line, other)

    def _judge_rows(self, nodes: list[ast.AST]) -> None:
        """Of two arrays that a tape is given: `x[rows]` in a random order beside `y[i : i + n]`; else both in turn."""
        parts = [part for node in nodes for part in ast.walk(node) if isinstance(part, ast.Subscript)]
        some = [each for each in parts if isinstance(each.value, ast.Name) and self._value(each.value).order is None]
        arrays = {ast.unparse(each.value): each for each in some}
        if len(arrays) != 2 or self.found is not None:
            return
        (name, first), (other, second) = arrays.items()
        if all(_is_draw(each.slice) for each in (first, second)) and ast.dump(first.slice) == ast.dump(second.slice):
            self._twice(other, second.lineno, name, first.lineno)
        elif len({ast.unparse(each.slice) for each in some}) == 1:
            self._judge([first.value, second.value])  # the same rows of both
            self.found = self.found if self.found and {self.found.name, self.found.other} == {*arrays} else None
        for one, two in ((first, second), (second, first)):
            drawn = not isinstance(one.slice, ast.Slice) and self._value(one.slice).order
            whole = isinstance(two.slice, ast.Slice) and two.slice.lower is not None and two.slice.upper is not None
            if drawn and whole and self.found is None:
                self.found = Reordered(ast.unparse(one.value), one.lineno, ast.unparse(two.value))


def _union(values: list[_Value]) -> _Value:
    """What is made of several arrays: rows in all their orders. Of an index alone, it is no index any more."""
    orders = {event: at for each in values for event, at in each.orders.items()}
    return _Value(orders, None, bool(values) and all(each.number for each in values))


def _is_draw(index: ast.expr) -> bool:
    """Are rows drawn on the spot, by a generator that draws others the next time?"""
    drawn = isinstance(index, ast.Call) and last_name(index.func) in _DRAWS and isinstance(index.func, ast.Attribute)
    return drawn and not any(isinstance(each, ast.Call) for each in ast.walk(index.func))  # type: ignore[attr-defined]
