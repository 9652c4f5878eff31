"""The Sphinx extension of the site: outputs below blocks, links to sources and from names, navigation of names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.domains.python import PythonDomain
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.nodes import find_pending_xref_condition

from tools.site import (
    descriptions,
    missing_page,
    named_types,
    navigation,
    outputs,
    search_pages,
    source_pages,
    versions,
)
from tools.site.code_links import linked
from tools.site.code_names import Names

TILES = ("guides/index",)
logger = logging.getLogger(__name__)


def setup(app: Sphinx) -> dict[str, Any]:
    """What Sphinx calls."""
    app.add_config_value("site_outputs", "", "env")
    app.add_config_value("site_made_by", "", "env")  # pages are read again when what makes them changes
    app.add_post_transform(TypesInSignatures)
    app.add_post_transform(LinksOfNames)
    app.connect("doctree-read", show_outputs)
    app.connect("doctree-read", mark_what_did_not_run)
    app.connect("doctree-read", note_aliases)
    app.connect("doctree-read", make_tiles)
    app.add_node(nodes.literal_block, override=True, html=(visit_block, depart_block))
    app.connect("html-page-context", navigation.add)
    app.connect("html-page-context", descriptions.add)
    app.connect("html-collect-pages", source_pages.collected)
    app.connect("html-collect-pages", missing_page.collected)
    app.connect("build-finished", versions.write)
    app.connect("build-finished", search_pages.headings)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}


def show_outputs(app: Sphinx, doctree: nodes.document) -> None:
    """Put below each Python block what it showed when it ran."""
    name = app.env.docname
    path = Path(app.config.site_outputs) / f"{name}.json"
    if not path.exists():
        return
    app.env.note_dependency(str(path))
    shown: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    waiting = iter(enumerate(shown))
    number, block = next(waiting, (0, None))
    for node in list(doctree.findall(nodes.literal_block)):
        if block is None or node.astext().strip() != block["code"].strip():
            continue
        html = outputs.html(block["outputs"], f"out{number}")
        if html:
            node.parent.insert(node.parent.index(node) + 1, nodes.raw("", html, format="html"))
        number, block = next(waiting, (0, None))
    if block is not None:
        logger.warning("a block that ran isn't on the page: %s", block["code"][:60], location=name)


def visit_block(translator: Any, node: nodes.literal_block) -> None:
    """Write a block as the theme does, then put links around its names."""
    try:
        type(translator).visit_literal_block(translator, node)
    except nodes.SkipNode:  # it has been coloured
        if node.get("language") in ("python", "py", "pycon"):
            names = vars(translator).setdefault("site_names", Names())  # of one page, whose blocks come in order
            here, known = translator.docnames[-1], translator.builder.env.found_docs
            found = [link for link in names.links(node.rawsource) if link.target != here]
            there = [link for link in found if link.target.partition("#")[0] in known]
            translator.body[-1] = linked(translator.body[-1], there, _address_from(translator))
        raise


def _address_from(translator: Any) -> Callable[[str], str]:
    """Gives the addresses of pages, with anchors, as links from a page to them have them."""

    def address(target: str) -> str:
        page, sharp, anchor = target.partition("#")
        return translator.builder.get_relative_uri(translator.docnames[-1], page) + sharp + anchor

    return address


def depart_block(translator: Any, node: nodes.literal_block) -> None:
    """End a block that isn't coloured."""
    type(translator).depart_literal_block(translator, node)


def mark_what_did_not_run(app: Sphinx, doctree: nodes.document) -> None:
    """Say so below blocks marked `py`, which need a GPU or the net and so don't run when the site is built."""
    for node in list(doctree.findall(nodes.literal_block)):
        if node.get("language") == "py":
            note = nodes.raw("", '<p class="not-run">not run</p>', format="html")
            node.parent.insert(node.parent.index(node) + 1, note)


def make_tiles(app: Sphinx, doctree: nodes.document) -> None:
    """Make tiles, as on the first page, of lists of links on pages that are such lists: the link, and what is there."""
    if app.env.docname not in TILES:
        return
    for found in list(doctree.findall(nodes.bullet_list)):
        texts = [item[0] for item in found if isinstance(item[0], nodes.paragraph)]
        if len(texts) < len(found) or not all(isinstance(text[0], (nodes.reference, pending_xref)) for text in texts):
            continue
        found["classes"].append("tiles")
        for text in texts:
            if len(text) > 1 and isinstance(text[1], nodes.Text):
                said = text[1].astext().removeprefix(".").removeprefix(":").lstrip()
                text.replace(text[1], nodes.Text(said[:1].upper() + said[1:]))


def note_aliases(app: Sphinx, doctree: nodes.document) -> None:
    """Enter the other names of an object in the inventory, where they lead to its page."""
    told = app.env.metadata.get(app.env.docname, {})
    public, aliases = told.get("public", ""), told.get("aliases", "")
    domain = app.env.domains["py"]
    if not public or not isinstance(domain, PythonDomain):
        return
    own = domain.objects.get(public)
    if own is None:
        logger.warning("Sphinx can't read the signature of %s", public, location=app.env.docname)
        return
    for alias in aliases.split():
        domain.note_object(alias, own.objtype, own.node_id, aliased=True)


class TypesInSignatures(SphinxPostTransform):
    """Types in signatures: a link where a page tells of them, else their text.

    Sphinx would look for any name with the same end. The file of the function decides what a name means.
    """

    default_priority = 5  # before Sphinx looks

    def run(self, **kwargs: Any) -> None:
        """Go over one page."""
        name = self.env.docname
        for node in list(self.document.findall(pending_xref)):
            if node.get("refdomain") == "py" and name.startswith("reference/"):
                uri = self._address(named_types.target_of(name, node["reftarget"]), name)
                condition = find_pending_xref_condition(node, "resolved" if uri else "*")  # the name, short or whole
                shown = (condition or node).children
                node.replace_self(nodes.reference("", "", *shown, refuri=uri, internal=True) if uri else shown)

    def _address(self, target: str, name: str) -> str:
        page, sharp, anchor = target.partition("#")
        if page not in self.env.found_docs:
            return ""
        return (self.app.builder.get_relative_uri(name, page) if page != name else "") + sharp + anchor


class LinksOfNames(SphinxPostTransform):
    """Names in code, such as `layers.Dense`, lead to their pages; `source:` addresses lead to pages of sources."""

    default_priority = 400

    def run(self, **kwargs: Any) -> None:
        """Go over one page."""
        name = self.env.docname
        for node in list(self.document.findall(nodes.reference)):
            if node.get("refuri", "").startswith("source:"):
                path, sharp, line = node["refuri"].removeprefix("source:").partition("#")
                target = source_pages.page_of(path)
                node["refuri"] = self.app.builder.get_relative_uri(name, target) + sharp + line
                node["internal"] = True
        for literal in list(self.document.findall(nodes.literal)):
            self._link(literal, name)

    def _link(self, literal: nodes.literal, name: str) -> None:
        if _inside(literal, (nodes.reference, nodes.title, pending_xref)):
            return
        text = literal.astext()
        named = text.removeprefix("docs/").removesuffix(".md") if text.startswith("docs/") else ""
        if named in self.env.found_docs:  # in docstrings, whose readers may have the repository
            uri = self.app.builder.get_relative_uri(name, named)
            title = self.env.titles[named].astext()
            literal.replace_self(nodes.reference("", title, refuri=uri, internal=True))
            return
        found = navigation.page_for(text) or (
            "" if _inside(literal, (nodes.term,)) else navigation.member_for(text, name)
        )
        page, sharp, anchor = (found or "").partition("#")
        if not page or page not in self.env.found_docs or (page == name and not anchor):
            return
        uri = (self.app.builder.get_relative_uri(name, page) if page != name else "") + sharp + anchor
        link = nodes.reference("", "", refuri=uri, internal=True, classes=["name"])
        literal.replace_self(link)
        link += literal


def _inside(node: nodes.Node, kinds: tuple[type, ...]) -> bool:
    parent = node.parent
    while parent is not None:
        if isinstance(parent, kinds):
            return True
        parent = parent.parent
    return False
