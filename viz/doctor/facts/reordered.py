"""Reads in a script which random orders the rows of inputs and of labels were put in, up to the `fit` of both."""

from __future__ import annotations

import ast
from typing import NamedTuple

from viz.doctor.facts.source_calls import last_name, names_in, tree_of

__all__ = ["Reordered", "reordered_apart"]

_DEPTH = 4  # functions that call each other
_SAME_ROWS = ("list", "array", "asarray", "astype", "copy", "tolist")  # an index stays one
_GENERATORS = ("default_rng", "RandomState", "Random")
_SEEDS = ("seed", "set_seed", "set_random_seed", "set_state", "setstate")


class Reordered(NamedTuple):
    """An order that rows of one array were put in, and rows of the other weren't.

    Attributes:
        name: the array, as it stands in the code.
        line: where it was put in that order.
        other: the other of both.
        twice: are the rows of both drawn, each by a draw of its own?
    """

    name: str
    line: int
    other: str
    twice: bool = False


class _Value(NamedTuple):
    """What a name holds: the orders that its rows were put in, each with a line; and is it an order itself?"""

    orders: dict[str, tuple[int, str]] = {}
    order: str | None = None  # empty for 0, 1, 2, ...
    number: bool = False


_NOTHING = _Value()
_Found = _Value | list[_Value]


def reordered_apart(file: str) -> Reordered | None:
    """The first `fit(x, y)` of a file whose x was put in a random order, and whose y wasn't, or the other way round."""
    tree = tree_of(file)
    if tree is None:
        return None
    reader = _Reader(tree)
    reader.run(tree.body, {})
    return reader.found


class _Reader:
    """Follows assignments from the first line to the last, each once; loops are gone through once, too."""

    def __init__(self, tree: ast.Module) -> None:
        self.found: Reordered | None = None
        self._tree = tree
        self._functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        self._globals: dict[str, _Found] = {}
        self._generators: dict[str, tuple[str, int]] = {}  # how each was made, and how often it was used since
        self._depth = 0
        self._drawn_by: dict[str, str] = {}  # the generators of orders

    # ------------------------------------------------------------------ statements

    def run(self, body: list[ast.stmt], names: dict[str, _Found]) -> _Found:
        """Go through statements; gives what is returned, if anything is."""
        if not self._depth:
            self._globals = names
        for node in body:
            if isinstance(node, ast.Assign):
                self._assign(node, names)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                names[node.target.id] = _union([self._one(node.target, names), self._one(node.value, names)])
            elif isinstance(node, ast.Expr):
                self._expression(node.value, names)
            elif isinstance(node, ast.Return):
                return self.value(node.value, names) if node.value is not None else _NOTHING
            elif isinstance(node, (ast.If, ast.For, ast.While, ast.With, ast.Try)):
                if isinstance(node, ast.With) and "GradientTape" in ast.unparse(node.items[0].context_expr):
                    self._judge_rows([*_batches(body, names_in(node)), node], names)
                if isinstance(node, ast.For):
                    self._bind(node.target, self._one(node.iter, names), names)
                self.run(node.body, names)
                self.run(getattr(node, "orelse", []), names)
        return _NOTHING

    def _assign(self, node: ast.Assign, names: dict[str, _Found]) -> None:
        made = node.value
        if isinstance(made, ast.Call) and last_name(made.func) in _GENERATORS:
            for target in node.targets:
                self._generators[ast.unparse(target)] = ast.unparse(made) if made.args else f"line {node.lineno}", 0
        value = self.value(made, names)
        for target in node.targets:
            self._bind(target, value, names)

    def _bind(self, target: ast.expr, value: _Found, names: dict[str, _Found]) -> None:
        if isinstance(target, (ast.Tuple, ast.List)):
            parts = value if isinstance(value, list) and len(value) == len(target.elts) else None
            for i, each in enumerate(target.elts):
                self._bind(each, _flat(value) if parts is None else parts[i], names)
        elif isinstance(target, (ast.Name, ast.Attribute)):
            names[ast.unparse(target)] = value

    def _expression(self, node: ast.expr, names: dict[str, _Found]) -> None:
        called = last_name(node.func) if isinstance(node, ast.Call) else ""
        if isinstance(node, ast.Call) and called in _SEEDS:
            self._generators[_whose(node)] = ast.unparse(node), 0
        elif isinstance(node, ast.Call) and called == "shuffle" and len(node.args) == 1 and not node.keywords:
            name, before = ast.unparse(node.args[0]), self._one(node.args[0], names)
            event = self._event(node)
            if before.order is not None:
                names[name] = before._replace(order=event)
            else:
                names[name] = before._replace(orders={**before.orders, event: (node.lineno, name)})
        else:
            self.value(node, names)

    # ------------------------------------------------------------------ values

    def _one(self, node: ast.expr | None, names: dict[str, _Found]) -> _Value:
        return _flat(self.value(node, names)) if node is not None else _NOTHING

    def value(self, node: ast.expr, names: dict[str, _Found]) -> _Found:
        """What an expression gives."""
        if isinstance(node, (ast.Name, ast.Attribute)) and ast.unparse(node) in names:
            return names[ast.unparse(node)]
        if isinstance(node, ast.Name):
            return self._globals.get(node.id, _NOTHING)
        if isinstance(node, ast.Constant):
            return _Value(number=True)
        if isinstance(node, ast.Tuple):
            return [self._one(each, names) for each in node.elts]
        if isinstance(node, ast.Call):
            return self._call(node, names)
        if isinstance(node, ast.Subscript):
            return self._rows(node, names)
        if isinstance(node, (ast.ListComp, ast.GeneratorExp)):
            inner = dict(names)
            for each in node.generators:
                self._bind(each.target, self._one(each.iter, names), inner)
            return self._one(node.elt, inner)
        parts = [each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)]
        return _union([self._one(each, names) for each in parts])

    def _rows(self, node: ast.Subscript, names: dict[str, _Found]) -> _Value:
        """`x[order]`, `order[:600]`, `x[:600]`, `x.shape[0]`."""
        base = self._one(node.value, names)
        if last_name(node.value) == "shape":
            return _Value(number=True)
        first = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
        index = _NOTHING if isinstance(first, ast.Slice) else self._one(first, names)
        if base.order is not None or not index.order:
            return base
        name = ast.unparse(node.value)
        return base._replace(orders={**base.orders, index.order: (node.lineno, name)}, number=False)

    def _call(self, node: ast.Call, names: dict[str, _Found]) -> _Found:
        called = last_name(node.func)
        if called in ("fit", "train_on_batch") and isinstance(node.func, ast.Attribute):
            self._judge(node, names)
            return _NOTHING
        given = [self._one(each, names) for each in node.args]
        options = {each.arg: each.value for each in node.keywords}
        if called in ("range", "arange"):
            return _Value(order="")
        if called == "len":
            return _Value(number=True)
        if called == "permutation" and given and "axis" not in options:
            return self._permuted(node, given[0])
        if called == "choice" and isinstance(options.get("replace"), ast.Constant) and given and given[0].number:
            return _Value(order=self._event(node))
        function = self._functions.get(called) if isinstance(node.func, ast.Name) else None
        if function is not None and "GradientTape" in ast.unparse(function):
            self._judge_rows([node], names)
        if function is not None and self._depth < _DEPTH:
            return self._inlined(function, node, names)
        of = [self._one(node.func.value, names)] if isinstance(node.func, ast.Attribute) else []
        parts = [*of, *given, *[self._one(each, names) for each in options.values()]]
        kept = next((each for each in parts if each.order is not None), None) if called in _SAME_ROWS else None
        return kept if kept is not None else _union(parts)

    def _permuted(self, node: ast.Call, given: _Value) -> _Value:
        """An order, of a number; or rows in another order."""
        event = self._event(node)
        if given.number or given.order is not None:
            return _Value(order=event)
        name = ast.unparse(node.args[0])
        return given._replace(orders={**given.orders, event: (node.lineno, name)})

    def _inlined(self, function: ast.FunctionDef, node: ast.Call, names: dict[str, _Found]) -> _Found:
        own: dict[str, _Found] = {}
        parameters = [each.arg for each in function.args.args]
        for name, each in zip(parameters, node.args):
            own[name] = self.value(each, names)
        for keyword in node.keywords:
            if keyword.arg in parameters:
                own[str(keyword.arg)] = self.value(keyword.value, names)
        before = dict(own)
        self._depth += 1
        result = self._returned(function, own)
        self._depth -= 1
        for name, each in zip(parameters, node.args):  # what was shuffled in place is so outside, too
            now = own[name]
            if isinstance(each, ast.Name) and now is not before[name] and not _is_assigned(function, name):
                names[each.id] = now
        return result

    def _returned(self, function: ast.FunctionDef, own: dict[str, _Found]) -> _Found:
        result = self.run(function.body, own)
        if isinstance(result, list) or result is not _NOTHING:
            return result
        inner = [node.value for node in ast.walk(function) if isinstance(node, ast.Return) and node.value is not None]
        return self.value(inner[-1], own) if inner else _NOTHING

    def _event(self, node: ast.Call) -> str:
        """A name for an order: equal for generators that were made, or seeded, alike, and used as often since."""
        whose = _whose(node)
        if "(" in whose:
            return whose  # Random(4).shuffle(x)
        how, times = self._generators.get(whose, ("", 0))
        event = f"{how}, {times}" if how else f"line {node.lineno}, column {node.col_offset}"
        if how:
            self._generators[whose] = how, times + 1
        self._drawn_by[event] = whose
        return event

    def _judge(self, node: ast.Call, names: dict[str, _Found]) -> None:
        """The inputs and the labels of a `fit`."""
        options = {each.arg: each.value for each in node.keywords}
        pair = [*node.args[:2], *[options[name] for name in ("x", "y")[len(node.args[:2]) :] if name in options]]
        if len(pair) != 2 or self.found is not None:
            return
        values = [self._one(each, names) for each in pair]
        words = [ast.unparse(each) for each in pair]
        alone = [[at for event, at in values[i].orders.items() if event not in values[1 - i].orders] for i in (0, 1)]
        if all(alone):  # each in an order of its own, or both in one, by generators with one seed
            first, second = (next(e for e in values[i].orders if e not in values[1 - i].orders) for i in (0, 1))
            by = [self._drawn_by.get(event, event) for event in (first, second)]
            (line, name), (other_line, other) = sorted([alone[0][0], alone[1][0]])
            if by[0] == by[1] and not self._is_seeded(line, other_line):
                self.found = Reordered(other, other_line, name, True)
            return
        for i in (0, 1):
            if alone[i]:
                line, name = alone[i][0]
                self.found = Reordered(name, line, words[1 - i])

    def _is_seeded(self, first: int, last: int) -> bool:
        """Is a generator begun anew between two lines, so that it draws the same again?"""
        calls = [node for node in ast.walk(self._tree) if isinstance(node, ast.Call)]
        return any(last_name(node.func) in _SEEDS and first <= node.lineno <= last for node in calls)

    def _judge_rows(self, nodes: list[ast.AST], names: dict[str, _Found]) -> None:
        """Of two arrays that a tape is given: `x[rows]` in a random order beside `y[i : i + n]`; else both in turn."""
        inside = [part for node in nodes for part in ast.walk(node) if isinstance(part, ast.Subscript)]
        some = [
            each
            for each in inside
            if isinstance(each.value, ast.Name) and self._one(each.value, names).order is None  # the order is no array
        ]
        drawn = {
            ast.unparse(each.value): each.lineno
            for each in some
            if not isinstance(each.slice, ast.Slice) and self._one(each.slice, names).order
        }
        plain = {
            ast.unparse(each.value)
            for each in some
            if isinstance(each.slice, ast.Slice) and each.slice.lower is not None and each.slice.upper is not None
        }
        arrays = {ast.unparse(each.value): each.value for each in some}
        draws = {ast.unparse(each.value): (each.lineno, each.slice) for each in some if _is_draw(each.slice)}
        if len(draws) == 2 and self.found is None:
            (name, (line, first)), (other, (last, second)) = draws.items()
            if ast.unparse(first) == ast.unparse(second) and not self._is_seeded(line, last):
                self.found = Reordered(other, last, name, True)
        elif len(drawn) == len(plain) == 1 and not plain & set(drawn) and self.found is None:
            ((name, line),) = drawn.items()
            self.found = Reordered(name, line, plain.pop())
        elif len({ast.unparse(each.slice) for each in some}) == 1 and len(arrays) == 2 and self.found is None:
            self._judge(ast.Call(ast.Name("tape"), [*arrays.values()], []), names)  # the same rows of both
            self.found = self.found if self.found and {self.found.name, self.found.other} == {*arrays} else None


def _batches(body: list[ast.stmt], used: set[str]) -> list[ast.AST]:
    """What a block assigns to names that are used in its tape."""
    made = [node for node in body if isinstance(node, ast.Assign)]
    return [node.value for node in made if used & set().union(*map(names_in, node.targets))]


def _flat(value: _Found) -> _Value:
    return _union(value) if isinstance(value, list) else value


def _union(values: list[_Value]) -> _Value:
    """What is made of several arrays: rows in all their orders. Of an index alone, it is no index any more."""
    orders = {event: at for each in values for event, at in each.orders.items()}
    return _Value(orders, None, bool(values) and all(each.number for each in values))


def _is_draw(index: ast.expr) -> bool:
    """Is it rows that are drawn on the spot, by a generator that draws others the next time?"""
    drawn = isinstance(index, ast.Call) and last_name(index.func) in ("integers", "randint", "choice", "permutation")
    return drawn and isinstance(index, ast.Call) and "(" not in _whose(index)


def _whose(node: ast.Call) -> str:
    """What a method is called of, `np.random` in `np.random.shuffle(x)`."""
    return ast.unparse(node.func.value) if isinstance(node.func, ast.Attribute) else ""


def _is_assigned(function: ast.FunctionDef, name: str) -> bool:
    targets = [target for node in ast.walk(function) if isinstance(node, ast.Assign) for target in node.targets]
    return any(getattr(part, "id", "") == name for target in targets for part in ast.walk(target))
