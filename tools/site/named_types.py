"""Types that signatures name without being public names: a page of them, and where each name in a signature leads.

A name means what it means in the file of its function: `Part` is one thing in `datasets` and another in `viz`. Files
are read for it rather than asked while they run, where `Array` and `TensorLike` are both `Any`.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from tools.site import docstrings, reference, signatures
from tools.site.names import PACKAGES, ROOT, Public, catalogue

PAGE = "reference/types"
SHARED = "eagerflow.base.typing"
OPTIONS = "eagerflow.base.layer_options"
INTRODUCTION = """# Types in signatures

What the names in signatures mean that have no page of their own. Those of Python and NumPy (`Any`, `Callable`,
`Sequence`, `Unpack`, `ndarray`, ...) mean what they mean there. You need none of them to call a function; to annotate
code of your own, import them from the module that stands before the name."""
GROUPS = {
    "values": ("Arrays, shapes and settings", "What arguments are. A type checker sees what stands behind `=`."),
    "options": (
        "Arguments that layers share",
        "`**kwargs: Unpack[LayerOptions]` in the signature of a layer means that it takes these by keyword as well.",
    ),
    "others": ("What else functions take and give", "Objects that you get from a function, and seldom make yourself."),
}


class Named(NamedTuple):
    """A type of ours without a page.

    Attributes:
        module: the file that defines it, as a module.
        name: what it is called.
        stands_for: of an alias, what it is short for; "" for a class.
        doc: its docstring, or the comment above it.
        bases: of a class, the names of those that it extends.
        line: where it stands.
    """

    module: str
    name: str
    stands_for: str
    doc: str
    bases: tuple[str, ...]
    line: int

    @property
    def anchor(self) -> str:
        """Where on the page it is."""
        return f"{self.module}.{self.name}"

    @property
    def group(self) -> str:
        """Under which heading it stands."""
        return "options" if self.module == OPTIONS else "values" if self.stands_for else "others"


@cache
def links() -> dict[tuple[str, str], str]:
    """Where a name in a signature leads: by page and name, a page, `#anchor` included for types without one."""
    found: dict[tuple[str, str], str] = {}
    for one in catalogue():
        page = reference.page_names()[one.path]
        for module, text in _named_in(one):
            target = _target(module, text)
            if target:
                found.setdefault((page, text), target)
    return found


@cache
def types() -> list[Named]:
    """The types on the page, by name."""
    linked = {target.partition("#")[2] for target in links().values()}
    wanted = {anchor for anchor in linked if anchor} | {one.anchor for one in _definitions(OPTIONS).values()}
    found = [_definitions(anchor.rpartition(".")[0])[anchor.rpartition(".")[2]] for anchor in wanted]
    return sorted(found, key=lambda one: (one.name.casefold(), one.module))


def target_of(page: str, text: str) -> str:
    """Where a name in a signature on a page leads, "" when nowhere."""
    return links().get((page, text), "") if page != PAGE else _target(SHARED, text)


def page() -> str:
    """The page, as Markdown."""
    pieces = [INTRODUCTION]
    for group, (title, introduction) in GROUPS.items():
        pieces += [f"## {title}", introduction]
        for one in types():
            pieces += _entry(one) if one.group == group else []
    return "\n\n".join(pieces) + "\n"


def _entry(one: Named) -> Iterator[str]:
    yield f"### {one.name}"
    kind = "type" if one.stands_for else "class"
    yield f"```{{py:{kind}}} {one.anchor}\n" + (f":canonical: {one.stands_for}\n" if one.stands_for else "") + "```"
    if one.group == "options":
        yield docstrings.summary(one.doc)
        yield docstrings.piece(docstrings.Part("Attributes", "\n".join(_options(one))), level=0)
    else:
        yield docstrings.markdown(one.doc, level=0)
    yield f"[source](source:{_path(one.module).relative_to(ROOT)}#L{one.line})"


def _options(one: Named) -> Iterator[str]:
    """What its docstring says of its own keys, and of those that it has from others."""
    yield from (part.text for part in docstrings.parts(one.doc) if part.title == "Attributes")
    for base in one.bases:
        yield from _options(_definitions(OPTIONS)[base]) if base in _definitions(OPTIONS) else ()


def _named_in(one: Public) -> Iterator[tuple[str, str]]:
    """The names in the signatures on a page, each with the module in whose file it stands."""
    functions = [(one.value, False)]
    if one.is_class:
        members = [member for _, member in reference.own_members(one.value) if not isinstance(member, property)]
        plain = [m.__func__ if isinstance(m, (staticmethod, classmethod)) else m for m in members]
        functions += [(inspect.unwrap(function), True) for function in plain]
    for function, bound in functions:
        for text in names_in(signatures.signature(function, bound=bound)):
            yield _home(function), text


def names_in(signature: str) -> list[str]:
    """The names in the annotations of a signature.

    >>> names_in("(x: TensorLike, shape: Shape | None = None) -> viz.Recording")
    ['viz.Recording', 'TensorLike', 'Shape']
    """
    try:
        function = ast.parse(f"def f{signature}: ...").body[0]
    except SyntaxError:  # `(...)`
        return []
    found: list[str] = []
    for node in ast.walk(function):
        annotation = getattr(node, "annotation", None) or getattr(node, "returns", None)
        found += _names(annotation) if annotation is not None else []
    return list(dict.fromkeys(found))


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, (ast.Name, ast.Attribute)):
        yield ast.unparse(node)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _names(child)


def _home(function: Any) -> str:
    """The module in whose file a signature is written."""
    if isinstance(function, type):
        given = (vars(kind)["__init__"] for kind in function.__mro__[:-1] if "__init__" in vars(kind))
        function = next(given, function)
    plain = inspect.unwrap(function)
    plain = getattr(getattr(plain, "op", None), "mathematics", plain)
    return str(getattr(plain, "__module__", ""))


def _target(module: str, text: str) -> str:
    found = resolved(module, text)
    if found is None and text in _definitions(SHARED):  # generated wrappers of ops: their files don't name it
        found = f"{SHARED}.{text}"
    if found is None:
        return reference.homes().get(f"eagerflow.{text}", "")
    if not found:
        return ""
    public = _public().get(found)
    if public:
        return reference.page_names()[public]
    home, _, name = found.rpartition(".")
    return "" if name.startswith("_") or name not in _definitions(home) else f"{PAGE}#{found}"


@cache
def _public() -> dict[str, str]:
    """By the file that defines it and its name there: the public name of a class."""
    return {f"{one.value.__module__}.{one.value.__name__}": one.path for one in catalogue() if one.is_class}


@cache
def resolved(module: str, text: str) -> str | None:
    """The full name, where it is defined, of what a file of ours calls `text`; "" for what isn't ours.

    >>> resolved("eagerflow.layers.core.dense", "Shape"), resolved("eagerflow.layers.core.dense", "Any")
    ('eagerflow.base.typing.Shape', '')
    """
    first, _, rest = text.partition(".")
    if not _is_ours(module):
        return None
    if not rest and first in _definitions(module):
        return f"{module}.{first}"
    given = _imports(module).get(first)
    if given is None:
        return None
    home, name = given
    if not home.startswith(PACKAGES):  # Python's, NumPy's
        return ""
    inner = f"{home}.{name}" if name else home
    if rest:
        return resolved(inner, rest)
    found = resolved(home, name)
    if found is None:  # a face: its names come from files that it doesn't list
        value = getattr(import_module(home), name, None)
        found = f"{value.__module__}.{value.__qualname__}" if isinstance(value, type) else None
    return found


@cache
def _imports(module: str) -> dict[str, tuple[str, str]]:
    """The names that a file imports: from where, and as what."""
    found: dict[str, tuple[str, str]] = {}
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {alias.asname or alias.name: (node.module, alias.name) for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: (alias.name, "") for alias in node.names}
    return found


@cache
def _definitions(module: str) -> dict[str, Named]:
    """The classes and aliases of types of a file."""
    found: dict[str, Named] = {}
    lines = _path(module).read_text(encoding="utf-8").splitlines()
    body = _tree(module).body
    for node in (*body, *[inner for outer in body if isinstance(outer, ast.If) for inner in outer.body]):
        if isinstance(node, ast.ClassDef):
            bases = tuple(ast.unparse(base) for base in node.bases)
            found[node.name] = Named(module, node.name, "", ast.get_docstring(node) or "", bases, node.lineno)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            if isinstance(target, ast.Name) and isinstance(node.value, (ast.Name, ast.Subscript, ast.BinOp)):
                text = _comment(lines, node.lineno - 1)
                found[target.id] = Named(module, target.id, ast.unparse(node.value), text, (), node.lineno)
    return found


def _comment(lines: list[str], at: int) -> str:
    """What the comment above a line says, or the one behind it."""
    first = at
    while first and lines[first - 1].startswith("#"):
        first -= 1
    behind = re.search(r"  # (.*)$", lines[at])
    return " ".join(line.lstrip("# ") for line in lines[first:at]) or (behind[1] if behind else "")


def _is_ours(module: str) -> bool:
    return module.startswith(PACKAGES) and _path(module) is not None


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_path(module).read_text(encoding="utf-8"))


@cache
def _path(module: str) -> Any:
    """The file of a module, None where there is none."""
    try:
        found = find_spec(module)
    except (ImportError, ValueError):
        return None
    return Path(found.origin) if found and found.origin and found.origin.endswith(".py") else None
