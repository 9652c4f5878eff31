"""Types that signatures name without being public names: a page of them, and where each name in a signature leads.

A name means what it means in the file of its function: `Part` is one thing in `datasets` and another in `viz`.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from functools import cache

from tools.site import docstrings, reference, signatures
from tools.site.definitions import SHARED, Named, defined, definitions, home, path_of, resolved, stands_for
from tools.site.names import ROOT, Public, catalogue

PAGE = "reference/types"
OPTIONS = "eagerflow.layer.layer_options"
VARIABLES = "type-variables"  # the anchor of what is said of all type variables together
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
    "variables": (
        "Type variables",
        (
            "A short name without an entry here, such as `T`, `R` or `Result`, may be any type, but the same one"
            " wherever it stands in a signature: `Callable[[], Result]` and `-> Result` say that you get what your"
            " function gives. `P` are the arguments that your function takes."
        ),
    ),
    "others": ("What else functions take and give", "Objects that you get from a function, and seldom make yourself."),
}


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
    wanted = (linked - {"", VARIABLES}) | {one.anchor for one in definitions(OPTIONS).values()}
    found = [one for one in map(defined, wanted) if one is not None]
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
            pieces += _entry(one) if _group(one) == group else []
    return "\n\n".join(pieces) + "\n"


def _group(one: Named) -> str:
    """Under which heading a type stands."""
    return "options" if one.module == OPTIONS else "values" if one.stands_for else "others"


def _entry(one: Named) -> Iterator[str]:
    yield f"### {one.name}"
    kind = "type" if one.stands_for else "class"
    yield f"```{{py:{kind}}} {one.anchor}\n" + (f":canonical: {one.stands_for}\n" if one.stands_for else "") + "```"
    if _group(one) == "options":
        yield docstrings.summary(one.doc)
        yield docstrings.piece(docstrings.Part("Attributes", "\n".join(_options(one))), level=0)
    else:
        yield docstrings.markdown(one.doc, level=0)
    yield f"[source](source:{path_of(one.module).relative_to(ROOT)}#L{one.line})"


def _options(one: Named) -> Iterator[str]:
    """What its docstring says of its own keys, and of those that it has from others."""
    yield from (part.text for part in docstrings.parts(one.doc) if part.title == "Attributes")
    for base in one.bases:
        yield from _options(definitions(OPTIONS)[base]) if base in definitions(OPTIONS) else ()


def _named_in(one: Public) -> Iterator[tuple[str, str]]:
    """The names in the signatures on a page, each with the module in whose file it stands."""
    functions = [(one.value, False)]
    if one.is_class:
        members = [member for _, member in reference.own_members(one.value) if not isinstance(member, property)]
        plain = [m.__func__ if isinstance(m, (staticmethod, classmethod)) else m for m in members]
        functions += [(inspect.unwrap(function), True) for function in plain]
    for function, bound in functions:
        told = signatures.lines(function, bound=bound)
        told += [signatures.summary(function, bound=bound)] if len(told) > 1 else []
        for text in (name for line in told for name in names_in(line)):
            yield home(function), text


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


def _target(module: str, text: str) -> str:
    found = resolved(module, text)
    if found is None and text in definitions(SHARED):  # generated wrappers of ops: their files don't name it
        found = f"{SHARED}.{text}"
    if found is None:  # known there by a private name, which signatures show without its underscore
        found = resolved(module, f"_{text}")
    if found is None:
        return reference.homes().get(f"eagerflow.{text}", "")
    if not found:
        return ""
    public = _public().get(found)
    if public:
        return reference.page_names()[public]
    if stands_for(found) is not None:
        return f"{PAGE}#{VARIABLES}"
    one = defined(found)
    return f"{PAGE}#{found}" if one is not None and not one.name.startswith("_") else ""


@cache
def _public() -> dict[str, str]:
    """By the file that defines it and its name there: the public name of a class."""
    return {f"{one.value.__module__}.{one.value.__name__}": one.path for one in catalogue() if one.is_class}
