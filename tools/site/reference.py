"""The API reference: a page for each public name, and one for each module that lists them."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from eagerflow import Layer, Model, Variable
from eagerflow.callbacks.monitor import MonitorCallback
from eagerflow.core.observe import Observer
from tools.site import docstrings, families, sections, signatures
from tools.site.keras_badges import badge
from tools.site.names import ROOT, Public, catalogue, modules
from tools.site.used_in import Uses

INTRODUCTION = """# API reference

All {total} public names of eagerflow and viz have a page each. The page says whether Keras has the name with the same
signature. Pages of layers and ops also show what runs: the ops of their example, forward and backward, as viz recorded
them. What `TensorLike`, `Shape` and the like mean in signatures stands in [](types.md)."""

# The modules that most readers come for, in this order, each with the names that they come for; the others follow.
COMMON = {
    "eagerflow": "Model Sequential Input Tensor Variable GradientTape Layer",
    "eagerflow.layers": "Dense Conv2D MaxPooling2D Dropout BatchNormalization Embedding LSTM MultiHeadAttention",
    "eagerflow.losses": "BinaryCrossentropy CategoricalCrossentropy SparseCategoricalCrossentropy MeanSquaredError",
    "eagerflow.metrics": "Accuracy SparseCategoricalAccuracy AUC",
    "eagerflow.optimizers": "Adam AdamW SGD",
    "eagerflow.callbacks": "EarlyStopping ModelCheckpoint LearningRateScheduler ReduceLROnPlateau TensorBoard",
    "eagerflow.ops": "matmul softmax where concatenate einsum",
    "eagerflow.datasets": "",
    "eagerflow.utils": "pad_sequences set_random_seed image_dataset_from_directory",
    "viz": "trace live diagnose diff",
}


def common_names() -> list[str]:
    """The paths of the names that most readers come for.

    >>> common_names()[:2]
    ['eagerflow.Model', 'eagerflow.Sequential']
    """
    return [f"{module}.{name}" for module, names in COMMON.items() for name in names.split()]


def short(path: str) -> str:
    """A name as people write it: without our own package's.

    >>> short("eagerflow.layers.Dense"), short("viz.trace")
    ('layers.Dense', 'viz.trace')
    """
    return path.removeprefix("eagerflow.")


def folder_of(module: str) -> str:
    """Where the pages of a module are."""
    return f"reference/{short(module)}"


@cache
def page_names() -> dict[str, str]:
    """The page of each public name. No two differ in capitals alone, which some file systems take for one file."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for one in sorted(catalogue(), key=lambda one: not one.is_class):
        page = f"{folder_of(one.module)}/{one.name}"
        page = f"{page}-function" if page.casefold() in taken else page
        taken.add(page.casefold())
        found[one.path] = page
    return found


@cache
def homes() -> dict[str, str]:
    """Every name, aliases included, with the page that tells of it."""
    pages = page_names()
    return {name: pages[one.path] for one in catalogue() for name in (one.path, *one.aliases)}


def pages(recorded: dict[str, str], only: tuple[str, ...] = (), uses: Uses | None = None) -> Iterator[tuple[str, str]]:
    """Name and Markdown of every page of the reference.

    Args:
        recorded: by public name, what viz recorded of its example, as HTML.
        only: names to write pages for, instead of all.
        uses: which guides use a name.
    """
    groups: dict[str, list[Public]] = {}
    for one in [one for one in catalogue() if not only or one.path in only]:
        groups.setdefault(one.module, []).append(one)
        yield page_names()[one.path], name_page(one, recorded.get(one.path, ""), uses)
    listed = [module for module in modules() if module in groups or (not only and module.count(".") == 1)]
    for module in listed:
        yield f"{folder_of(module)}/index", module_page(module, groups.get(module, []), with_others=not only)
    yield "reference/index", index_page(listed, groups)


def name_page(one: Public, recorded: str, uses: Uses | None = None) -> str:
    """The page of one name: what it is in a sentence, how it is called, what runs, and all that its docstring says."""
    kind = "class" if one.is_class else "function"
    parts = docstrings.parts(one.doc)
    first, rest = docstrings.first_sentence(parts)
    pieces = [
        _front_matter(one),
        f"# {short(one.path)}",
        _head(one),
        first,
        _called(kind, one.path, one.value),
        *(docstrings.piece(part) for part in rest),
    ]
    pieces += uses.section(one) if uses else []
    if recorded:
        pieces += ["## What runs", f"```{{raw}} html\n{recorded}\n```"]
    pieces += _members(one)
    if one.aliases:
        names = ", ".join(f"`{short(alias)}`" for alias in one.aliases)
        pieces += ["## Other names", f"The same object is also there as {names}."]
    return "\n\n".join(filter(None, pieces)) + "\n"


def _front_matter(one: Public) -> str:
    said = docstrings.summary(one.doc).replace('"', "'").replace("\\", "").replace("`", "")
    aliases = " ".join(one.aliases)
    lines = ["orphan: true", f'aliases: "{aliases}"', f'public: "{one.path}"', "myst:", "  html_meta:"]
    return "\n".join(["---", *lines, f'    description: "{said}"', "---"])


def _head(one: Public) -> str:
    """The line below the title: same as Keras or not, and where the source is."""
    pieces = [badge(one)]
    place = one.source()
    if place:
        path, line, _ = place
        pieces.append(f"[source](source:{path.relative_to(ROOT)}#L{line})")
    return " ".join(filter(None, pieces))


def _members(one: Public) -> Iterator[str]:
    """The methods and properties that a class has of its own, or from bases without a page."""
    if not one.is_class:
        return
    found = list(own_members(one.value))
    if found:
        yield "## Methods and properties"
    for name, member in found:
        yield f"### {name}"
        yield from _member(one, name, member)
        yield from _shared_with(one, inspect.getdoc(member) or "")
    bases = public_bases(one.value)
    if bases:
        yield "## Inherits from"
        yield ", ".join(f"`{short(base.path)}`" for base in bases) + ", where the other methods are."


def _member(one: Public, name: str, member: Any) -> Iterator[str]:
    function = member.__func__ if isinstance(member, (staticmethod, classmethod)) else member
    doc = inspect.getdoc(function) or ""
    if isinstance(member, property):
        yield f"```{{py:property}} {one.path}.{name}\n```"
    else:
        bound = not isinstance(member, staticmethod)
        option = {staticmethod: "staticmethod", classmethod: "classmethod"}.get(type(member), "")
        yield _called("method", f"{one.path}.{name}", inspect.unwrap(function), option, bound)
    yield docstrings.markdown(doc, level=0)


def _shared_with(one: Public, doc: str) -> Iterator[str]:
    """Says so where a method's example is about another layer that has the same method."""
    others = [name for name in re.findall(r"\blayers\.([A-Z]\w+)", doc) if name not in ("Input", "Layer")]
    if one.module == "eagerflow.layers" and others and one.value.__name__ not in others:
        yield f"The example shows `layers.{others[0]}`, which has the same method."


def _called(kind: str, path: str, value: Any, option: str = "", bound: bool = False) -> str:
    """How something is called; where that can be in several ways, each of them on demand.

    >>> print(_called("function", "ops.add", lambda x1, x2: x1 + x2))
    ```{py:function} ops.add(x1, x2)
    ```
    """
    told = signatures.lines(value, bound=bound)
    options = f":{option}:\n" if option else ""
    if len(told) == 1:
        return f"```{{py:{kind}}} {path}{told[0]}\n{options}```"
    first = f"```{{py:{kind}}} {path}{signatures.summary(value, bound=bound)}\n{options}```"
    each = [f"```{{py:{kind}}} {path}{text}\n:no-index:\n{options}```" for text in told]
    opened = '<details class="overloads"><summary>Each way to call it, with its types</summary>'
    return "\n\n".join([first, _html(opened), *each, _html("</details>")])


def _html(text: str) -> str:
    return f"```{{raw}} html\n{text}\n```"


# Methods that other files of ours call, by class.
INTERNAL: dict[type, tuple[str, ...]] = {
    Variable: ("changing", "clear", "increase"),
    MonitorCallback: ("direction", "improves", "value"),
}


def own_members(cls: type) -> Iterator[tuple[str, Any]]:
    """Public members with a docstring that no base with a page of its own has, sorted.

    What a layer is called with is on its own page in any case: readers of `LSTM` look for `initial_state` there.
    """
    elsewhere = {base.value for base in public_bases(cls)}
    known = {member for base in elsewhere for above in base.__mro__ for member in vars(above)}
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if not base.__module__.startswith(("eagerflow", "viz")):
            continue
        if any(base in above.__mro__ for above in elsewhere):
            continue
        for name, member in vars(base).items():
            is_new = not (name in known and base is not cls)
            if not name.startswith("_") and _is_told(member) and is_new and not _is_for_us(cls, name):
                found[name] = member
    if issubclass(cls, Layer) and cls.call not in (Layer.call, Model.call) and _is_told(cls.call):
        found.setdefault("call", cls.call)
    yield from sorted(found.items())


def _is_for_us(cls: type, name: str) -> bool:
    """Whether a method has no underscore because other files of ours call it, but is nothing for users."""
    is_hook = issubclass(cls, Observer) and cls is not Observer and hasattr(Observer, name)
    return is_hook or any(name in INTERNAL.get(base, ()) for base in cls.__mro__)


def _is_told(member: Any) -> bool:
    is_method = inspect.isfunction(member) or isinstance(member, (staticmethod, classmethod, property))
    return is_method and bool(member.__doc__)


def public_bases(cls: type) -> list[Public]:
    """The nearest bases with a page of their own."""
    known = {id(one.value): one for one in catalogue()}
    found: list[Public] = []
    for base in cls.__mro__[1:]:
        one = known.get(id(base))
        if one and not any(issubclass(nearer.value, base) for nearer in found):
            found.append(one)
    return found


def module_page(path: str, names: list[Public], with_others: bool = True) -> str:
    """The page of a module: its names by family, each with its first sentence, and the modules within it.

    Args:
        path: of the module.
        names: those whose pages are here.
        with_others: list the names of objects whose pages are elsewhere, and the modules within, too.
    """
    doc = docstrings.parts(modules()[path].__doc__ or "")
    introduction = [docstrings.prose(part.text) for part in doc if not part.title]
    pieces = [f"# {path}", *introduction]
    known = [
        f"[{name}]({os.path.relpath(f'reference/{page}', folder_of(path))}.md)" for name, page in _common(path, names)
    ]
    pieces += [f"Most used: {', '.join(known)}."] if known and len(names) > len(known) else []
    by_family: dict[str, list[Public]] = {}
    for one in names:
        by_family.setdefault(families.family(one), []).append(one)
    for family, members in by_family.items() if len(by_family) == 1 else sorted(by_family.items(), key=families.order):
        pieces += [f"## {family}"] if len(by_family) > 1 else []
        pieces.append(_table(path, [(one.name, one) for one in members]))
    if not with_others:
        return "\n\n".join(pieces) + "\n"
    if _within(path):
        pieces += ["## Modules", _names_table(_row_of_module(path, module) for module in _within(path))]
    others = _others(path)
    if others:
        pieces.append("## Also here")
        pieces.append("Names of the same objects, whose pages are elsewhere.")
        pieces.append(_table(path, [(alias.rpartition(".")[2], one) for alias, one in sorted(others.items())]))
    return "\n\n".join(pieces) + "\n"


def _within(path: str) -> list[str]:
    """The modules that a module holds; those of the packages themselves stand on the first page of the reference."""
    there = {one.module for one in catalogue()}  # the others hold names of objects whose pages are elsewhere
    return [module for module in modules() if "." in path and module.rpartition(".")[0] == path and module in there]


def _others(path: str) -> dict[str, Public]:
    """By name in a module: the objects whose pages are elsewhere."""
    return {alias: one for one in catalogue() for alias in one.aliases if alias.rpartition(".")[0] == path}


def _row_of_module(path: str, module: str) -> str:
    said = docstrings.prose(docstrings.summary(modules()[module].__doc__ or ""))
    page = os.path.relpath(f"{folder_of(module)}/index", folder_of(path))
    return f"| [{module.removeprefix(f'{path}.')}]({page}.md) | {in_cell(said)} |"


def in_cell(text: str) -> str:
    r"""Markdown for a cell of a table, where a bar would end it even inside of code.

    >>> in_cell("`|x|`")
    '`\\|x\\|`'
    """
    return re.sub(r"(?<!\\)\|", r"\\|", text)


def _table(module: str, names: list[tuple[str, Public]]) -> str:
    """A row for each name; one for several that say the same of themselves, as models of several sizes do."""
    rows: dict[str, list[str]] = {}
    for name, one in names:
        page = os.path.relpath(page_names()[one.path], folder_of(module))
        said = docstrings.prose(docstrings.summary(one.doc))
        rows.setdefault(said, []).append(f"[{docstrings.prose(name)}]({page}.md)")
    return _names_table(f"| {', '.join(links)} | {in_cell(said)} |" for said, links in rows.items())


def _names_table(rows: Iterable[str], heads: str = "| Name | |") -> str:
    return "\n".join(["```{rst-class} names", "```", "", heads, "|---|---|", *rows])


def index_page(listed: list[str], groups: dict[str, list[Public]]) -> str:
    """The first page of the reference: the modules, each with what most come for, and with the modules within it."""
    total = sum(len(names) for names in groups.values())
    top = sorted((module for module in listed if module.count(".") < 2), key=_place)
    rows = {module: _row_in_index(module, groups) for module in top}
    entries = sections.toctree([*(f"{folder_of(module)}/index" for module in listed), "reference/types"])
    tables = [
        _names_table((row for module, row in rows.items() if (module in COMMON) is is_common), "| Module | |")
        for is_common in (True, False)
    ]
    pieces = [INTRODUCTION.format(total=total), tables[0], "## Further modules", tables[1], entries]
    return "\n\n".join(pieces)


def _row_in_index(module: str, groups: dict[str, list[Public]]) -> str:
    names = groups.get(module, [])
    home = short(module)
    said = docstrings.summary(modules()[module].__doc__ or "").removeprefix(f"{module}: ")
    shown = _common(module, names) or _first(names)
    known = [f"[{name}]({page}.md)" for name, page in shown]
    known += [f"[{len(names) - len(shown)} more]({home}/index.md)"] if len(names) > len(shown) else []
    within = [f"[{part.rpartition('.')[2]}]({short(part)}/index.md)" for part in _within(module)]
    pages = {name.rpartition(".")[2]: page_names()[one.path] for name, one in sorted(_others(module).items())}
    elsewhere = [f"[{name}]({page.removeprefix('reference/')}.md)" for name, page in pages.items()]
    lines = [docstrings.prose(said[:1].upper() + said[1:]), ", ".join(known or ([] if within else elsewhere))]
    lines.append(f"Modules: {', '.join(within)}" if within else "")
    return f"| [{module}]({home}/index.md) | {in_cell('<br>'.join(filter(None, lines)))} |"


def _place(module: str) -> int:
    """Where a module stands in the list: what most come for first."""
    return list(COMMON).index(module) if module in COMMON else len(COMMON)


def _common(module: str, names: list[Public]) -> list[tuple[str, str]]:
    """The names of a module that most come for, with their pages as seen from the reference's first one."""
    pages = {one.name: page_names()[one.path].removeprefix("reference/") for one in names}
    return [(name, pages[name]) for name in COMMON.get(module, "").split() if name in pages]


def _first(names: list[Public], most: int = 6) -> list[tuple[str, str]]:
    """Some names of a module, all where they are few; what all modules of the kind have comes last."""
    ordered = sorted(names, key=lambda one: (one.name in ("deserialize", "get", "serialize"), not one.is_class))
    shown = ordered if len(names) <= most + 1 else ordered[:most]
    return [(one.name, page_names()[one.path].removeprefix("reference/")) for one in shown]
