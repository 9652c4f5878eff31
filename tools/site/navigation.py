"""Where a reader can go from a page: names in its text, the names beside it, and the way up."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from tools.site import families, reference, sections
from tools.site.names import Public, catalogue, modules

PREFIXES = ("ef.", "keras.", "tf.keras.", "eagerflow.")


def candidates(text: str) -> Iterator[str]:
    """The full names that a piece of code may mean.

    >>> list(candidates("keras.layers.Dense"))
    ['keras.layers.Dense', 'eagerflow.layers.Dense', 'eagerflow.keras.layers.Dense']
    """
    yield text
    for prefix in PREFIXES:
        if text.startswith(prefix):
            yield f"eagerflow.{text.removeprefix(prefix)}"
    if not text.startswith("eagerflow."):
        yield f"eagerflow.{text}"


@cache
def bare_names() -> dict[str, str]:
    """Class names that mean one thing without their module, with their pages."""
    found: dict[str, set[str]] = {}
    for one in catalogue():
        if one.is_class:
            found.setdefault(one.name, set()).add(reference.page_names()[one.path])
    return {name: pages.pop() for name, pages in found.items() if len(pages) == 1}


@cache
def page_for(text: str) -> str | None:
    """The page of what a piece of code names, or None when it names nothing public.

    >>> page_for("ef.layers.Dense"), page_for("Dense"), page_for("x + 1")
    ('reference/layers/Dense', 'reference/layers/Dense', None)
    """
    text = text.removesuffix("()")
    if not all(part.isidentifier() for part in text.split(".")):
        return None
    if "." not in text:
        return bare_names().get(text)
    return next((reference.homes()[name] for name in candidates(text) if name in reference.homes()), None)


@cache
def member_for(text: str, page: str = "") -> str | None:
    """Where a piece of code that names a method leads: a page and `#anchor`, or None.

    Args:
        text: `Model.fit`, or the bare name of a method of the class that the page is about, or of its bases.
        page: where it stands.

    >>> member_for("Model.fit")
    'reference/eagerflow/Model#eagerflow.Model.fit'
    >>> member_for("enable_lora", "reference/layers/Dense"), member_for("units", "reference/layers/Dense")
    ('reference/layers/Dense#eagerflow.layers.Dense.enable_lora', None)
    """
    home, _, name = text.removesuffix("()").rpartition(".")
    one = _by_page().get(page if not home else page_for(home) or "")
    return _methods(one).get(name) if one is not None and one.is_class else None


@cache
def _methods(one: Public) -> dict[str, str]:
    """By name of a method of a class: the page and anchor that tell of it, a base's where it is from there."""
    found: dict[str, str] = {}
    for base in reference.public_bases(one.value):
        found |= _methods(base)
    for name, member in reference.own_members(one.value):
        if not isinstance(member, property):  # `name` and `shape` are arguments and words more often
            found[name] = f"{reference.page_names()[one.path]}#{one.path}.{name}"
    return found


@cache
def _by_page() -> dict[str, Public]:
    return {reference.page_names()[one.path]: one for one in catalogue()}


@cache
def _beside(module: str, family: str) -> list[Public]:
    return [one for one in catalogue() if one.module == module and families.family(one) == family]


def breakable(name: str) -> str:
    """A name as HTML, in which lines break between its words only, where they fit a line.

    >>> breakable("applications.convnext"), breakable("inception_v2"), breakable("RandomFlip"), breakable("Conv2D")
    ('applications.<wbr>convnext', 'inception_<wbr>v2', 'Random<wbr>Flip', 'Conv2D')
    """
    return re.sub(r"(?<=[._])(?=\w)|(?<=[a-z])(?=[A-Z])", "<wbr>", name)


def add(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Give the templates of a name's page the names beside it, those of a module the modules, and all the way up."""
    for name in ("pages.js", "headings.js", "search.js", "choose.js", "zoom.js"):
        app.add_js_file(name, loading_method="defer")
    here = os.path.dirname(pagename)

    def link(page: str) -> str:
        return f"{os.path.relpath(page, here)}.html"

    in_reference = pagename.startswith(("reference/", "source/"))
    context["with_current"] = lambda html: with_current(html, link("reference/index") if in_reference else "")
    one = _by_page().get(pagename)
    if pagename in sections.BESIDE:
        caption, names = sections.BESIDE[pagename]
        context["reference_family"] = caption
        context["reference_names"] = [
            (app.env.titles[name].astext(), link(name), name == pagename)
            for name in names.split()
            if name in app.env.found_docs
        ]
        return
    if one is None:
        pages = {module: f"{reference.folder_of(module)}/index" for module in modules()}
        if pagename in (*pages.values(), "reference/index", "reference/types"):
            context["reference_module"] = ("API reference", link("reference/index"))
            context["reference_family"] = "Modules"
            context["reference_names"] = [
                (breakable(module.removeprefix("eagerflow.")), link(page), page == pagename)
                for module, page in pages.items()
                if page in app.env.found_docs
            ]
        return
    title = reference.short(one.path)
    context["body"] = context["body"].replace(f"<h1>{title}<", f"<h1>{breakable(title)}<", 1)
    family = families.family(one)
    beside = _beside(one.module, family)
    context["reference_module"] = (breakable(one.module), "index.html")
    context["reference_family"] = family
    context["reference_names"] = [
        (breakable(each.name), link(reference.page_names()[each.path]), each is one) for each in beside
    ]
    context["parents"] = [
        {"link": link("reference/index"), "title": "API reference"},
        {"link": "index.html", "title": one.module},
    ]
    at = beside.index(one)
    for way, other in (("prev", beside[at - 1 : at]), ("next", beside[at + 1 : at + 2])):
        context[way] = next(
            ({"link": link(reference.page_names()[each.path]), "title": each.name} for each in other), None
        )


def with_current(html: str, link: str) -> str:
    r"""The parts of the site that each page names at its top, with the one at an address as that which is open.

    >>> with_current('<li class="nav-item ">\n  <a class="nav-link" href="../index.html">', "../index.html")
    '<li class="nav-item current active">\n  <a class="nav-link" href="../index.html">'
    """
    if not link or "nav-item current" in html:
        return html
    item = re.compile(rf'<li class="nav-item ">(?=\s*<a [^>]*href="{re.escape(link)}")')
    return item.sub('<li class="nav-item current active">', html)
