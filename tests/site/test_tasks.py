"""Ways from the first page to what newcomers come for."""

from __future__ import annotations

from tools.site import named_types, reference, search_pages, stage, tasks, tutorials


def site(folder, **links):
    for name, targets in links.items():
        page = folder / f"{name.replace('__', '/')}.html"
        page.parent.mkdir(exist_ok=True)
        page.write_text("".join(f'<a href="{target}">x</a>' for target in targets), encoding="utf-8")
    return folder


def test_a_task_whose_way_is_there_is_fine(tmp_path):
    made = site(tmp_path, index=["guides/index.html"], guides__index=["../files.html#which", "https://e.org/a.html"])
    assert tasks.without_a_way(made, {"save": "guides/index files"}) == []


def test_a_broken_way_and_a_long_one_are_told(tmp_path):
    made = site(tmp_path, index=["a.html"], a=["b.html"], b=["c.html"])
    assert tasks.without_a_way(made, {"go": "a c", "walk": "a b c"}) == [
        "to go: a doesn't lead to c",
        "to walk: 3 clicks",
    ]


def test_pages_that_readers_are_sent_to_are_pages_of_the_reference_or_of_the_texts():
    known = {*reference.page_names().values(), *stage.pages(), named_types.PAGE, "start/ten_minutes"}
    known |= {tutorials.page_of(tutorial) for tutorial in tutorials.TUTORIALS} | {"tutorials/index"}
    answers = " ".join([*tasks.QUERIES.values(), *tasks.TASKS.values()]).split()
    asked = {answer.partition("#")[0] for answer in (*answers, *search_pages.SECTIONS)}
    assert {page for page in asked if not page.endswith("/index")} - known == set()
    assert set(search_pages.ASKED) - known == set()
