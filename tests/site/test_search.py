"""What the site's search ranks first: its own script, run by Node over the rows that are written for it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.site import search_pages, tasks
from tools.site.names import catalogue

SCRIPT = Path(search_pages.__file__).parent / "static" / "search.js"
AROUND = """\
const window = {}, stopwords = new Set(["how", "do", "i", "a", "the"]);
const document = {addEventListener: () => {}, getElementById: () => null};
class Stemmer { stemWord(word) { return word.replace(/(ing|s)$/, ""); } }
const Search = {_performSearch: () => []};
"""
ASKED = """\
for (const query of %s) {
  const found = Search._performSearch(query).reverse();
  console.log(JSON.stringify(found.slice(0, 3).map(([page, , anchor]) => page + (anchor || ""))));
}
"""


@pytest.fixture(scope="module")
def answers():
    """The first three answers to all names that are to have the very page first."""
    texts = dict.fromkeys((*search_pages.ASKED, *(row[0] for row in search_pages._names())), "")
    for page in search_pages.ASKED:
        texts[page] = f"# {page.rpartition('/')[2].replace('_', ' ')}\n\nText.\n"
    sections = [(name.split("#"), phrases.split(", ")) for name, phrases in search_pages.SECTIONS.items()]
    headings = [(page, anchor, anchor.replace("-", " "), phrases) for (page, anchor), phrases in sections]
    rows = f"{search_pages.script(texts)}window.siteHeadings = {json.dumps(headings)};\n"
    asked = ASKED % json.dumps(tasks.FIRST)
    program = AROUND + rows + SCRIPT.read_text(encoding="utf-8") + asked
    done = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=True)
    return dict(zip(tasks.FIRST, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
@pytest.mark.parametrize("query", tasks.FIRST)
def test_a_name_has_its_page_as_the_first_answer(answers, query):
    assert answers[query][0] == tasks.QUERIES[query]


def test_pytorch_names_come_from_the_guide_and_lead_to_pages():
    found = search_pages.elsewhere()
    assert found["eagerflow.layers.Dense"] == ["nn Linear"]
    assert found["eagerflow.ops.concatenate"] == ["cat"]
    assert found["eagerflow.utils.split_dataset"] == ["train_test_split", "random_split"]
    assert found.keys() <= {one.path for one in catalogue()}


def test_every_command_is_found():
    phrases = ", ".join([*search_pages.ASKED.values(), *search_pages.SECTIONS.values()]).split(", ")
    from viz.shell.commands import COMMANDS

    assert {f"viz {name}" for name in COMMANDS} <= set(phrases)


def test_what_keras_has_in_utils_is_called_so():
    paths = {one.path for one in catalogue()}
    assert "eagerflow.utils.image_dataset_from_directory" in paths
    assert "eagerflow.preprocessing.image_dataset_from_directory" not in paths
