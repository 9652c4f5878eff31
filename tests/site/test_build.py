"""What building the site tells."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

pytest.importorskip("sphinx.builders")

import sphinx.builders as builders
from docutils import nodes
from docutils.utils import new_document

from tools.site import build, descriptions, extension, missing_page, sections


def test_the_last_line_says_where_the_site_begins(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(build.links, "broken", lambda folder, processes: [])
    assert build.Build(tmp_path / "site", 1)._check_links() == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("the site begins at site/html/index.html")


def test_sphinx_reads_in_few_processes_each_of_which_gets_as_many_pages():
    usual, pages = builders.make_chunks, [str(number) for number in range(103)]
    with build._fewer_copies():
        read = builders.make_chunks(pages, 2)
        written = builders.make_chunks(pages, 1)
        few = builders.make_chunks(pages[:3], 2)
    assert builders.make_chunks is usual
    assert [len(part) for part in read] == [26, 26, 26, 25]
    assert sorted(page for part in read for page in part) == sorted(pages)
    assert written == usual(pages, 1)
    assert sorted(page for part in few for page in part) == pages[:3]


def test_only_blocks_that_did_not_run_say_so():
    page = nodes.section("", *(nodes.literal_block("x", "x", language=name) for name in ("python", "py", "sh")))
    extension.mark_what_did_not_run(None, page)
    shown = [node.get("language") or node.astext() for node in page.children]
    assert shown == ["python", "py", '<p class="not-run">not run</p>', "sh"]


def test_lists_of_links_become_tiles_on_pages_that_are_such_lists():
    def item(*parts):
        return nodes.list_item("", nodes.paragraph("", "", *parts))

    def made(docname):
        links = nodes.bullet_list("", *(item(nodes.reference("", "A"), nodes.Text(": one, two.")) for _ in range(2)))
        words = nodes.bullet_list("", item(nodes.Text("no link")))
        document = new_document("page")
        document += [links, words]
        extension.make_tiles(SimpleNamespace(env=SimpleNamespace(docname=docname)), document)
        return links, words

    links, words = made("guides/index")
    assert links["classes"] == ["tiles"]
    assert [text.astext() for text in links.findall(nodes.paragraph)] == ["AOne, two."] * 2
    assert words["classes"] == []
    assert made("guides/training")[0]["classes"] == []


def test_html_of_pages_that_are_gone_goes(tmp_path):
    made = build.Build(tmp_path / "site", 1)
    made._markdown, made._sources = {"guides/now": ""}, {"eagerflow/a.py"}
    left = ["guides/now", "source/eagerflow.a", "search", "_static/gallery/step"]
    for name in (*left, "viz", "guides/before"):
        path = tmp_path / "site" / "html" / f"{name}.html"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    made._remove_pages_of_before()
    html = tmp_path / "site" / "html"
    assert sorted(str(path.relative_to(html).with_suffix("")) for path in html.rglob("*.html")) == sorted(left)


def test_pages_are_described_by_their_first_paragraph():
    page = new_document("page")
    page += [nodes.paragraph("", "Short."), nodes.paragraph("", 'A "long" paragraph that\ntells of the page.')]
    context = {"title": "Page"}
    descriptions.add(None, "guides/page", "page.html", context, page)
    assert 'content="A &quot;long&quot; paragraph that tells of the page."' in context["metatags"]
    given = {"metatags": '<meta content="own" name="description" />'}
    descriptions.add(None, "reference/layers/Dense", "page.html", given, page)
    assert given == {"metatags": '<meta content="own" name="description" />'}


def test_the_page_for_missing_ones_leads_to_each_part_of_the_site():
    ((name, context, template),) = missing_page.collected(None)
    assert (name, template) == ("404", "page.html")
    assert all(f'href="{section.page}.html"' in context["body"] for section in sections.SECTIONS)
    folders = {section.page.partition("/")[0] for section in sections.SECTIONS if "/" in section.page}
    assert folders <= set(missing_page.FOLDERS)
