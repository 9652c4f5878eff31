"""What the site makes of docstrings, programs, blocks and links, without Sphinx."""

from __future__ import annotations

import ast
import base64
import doctest
import importlib
import json
import os
import re

import pytest

import eagerflow as ef
import viz
from tests.sources import ROOT
from tools.site import (
    docstrings,
    figures,
    keras_badges,
    lessons,
    links,
    named_types,
    outputs,
    reference,
    run_page,
    sections,
    stage,
    svg,
    tutorial_cards,
    tutorials,
    used_in,
)
from tools.site.names import catalogue
from viz.doctor import KINDS

DOC = """Scale `x_1` by **rest.

More on [it].

Args:
    x: a tensor,
        of any shape.
    **rest: more.

Raises:
    ValueError: for none.

Input: (batch, ...).

>>> 1 + 1
2

Source: a book.
"""


def test_docstrings_become_sections_in_their_order():
    assert [part.title for part in docstrings.parts(DOC)] == ["", "Args", "Raises", "", "Examples", ""]
    text = docstrings.markdown(DOC)
    assert "## Arguments\n\n`x`\n: a tensor, of any shape.\n\n`**rest`\n: more." in text
    assert "```pycon\n>>> 1 + 1\n2\n```" in text
    assert "by \\*\\*rest" in text
    assert "\\[it]" in text


def test_blocks_of_a_page_share_names_and_show_their_last_value(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = run_page.run("```python\nx = 2\n```\ntext\n```python\nprint('x')\nx + 1\n```\n", "page.md")
    assert shown == {"outputs": [[], [{"kind": "text", "data": "x"}, {"kind": "text", "data": "3"}]]}


def test_a_block_that_fails_is_told_with_its_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = run_page.run("# Page\n\n```python\nx = 1\n1 / 0\n```\n", "page.md")
    assert shown["line"] == 5
    assert "ZeroDivisionError" in shown["error"]
    assert "1 / 0" in shown["error"]


def test_lines_are_those_of_a_script_that_the_blocks_are_pasted_into(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = "# Page\n\n```python\ndef f():\n    1 / 0\n```\n\nText.\n\n```python\nx = 1\nf()\n```\n"
    shown = run_page.run(text, "page.md")
    assert shown["line"] == 5  # of the page: where it happened
    assert 'File "page.py", line 2, in f' in shown["error"]
    assert 'File "page.py", line 5, in <module>' in shown["error"]


def test_pictures_that_a_block_writes_are_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "from pathlib import Path\n_ = Path('a.svg').write_text('<svg></svg>')"
    assert run_page.run(f"```python\n{code}\n```\n", "page.md")["outputs"] == [[{"kind": "svg", "data": "<svg></svg>"}]]


def test_objects_that_only_have_an_address_show_nothing():
    assert run_page.shown_value(object()) == []
    assert run_page.shown_value(None) == []


def test_pictures_carry_no_places_and_have_ids_of_their_own():
    made = svg.embedded(
        '<svg><title>a\nmade at /x.py:3\nb</title><path id="p" fill="url(#q)"/></svg>', "one", 'say "x"'
    )
    assert "/x.py" not in made
    assert 'id="one-p" fill="url(#one-q)"' in made
    assert 'aria-label="say &quot;x&quot;"' in made


def test_pictures_that_differ_in_more_than_colours_are_refused():
    with pytest.raises(ValueError, match="more than colours"):
        svg.both_themes('<a b="#111"/>', '<a c="#222"/>')


def test_what_a_program_prints_is_escaped():
    assert "&lt;b&gt;" in outputs.html([{"kind": "text", "data": "<b>"}], "p")
    assert outputs.html([], "p") == ""


def test_links_lead_to_pages_of_the_site():
    docs = ROOT / "docs" / "check.md"
    text = "[a](check.md#kinds) [b](../CONTRIBUTING.md) [c](../examples/gan.py) [d](https://x.y) ![](images/gap.svg)"
    assert stage.staged(text, "viz", docs, {"examples/gan.py": "tutorials/gan"}) == (
        "[a](check.md#kinds) [b](internals/contributing.md) [c](tutorials/gan.md) [d](https://x.y) ![](images/gap.svg)"
    )
    assert stage.staged("[x](../viz/cli.py#L3)", "viz", docs, {}) == "[x](source:viz/cli.py#L3)"
    assert stage.staged("```\n[x](nowhere.md)\n```", "viz", docs, {}) == "```\n[x](nowhere.md)\n```"


def test_a_picture_for_readers_on_a_forge_is_left_out_where_its_block_draws_it():
    text = "a\n\n<!-- drawn above -->\n![two\nlines](images/gap.svg)\n\n[x](check.md)\n"
    staged = stage.staged(text, "viz", ROOT / "docs" / "check.md", {})
    assert staged == "a\n\n\n\n\n\n[x](check.md)\n"  # lines stay where they are


def test_a_table_for_readers_on_a_forge_is_left_out_where_its_block_prints_it():
    text = "a\n\n<!-- printed above -->\n```\none 1\n```\n\n[x](check.md)\n"
    staged = stage.staged(text, "viz", ROOT / "docs" / "check.md", {})
    assert staged == "a\n\n\n\n\n\n\n[x](check.md)\n"


def test_an_explanation_that_is_drawn_is_shown_as_a_picture():
    model = ef.Sequential([ef.layers.Dense(1)])
    (shown,) = run_page.shown_value(viz.explain(model, [[1.0, 2.0]]).draw())
    assert shown["kind"] == "html"
    assert "<img" in shown["data"]


def test_a_link_to_nothing_is_told_with_its_line():
    with pytest.raises(stage.BrokenLink, match=r"docs/check\.md:2: nowhere\.md isn't there"):
        stage.staged("a\n[x](nowhere.md)", "viz", ROOT / "docs" / "check.md", {})


def test_a_script_for_the_doctor_shows_what_it_says(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script = """\
import numpy as np
import eagerflow as ef

x = np.random.default_rng(0).normal(size=(32, 4))
model = ef.Sequential([ef.layers.Dense(1, activation="softmax")])
model.compile("adam", "binary_crossentropy")
model.fit(x, x[:, 0] > 0, verbose=0)
"""
    ((shown,),) = run_page.run(f"```python doctor\n{script}```\n", "page.md")["outputs"]
    assert shown["data"].startswith("$ viz doctor train.py\n\ndoctor: 1 training step watched\n")
    assert "error loss_mismatch  train.py:5" in shown["data"]


def test_every_kind_of_finding_has_a_place_in_the_navigation():
    listed = [name for names in sections._FINDINGS.values() for name in names.split()]
    assert sorted(listed) == sorted(KINDS)


def test_the_page_of_guides_has_the_headings_of_the_navigation_and_leads_to_all_its_pages():
    parts = re.split(r"^\*\*(.+)\*\*$", (ROOT / "docs/guides/index.md").read_text(encoding="utf-8"), flags=re.M)
    (guides,) = [section for section in sections.SECTIONS if section.page == "guides/index"]
    assert parts[1::2] == list(guides.groups)
    for text, listed in zip(parts[2::2], guides.groups.values(), strict=True):
        led = {os.path.normpath(f"guides/{target}") for target in re.findall(r"\]\(([^)#]+)\.md", text)}
        assert set(listed.split()) <= led


def test_every_page_has_a_place_in_the_navigation():
    pages = {"index", "guides/index", "start/ten_minutes", "guides/training", "check", "new", "start/more"}
    assert sections.unlisted(pages) == ["new", "start/more"]
    assert "/new" in sections.below("guides/index", pages)
    assert "/start/more" in sections.below("start/ten_minutes", pages)
    assert sections.below("check", pages) == ""


def test_kinds_of_findings_stand_in_the_navigation_in_words():
    listed = sections.below("doctor/index", {"doctor/index", "doctor/label_leak", "doctor/overfit"})
    assert "The label is among the inputs </doctor/label_leak>" in listed
    assert "Overfitting </doctor/overfit>" in listed


def test_pages_beside_single_parts_of_the_site_are_there():
    pages = {*stage.pages(), *stage.OTHERS.values()}
    for page, (_, names) in sections.BESIDE.items():
        assert names.split()[0] == page
        assert set(names.split()) <= pages


def test_programs_are_taken_apart_without_losing_a_line_of_code():
    for tutorial in tutorials.TUTORIALS:
        source = tutorials.program_of(tutorial)
        made = "\n".join(cell.code for cell in tutorials.cells(source))
        compile(made, tutorial.name, "exec")
        body = source.partition("if __name__")[0]
        lines = {
            line.strip() for line in body.splitlines() if line.startswith(("import numpy", "class ", "    model = "))
        }
        assert lines - {line.strip() for line in made.splitlines()} == set(), tutorial.name


def test_what_a_block_prints_and_shows_takes_no_more_room_than_a_page_has(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    code = "from viz.facts.text_table import Text, table\n"
    code += "found = Text.of([table(['layer', 'n'], [['dense_layer_with_a_name_that_is_long (Dense)', '1']])])\n"
    (shown,) = run_page.run(f"```python\n{code}print(found)\nfound\n```\n", "page.md")["outputs"]
    lines = [line for output in shown if output["kind"] == "text" for line in output["data"].splitlines()]
    assert lines[2].split() == ["dense_layer_with_a_name_that_is_long", "1"]
    assert max(map(len, lines)) <= 40


@pytest.mark.parametrize("tutorial", tutorials.TUTORIALS, ids=lambda tutorial: tutorial.name)
def test_a_tutorial_says_what_is_learned_how_long_it_takes_and_where_to_go_on(tutorial):
    lesson = lessons.lesson(tutorial.name)
    assert lesson.beginning.startswith("You learn ")
    assert re.search(r"page runs in (about|a few) .*seconds|half a minute", " ".join(lesson.beginning.split()))
    assert lesson.end.startswith("## What you have now\n\n")
    assert lesson.end.count("\n- [") >= 3
    page = tutorials.markdown(tutorial)
    assert page.index(lesson.beginning) < page.index("```python") < page.index(lesson.end)


@pytest.mark.parametrize("tutorial", tutorials.TUTORIALS, ids=lambda tutorial: tutorial.name)
def test_a_tutorial_has_other_lines_where_the_program_prints_and_nothing_left_of_a_script(tutorial):
    program = (ROOT / f"examples/{tutorial.name}.py").read_text(encoding="utf-8")
    shown = tutorials.program_of(tutorial)
    assert all(change.shown in shown for change in lessons.lesson(tutorial.name).changes)
    assert "matplotlib" not in program
    codes = [cell.code for cell in tutorials.cells(shown)]
    assert not re.search(r"argparse|pathlib|sys\.argv|__future__|\bverbose = |mkdir", "\n".join(codes))
    for code in codes:
        nodes = ast.parse(code).body
        assert not all(isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) for node in nodes)


@pytest.mark.parametrize("tutorial", tutorials.TUTORIALS, ids=lambda tutorial: tutorial.name)
def test_a_tutorial_has_sections(tutorial):
    assert tutorials.markdown(tutorial).count("\n## ") >= 5


def test_a_heading_above_no_piece_or_two_is_an_error():
    cells = [tutorials.Cell("Now x.", "x = 1"), tutorials.Cell("Now y.", "y = 2")]
    with pytest.raises(ValueError, match="0 pieces begin with 'Then'"):
        tutorials.with_headings(cells, {"Later": "Then"})
    with pytest.raises(ValueError, match="2 pieces begin with 'Now'"):
        tutorials.with_headings(cells, {"Later": "Now"})


def test_a_lesson_with_a_mark_at_a_wrong_place_is_an_error():
    with pytest.raises(ValueError, match=r"tutorial_texts/gan\.md"):
        lessons.parsed("Learn.\n\n<!-- instead of -->\nx\n\n<!-- at the end -->\n\nNext.\n", "gan")
    with pytest.raises(ValueError, match="a mark is missing"):
        lessons.parsed("Learn.\n", "gan")


def test_a_change_without_lines_leaves_whole_lines_out():
    text = (
        "a\n\n<!-- instead of -->\n```python\nx\n```\n\n<!-- on the page -->\n```python\n```\n\n<!-- at the end -->\nb"
    )
    assert lessons.parsed(text, "gan") == lessons.Lesson("a", [lessons.Change("x\n", "")], {}, "b")


def test_a_name_leads_to_the_guides_that_use_it_most():
    texts = {
        "guides/a": "`layers.Dense`",
        "guides/b": "```python\nx = ef.layers.Dense(2)\ny = layers.Dense(3)\n```",
        "changelog": "`layers.Dense` `layers.Dense` `layers.Dense`",
        "guides/c": "`layers.DenseNet`",
    }
    names = {one.path: one for one in catalogue()}
    uses = used_in.Uses(texts)
    assert uses.of(names["eagerflow.layers.Dense"]) == ["guides/b", "guides/a", "guides/functional"]
    assert uses.of(names["eagerflow.optimizers.schedules.CosineDecay"]) == ["guides/callbacks"]
    assert uses.section(names["eagerflow.losses.Huber"]) == ["## Guides and tutorials", "{doc}`/guides/training`"]
    assert uses.section(names["eagerflow.constraints.NonNeg"]) == []


def test_a_name_that_differs_from_keras_says_in_plain_sight_how():
    names = {one.path: one for one in catalogue()}
    shown = re.sub(r"<[^>]*>", " ", keras_badges.badge(names["eagerflow.Variable"])).split()
    assert " ".join(shown) == "keras.Variable, with a difference no layout, which places a variable on several devices"


def test_guides_of_modules_are_pages():
    assert {*used_in.GUIDES.values()} <= {*stage.pages()}


def test_a_method_whose_example_is_about_another_layer_says_so():
    pages = {one.path: reference.name_page(one, "") for one in catalogue() if one.module == "eagerflow.layers"}
    assert "The example shows `layers.Conv1D`, which has the same method." in pages["eagerflow.layers.Conv2D"]
    assert "The example shows" not in pages["eagerflow.layers.Conv1D"].partition("### convolution_op")[2][:1500]


def test_the_list_of_tutorials_shows_the_last_drawing_of_each_or_its_last_curves():
    curves = base64.b64encode(b"<svg>curves</svg>").decode()
    shown = [[{"kind": "html", "data": f'<p><img class="x" src="data:image/svg+xml;base64,{curves}"></p>'}]]
    drawn = [
        [{"kind": "svg", "data": "<svg>1</svg>"}],
        [{"kind": "svg", "data": "<svg>2</svg>", "dark": "<svg>3</svg>"}],
    ]
    assert tutorial_cards.picture(shown) == ("<svg>curves</svg>", "<svg>curves</svg>")
    later = [[{"kind": "html", "data": shown[0][0]["data"].replace(curves, base64.b64encode(b"<svg/>").decode())}]]
    assert tutorial_cards.picture(shown + later) == ("<svg/>", "<svg/>")
    assert tutorial_cards.picture(shown + drawn) == ("<svg>2</svg>", "<svg>3</svg>")
    assert tutorial_cards.picture([[{"kind": "text", "data": "1"}]]) is None
    page = tutorial_cards.index({"gan": tutorial_cards.Picture("<svg/>", "<svg/>")})
    assert page.count("<img") == 2
    assert page.count("<a href=") == len(tutorials.TUTORIALS)
    assert page.index("## First steps") < page.index("digits.html") < page.index("## Text and series")
    assert [name for name, _ in tutorial_cards.files({"gan": tutorial_cards.Picture("a", "b")})] == [
        "gan_light.svg",
        "gan_dark.svg",
    ]


def test_a_change_whose_place_is_gone_from_the_program_is_an_error():
    with pytest.raises(ValueError, match=r"examples/gan\.py should have this once"):
        lessons.on_the_page("gan", "print(1)")


def test_figures_of_a_block_are_its_output_in_colours_for_both_themes():
    pyplot = pytest.importorskip("matplotlib.pyplot")
    with pyplot.rc_context(fname=figures.SETTINGS):
        pyplot.figure()
        pyplot.plot([1, 2])
        (shown,) = figures.shown()
    assert figures.shown() == []
    assert "light-dark(#24292f,#ced6dd)" in svg.both_themes(shown["data"], shown["dark"])


def test_values_stand_where_a_program_has_parameters():
    used_once = 'def main(out: Path, n: int = 3) -> int:\n    f(n, é=out / "a.svg")\n\n    g(n=1)\n'
    assert [cell.code for cell in tutorials.cells(used_once)] == ['f(3, é="a.svg")', "g(n=1)"]
    used_twice = "def main(n: int = 3) -> int:\n    f()\n\n    g(n)\n    h(n)\n"
    assert [cell.code for cell in tutorials.cells(used_twice)] == ["f()", "n = 3\ng(n)\nh(n)"]
    in_a_text = 'def main(n: int = 3) -> int:\n    print(f"{n}")\n'
    assert [cell.code for cell in tutorials.cells(in_a_text)] == ['n = 3\nprint(f"{n}")']
    with pytest.raises(ValueError, match="a tutorial has no folder 'out'"):
        tutorials.cells("def main(out: Path) -> int:\n    print(out)\n")


@pytest.mark.parametrize("said", ['    """Count."""\n', ""])
def test_remarks_at_the_beginning_of_pieces_are_their_text(said):
    body = f"{said}    # First.\n    x = n\n\n    # Then\n    # twice.\n    print(x)\n"
    program = f'def main(\n    n: int = 3,\n) -> int:\n{body}\nif __name__ == "__main__":\n    main()\n'
    first, then = tutorials.cells(program)
    assert (first.text, first.code) == ("First.", "x = 3")
    assert (then.text, then.code) == ("Then twice.", "print(x)")


def test_docstrings_of_definitions_stay_in_their_code_and_remarks_above_them_are_text():
    program = 'import os\n\n\n# Twice\n# of it.\ndef twice(n):\n    """2n."""\n    return os.dup(n)\n'
    first, then = tutorials.cells(program)
    assert (first.text, first.code) == ("", "import os")
    assert (then.text, then.code) == ("Twice of it.", 'def twice(n):\n    """2n."""\n    return os.dup(n)')


def test_an_empty_remark_parts_paragraphs():
    (cell,) = tutorials.cells("def main() -> int:\n    # One\n    # more.\n    #\n    # Two.\n    f()\n")
    assert (cell.text, cell.code) == ("One more.\n\nTwo.", "f()")


def test_every_learning_program_has_a_tutorial():
    programs = {path.stem for path in (ROOT / "examples").glob("*.py") if not path.stem.startswith("viz_")}
    assert programs <= {tutorial.name for tutorial in tutorials.TUTORIALS}


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="x"></p><a href="#x"></a><a href="b.html#y"></a>\n<a href="c.html"></a><img src="https://e.org/i.png">'
        '<a href="https://e.org"></a>',
        encoding="utf-8",
    )
    (tmp_path / "b.html").write_text("<p></p>", encoding="utf-8")
    assert links.broken(tmp_path) == [
        "a.html:2: loads https://e.org/i.png from elsewhere",
        "a.html:1: b.html#y: the page has nothing called 'y'",
        "a.html:2: c.html isn't there",
    ]


def test_notebooks_hold_the_outputs_of_their_cells():
    nbformat = pytest.importorskip("nbformat")
    tutorial = next(found for found in tutorials.TUTORIALS if found.name == "digits")
    shown = [[{"kind": "text", "data": "x"}]] * tutorials.count_of_blocks(tutorial)
    made = nbformat.reads(json.dumps(json.loads(tutorials.notebook(tutorial, shown))), as_version=4)
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    assert [cell.outputs[0].text for cell in code] == ["x\n"] * len(code)
    texts = [cell.source for cell in made.cells if cell.cell_type == "markdown"]
    assert "- Training with fit: batches" in texts[-1]
    assert not any(".md)" in text for text in texts)


PURE = (
    "lessons",
    "values_in_place",
    "run_page",
    "search_pages",
    "sections",
    "tutorials",
    "used_in",
    "versions",
    "annotations",
    "cache",
    "cards",
    "definitions",
    "docstrings",
    "families",
    "keras_badges",
    "named_types",
    "names",
    "navigation",
    "record_html",
    "reference",
    "signatures",
    "svg",
)


@pytest.mark.parametrize("name", PURE)
def test_examples_in_docstrings_of_the_site_run(name):
    module = importlib.import_module(f"tools.site.{name}")
    assert doctest.testmod(module).failed == 0


def test_each_type_without_a_page_is_told_once():
    told = [one.anchor for one in named_types.types()]
    assert len(set(told)) == len(told)
    assert [one.anchor for one in named_types.types() if not one.doc] == []
    assert "`activity_regularizer`\n: of the outputs." in named_types.page()


def test_pictures_of_recordings_and_of_models_know_themselves_in_the_dark(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    page = """```python
import eagerflow as ef
import viz

model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(2)])
with viz.trace() as t:
    model(ef.ops.ones((1, 3)))
_ = t.draw("a.svg", theme="dark")
_ = t.draw("b.svg", color_by="time")
_ = viz.plot_model(model, "c.svg")
```"""
    (shown,) = run_page.run(page, "page.md")["outputs"]
    assert ["dark" in output for output in shown] == [False, True, True]  # the first is dark in any case
    assert ["light-dark(#" in outputs.html([output], "a") for output in shown] == [False, True, True]
