"""What the site's search ranks first: its own script, run by Node over the rows that are written for it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.site import search_pages, tasks
from tools.site.names import catalogue

pytestmark = pytest.mark.slow  # the index of all pages is built

SCRIPT = Path(search_pages.__file__).parent / "static" / "search.js"
AROUND = """\
const window = {}, stopwords = new Set(["how", "do", "i", "a", "the"]);
const document = {addEventListener: () => {}, getElementById: () => null};
class Stemmer { stemWord(word) { return word.replace(/(ing|ded|s)$/, ""); } }
const inText = page => [page, page, "", null, 1, `${page}.md`, "text"]; // the best comes last, as Sphinx has it
const holding = ["doctor/index", "internals/contributing", "changelog"];
const own = {"Conv2D zebra": "Conv2D", "lstm zebra": "LSTM", "dense zebra": "Dense"};
const found = query => [...(query in own ? [`reference/layers/${own[query]}`] : []), ...holding].map(inText);
const Search = {_performSearch: query => query.endsWith("zebra") ? found(query) : []};
"""
# What only texts hold, and which of them come first and last: of a class with more words, its own page.
ELSEWHERE = {
    "zebra": ["doctor/index", "changelog", "internals/contributing"],
    "Conv2D zebra": ["reference/layers/Conv2D", "doctor/index", "changelog"],
    "lstm zebra": ["reference/layers/LSTM", "doctor/index", "changelog"],
    "dense zebra": ["doctor/index", "reference/layers/Dense", "changelog"],  # a word, too
}
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
    headings = [(page, anchor, anchor.replace("-", " "), phrases, "", []) for (page, anchor), phrases in sections]
    for name, quotes in search_pages.quoted().items():
        page, _, anchor = name.partition("#")
        headings.append((page, anchor, anchor.replace("-", " "), [], "", quotes))
    rows = f"{search_pages.script(texts)}window.siteHeadings = {json.dumps(headings)};\n"
    queries = (*tasks.FIRST, *tasks.SUBJECTS, *ELSEWHERE)
    asked = ASKED % json.dumps(queries)
    program = AROUND + rows + SCRIPT.read_text(encoding="utf-8") + asked
    done = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=True)
    return dict(zip(queries, map(json.loads, done.stdout.splitlines()), strict=True))


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
@pytest.mark.parametrize("query", tasks.FIRST)
def test_a_name_has_its_page_as_the_first_answer(answers, query):
    assert answers[query][0] == tasks.QUERIES[query]


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
@pytest.mark.parametrize("query", tasks.SUBJECTS)
def test_a_subject_is_answered_among_the_first(answers, query):
    assert set(tasks.QUERIES[query].split()) <= set(answers[query])
    assert set(answers[query]).isdisjoint({"changelog", "internals/contributing"})


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
@pytest.mark.parametrize("query", ELSEWHERE)
def test_what_tells_of_everything_comes_last(answers, query):
    assert answers[query] == ELSEWHERE[query]


CORRECTED = """\
const notes = [], asked = [];
const window = {sitePages: [["onnx", "ONNX", "", [], ""], ["tb", "callbacks.TensorBoard", "", [], ""]], siteMembers: [],
  siteHeadings: [["viz", "live", "Live", []]]};
const stopwords = new Set(["with"]);
const document = {addEventListener: () => {}, createElement: () => ({setAttribute: () => {}})};
class Stemmer { stemWord(word) { return word; } }
const Search = {
  _index: {terms: {tensors: 1}}, output: {before: note => notes.push(note.textContent)},
  _parseQuery: query => [query], _performSearch: query => { asked.push(query); return []; },
};
%s
for (const query of ["tensorbord with onxn", "tensors", "tens", "wholly", "TensorBoard"]) Search._performSearch(query);
console.log(JSON.stringify([asked, notes]));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_a_mistyped_word_is_taken_for_the_one_most_like_it_and_that_is_said():
    program = CORRECTED % SCRIPT.read_text(encoding="utf-8")
    done = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=True)
    asked, notes = json.loads(done.stdout)
    # As no page has both words, pages with either are looked for. The texts hold `tensors`.
    assert asked == ["tensorboard with onnx", "tensorboard", "onnx", "tensors", "tens", "wholly", "TensorBoard"]
    assert notes == ["No page has “tensorbord with onxn”. Showing answers to “tensorboard with onnx” instead."]


SOME = """\
const notes = [];
const window = {sitePages: [], siteMembers: [], siteHeadings: []};
const stopwords = new Set(["with"]);
const document = {addEventListener: () => {}, createElement: () => ({setAttribute: () => {}})};
class Stemmer { stemWord(word) { return word; } }
const pages = {frogs: ["changelog", "a", "b", "c"], ponds: ["b"], water: ["a", "b"]};
const answer = page => [page, page, "", null, 1, `${page}.md`, "text"];
const Search = {
  _index: {terms: {frogs: 1, ponds: 1, water: 1, unseen: 1}}, output: {before: note => notes.push(note.textContent)},
  _parseQuery: query => [query], _performSearch: query => (pages[query] || []).map(answer),
};
%s
const found = ["frogs with water ponds", "frogs unseen", "unseen"].map(query => Search._performSearch(query));
console.log(JSON.stringify([found.map(answers => answers.reverse().map(([page]) => page)), notes]));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_where_no_page_has_all_words_those_with_most_of_them_come_first():
    program = SOME % SCRIPT.read_text(encoding="utf-8")
    done = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=True)
    (ponds, frogs, nothing), notes = json.loads(done.stdout)
    assert ponds[0] == "b"  # which has most of them
    assert set(ponds) == {"a", "b", "c"}  # the changelog tells of everything, and answers little
    assert frogs == ["c", "b", "a", "changelog"]  # as if `unseen`, which stands nowhere, hadn't been asked for
    assert nothing == []
    assert notes == [
        f"No page has all of “{query}”. These have some of the words."
        for query in ("frogs with water ponds", "frogs unseen")
    ]


def test_subjects_lead_to_names_that_there_are():
    assert search_pages.SUBJECTS.keys() <= {one.path for one in catalogue()}


def test_pytorch_names_come_from_the_guide_and_lead_to_pages():
    found = search_pages.elsewhere()
    assert found["eagerflow.layers.Dense"][0] == "nn Linear"
    assert found["eagerflow.layers.Conv2D"] == ["nn Conv2d"]
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


TYPED = """\
const heard = {}, said = [], shownAt = [];
let results = null;
const timers = [];
const setTimeout = (run, _) => timers.push(run) - 1, clearTimeout = at => delete timers[at];
const history = {replaceState: (...all) => said.push(all[2])};
const window = {sitePages: [["guides/training", "Training", "", [], ""]], siteMembers: [], siteHeadings: []};
const stopwords = new Set();
const document = {addEventListener: (name, run) => (heard[name] = run), getElementById: () => results};
class Stemmer { stemWord(word) { return word; } }
const Search = {
  _performSearch: () => [],
  performSearch: query => { said.push(query); shownAt.push(Search._performSearch(query)); },
};
%s
const type = (value, around = null) => heard.input({target: {name: "q", value, closest: () => around}});
const wait = () => timers.splice(0).forEach(run => run && run());
type("training"); wait(); // another page, which has no place for answers
results = {replaceChildren: () => said.push("emptied")};
type("training", "dialog"); wait(); // a box above the page
type("t"); wait();
type("tra"); type("train"); wait();
const before = shownAt[0].length;
type("training "); wait();
console.log(JSON.stringify([said, before, shownAt.map(found => found.length)]));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_the_search_page_answers_while_one_types():
    program = TYPED % SCRIPT.read_text(encoding="utf-8")
    done = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=True)
    said, before, left = json.loads(done.stdout)
    assert said == ["emptied", "train", "?q=train", "emptied", "training", "?q=training"]
    assert before == 1
    assert left == [0, 1]  # what Sphinx had still to show of the question before


TOLD = """\
const window = {sitePages: [["guides/custom", "Custom loops", "Of the page.", [], "", []]], siteMembers: [],
  siteHeadings: [["guides/custom", "clip", "Clip", [], "Of the section."], ["guides/custom", "bare", "Bare", [], ""]]};
const stopwords = new Set(), added = [];
class Stemmer { stemWord(word) { return word; } }
const add = node => added.push(node.textContent), link = href => ({getAttribute: () => href, after: add});
const item = href => ({dataset: {}, querySelector: () => link(href), appendChild: add});
const page = "guides/custom.html";
const hrefs = [page, "guides/custom.html?highlight=x#clip", "../guides/custom.html#bare", "reference/a.html"];
const results = {querySelectorAll: () => hrefs.map(item)};
let loaded = null;
const document = {
  addEventListener: (name, run) => { if (name === "DOMContentLoaded") loaded = run; },
  getElementById: name => (name === PLACE ? results : null), createElement: () => ({}),
};
class MutationObserver { constructor(run) { this.observe = run; } }
const Search = {_performSearch: () => []};
%s
loaded();
console.log(JSON.stringify(added));
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
@pytest.mark.parametrize("place", ["search-results", "pst-search-dialog"])
def test_an_answer_tells_its_kind_and_what_its_section_begins_with_or_else_its_page(place):
    program = f"const PLACE = {json.dumps(place)};\n" + TOLD % SCRIPT.read_text(encoding="utf-8")
    done = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=True)
    told = ["Guide", "Of the page.", "Guide", "Of the section.", "Guide", "Of the page.", "API"]
    assert json.loads(done.stdout) == told


MANY = """\
const window = {sitePages: [], siteMembers: [], siteHeadings: []}, stopwords = new Set(), shownPages = [];
class Stemmer { stemWord(word) { return word; } }
let pressed = null;
const ignore = () => {}, press = (name, run) => (pressed = run);
const node = () => ({dataset: {}, append: ignore, remove: ignore, addEventListener: press});
const document = {addEventListener: () => {}, getElementById: () => null, createElement: node};
const pages = Array.from({length: 100}, (_, at) => [`guides/p${99 - at}`, "", "", null, 1, "", "text"]);
const status = {}, offered = [];
const Search = {
  _performSearch: () => [...pages], status, output: {append: item => offered.push(item)}, stopPulse: () => {},
};
const _displayNextItem = (left, count, searched, marked) => {
  while (left.length) shownPages.push([left.pop()[0], searched, marked]);
  Search.stopPulse();
  status.textContent = `found ${count}`;
};
%s
const results = Search._performSearch("x", "searched", [], "marked");
_displayNextItem(results, results.length, "searched", "marked");
setTimeout(() => {
  const first = [shownPages.length, status.textContent, offered.length];
  pressed();
  const last = shownPages[99];
  setTimeout(() => console.log(JSON.stringify([first, shownPages.length, last, status.textContent, offered.length])));
});
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="no node here")
def test_of_many_answers_the_best_are_shown_and_the_others_when_asked_for():
    program = MANY % SCRIPT.read_text(encoding="utf-8")
    done = subprocess.run(["node", "-"], input=program, capture_output=True, text=True, check=True)
    first, count, last, told, offered = json.loads(done.stdout)
    assert first == [40, "Search finished, found 100 pages. The best 40 are shown.", 1]
    assert (count, last, told, offered) == (100, ["guides/p99", "searched", "marked"], "found 100", 1)
