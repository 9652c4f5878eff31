"""Which public names a block of code uses, and where in it: `ef.layers.Dense`, and `model.fit` of a model made before.

Code isn't run for it: names are followed from imports through assignments, `with`, classes of a reader's own and the
types that our functions are annotated with.
"""

from __future__ import annotations

import ast
import inspect
import typing
from functools import cache
from typing import Any, NamedTuple

from tools.site import definitions, navigation, reference
from tools.site.names import Public, catalogue, modules

# What examples call packages: a page of the reference often shows one line that leaves imports out.
USUAL = {"ef": "eagerflow", "keras": "eagerflow", "layers": "eagerflow.layers", "ops": "eagerflow.ops"}


class Link(NamedTuple):
    """A part of a block that names something.

    Attributes:
        start: where in the block's text it begins.
        end: where it ends.
        name: what it names in full.
        target: the page that tells of it, with an anchor where it is a method.
    """

    start: int
    end: int
    name: str
    target: str


class Instance(NamedTuple):
    """An object of a public class."""

    of: Public


class Derived(NamedTuple):
    """A class of the reader's own that is made of a public one."""

    base: Public


Value = str | Instance | Derived | None  # a path, one of these, or nothing that is known


class Names:
    """The names of a page, block by block: what one block defines, those after it use.

    >>> names = Names()
    >>> [link.name for link in names.links("model = ef.Sequential([layers.Dense(1)])")]
    ['eagerflow.Sequential', 'eagerflow.layers.Dense']
    >>> names.links("model.fit(x, y)")
    [Link(start=0, end=9, name='eagerflow.Model.fit', target='reference/eagerflow/Model#eagerflow.Model.fit')]
    """

    def __init__(self) -> None:
        self._known: dict[str, Value] = dict(USUAL)

    def links(self, text: str) -> list[Link]:
        """The public names in a block, in order; none where it isn't Python."""
        code, shift = _code_of(text)
        try:
            tree = ast.parse(code)
        except SyntaxError:
            return []
        reader = _Reader(self._known, [])
        for node in tree.body:
            reader.visit(node)
        starts = _starts_of_lines(text)
        lines = code.splitlines(keepends=True)

        def place(line: int, column: int) -> int:  # columns of trees are bytes
            return starts[line - 1] + shift + len(lines[line - 1].encode()[:column].decode())

        def with_sign(start: int) -> int:  # of a decorator, which Pygments takes for a part of the name
            before = text[:start].rpartition("\n")[2][shift:]
            return start - (before.strip() == "@")

        found = {(with_sign(place(*begin)), place(*end)): (name, target) for begin, end, name, target in reader.found}
        return [Link(*where, *found[where]) for where in sorted(found)]


def _code_of(text: str) -> tuple[str, int]:
    """The code in a block, line by line as in it, and how many columns further right it stands there."""
    if not text.lstrip().startswith(">>> "):
        return text, 0
    lines = [line[4:] if line.startswith((">>> ", "... ")) else "" for line in text.splitlines()]
    return "\n".join(lines) + "\n", 4


def _starts_of_lines(text: str) -> list[int]:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


Place = tuple[int, int]


class _Reader(ast.NodeVisitor):
    """Goes over code in the order in which it would run, and notes names."""

    def __init__(self, known: dict[str, Value], found: list[tuple[Place, Place, str, str]]) -> None:
        self.known = known
        self.found = found

    # -- what defines names

    def visit_Import(self, node: ast.Import) -> None:
        for each in node.names:
            outer = each.name.partition(".")[0]
            self.known[each.asname or outer] = _ours(each.name if each.asname else outer)
            self._note(_begin(each), (each.lineno, each.col_offset + len(each.name)), _ours(each.name))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for each in node.names:
            self.known[each.asname or each.name] = path = _ours(f"{node.module}.{each.name}")
            self._note(_begin(each), (each.lineno, each.col_offset + len(each.name)), path)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)
            self._bind(target, self._value(node.value))

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.generic_visit(node)
        self._bind(node.target, self._value(node.value) if node.value else None)

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        self._bind(node.target, None)
        for each in [*node.body, *node.orelse]:
            self.visit(each)

    def visit_With(self, node: ast.With) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self._bind(item.optional_vars, _entered(self._value(item.context_expr)))
        for each in node.body:
            self.visit(each)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for each in [*node.decorator_list, *node.bases, *(keyword.value for keyword in node.keywords)]:
            self.visit(each)
        base = self._class(self._value(node.bases[0])) if node.bases else None
        self.known[node.name] = Derived(base) if base is not None else None
        inside = _Reader(dict(self.known), self.found)
        for statement in node.body:
            if isinstance(statement, ast.FunctionDef) and base is not None and statement.args.args:
                inside._function(statement, {statement.args.args[0].arg: Instance(base)})
            else:
                inside.visit(statement)

    @staticmethod
    def _class(value: Value) -> Public | None:
        if isinstance(value, Derived):
            return value.base
        one = _by_name().get(value) if isinstance(value, str) else None
        return one if one is not None and one.is_class else None

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._function(node, {})

    def _function(self, node: ast.FunctionDef, own: dict[str, Value]) -> None:
        given = node.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, [given.vararg, given.kwarg])]
        types = [argument.annotation for argument in every]
        for each in [*node.decorator_list, *given.defaults, *given.kw_defaults, *types, node.returns]:
            if each is not None:
                self.visit(each)
        self.known[node.name] = None
        inside = _Reader({**self.known, **{argument.arg: None for argument in every}, **own}, self.found)
        for statement in node.body:
            inside.visit(statement)

    def _bind(self, target: ast.expr, value: Value) -> None:
        for each in ast.walk(target):
            if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store):
                self.known[each.id] = value if each is target else None

    # -- what uses them

    def visit_Name(self, node: ast.Name) -> None:
        value = self.known.get(node.id)
        if isinstance(node.ctx, ast.Load) and isinstance(value, str) and value in reference.homes():
            self._note(_begin(node), _end(node), value)  # a name that was imported by itself

    def visit_Attribute(self, node: ast.Attribute) -> None:
        value = self._value(node.value)
        end = _end(node)
        path = _ours(f"{value}.{node.attr}") if isinstance(value, str) else ""
        if path in reference.homes() or (isinstance(value, Instance) and _member(value.of, node.attr)):
            whole = _is_chain(node) and node.lineno == node.end_lineno
            begin = _begin(node) if whole else (end[0], end[1] - len(node.attr))
            if isinstance(value, Instance):
                self.found.append((begin, end, *_member(value.of, node.attr)))
            else:
                self._note(begin, end, path)
            if whole:
                return
        elif isinstance(value, str) and (one := _by_name().get(value)) is not None and _member(one, node.attr):
            self.found.append((_begin(node), end, *_member(one, node.attr)))  # `Model.fit`, `super().call`'s likes
            return
        self.visit(node.value)

    def _value(self, node: ast.expr) -> Value:
        """What an expression is: a path, an object of a public class, or nothing that is known."""
        if isinstance(node, ast.Name):
            return self.known.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self._value(node.value)
            return _ours(f"{base}.{node.attr}") if isinstance(base, str) else None
        if isinstance(node, ast.Await | ast.NamedExpr):
            return self._value(node.value)
        if not isinstance(node, ast.Call):
            return None
        if isinstance(node.func, ast.Attribute):
            base = self._value(node.func.value)
            one = base.of if isinstance(base, Instance) else self._class(base)
            if one is not None:
                return _given_by(_method(one, node.func.attr), one)
        called = self._value(node.func)
        if isinstance(called, Instance):
            return _given_by(_method(called.of, "__call__"), called.of)
        one = self._class(called)
        if one is not None:
            return Instance(one)
        function = _by_name().get(called) if isinstance(called, str) else None
        return _given_by(function.value) if function is not None else None

    def _note(self, begin: Place, end: Place, path: str) -> None:
        page = reference.homes().get(path) or _pages_of_modules().get(path)
        if page:
            self.found.append((begin, end, path, page))


def _begin(node: Any) -> Place:
    return node.lineno, node.col_offset


def _end(node: Any) -> Place:
    return node.end_lineno, node.end_col_offset


def _is_chain(node: ast.expr) -> bool:
    """Whether it is names and dots, nothing else."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _ours(path: str) -> str:
    """The path here of what Keras and TensorFlow call so: `python -m eagerflow run` gives it from here."""
    for outer in ("tensorflow.keras", "tf.keras", "keras"):
        if path == outer or path.startswith(f"{outer}."):
            return f"eagerflow{path.removeprefix(outer)}"
    return path


@cache
def _pages_of_modules() -> dict[str, str]:
    return {module: f"{reference.folder_of(module)}/index" for module in modules()}


@cache
def _by_name() -> dict[str, Public]:
    return {name: one for one in catalogue() for name in (one.path, *one.aliases)}


@cache
def _by_definition() -> dict[str | None, Public]:
    return {f"{one.value.__module__}.{one.value.__qualname__}": one for one in catalogue() if one.is_class}


@cache
def _member(one: Public, name: str) -> tuple[str, str] | tuple[()]:
    """The full name of a class's method and where it is told of, or nothing."""
    target = navigation.member_for(f"{one.path}.{name}")
    return (target.partition("#")[2], target) if target else ()


def _method(one: Public, name: str) -> Any:
    return getattr(one.value, name, None)


def _entered(value: Value) -> Value:
    """What `as` gives in a `with` of a value."""
    given = _given_by(_method(value.of, "__enter__"), value.of) if isinstance(value, Instance) else None
    return given or value


@cache
def _given_by(function: Any, own: Public | None = None) -> Instance | None:
    """An object of the class that a function, or a method of a class, is annotated to give, if that is a public one."""
    if not callable(function):
        return None
    module, plain = definitions.home(function), inspect.unwrap(function)
    for each in (plain, *typing.get_overloads(plain)) if inspect.isfunction(plain) else (plain,):
        given = getattr(each, "__annotations__", {}).get("return")
        if given == "Self" and own is not None:
            return Instance(own)
        path = definitions.resolved(module, given.removesuffix(" | None")) if isinstance(given, str) else None
        if path in _by_definition():
            return Instance(_by_definition()[path])
    return None
