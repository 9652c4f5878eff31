"""Looks at the built site in a browser without a network: `make docs-check`.

    python -m tools.site.check [--all] [--seed 7] [build/site/html]

Every kind of page, and a hundred drawn by lot (`--all`: every page), in the light and the dark theme and at the width
of a phone: no script fails, nothing is asked of another machine, nothing is wider than the window, text differs enough
from its ground. Then typical questions are put to the search, which must have the page among its first three answers
(that of a name first), the box above a page must answer while one types,
and what newcomers come for must be at most two clicks away. And no page prints the address of a live page.
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from tests.viz.browser import NONE_FOUND, find
from tools.site.live_pages import secrets
from tools.site.names import ROOT
from tools.site.site_browser import SiteBrowser
from tools.site.tasks import FIRST, QUERIES, TASKS, without_a_way

# One of each kind: the first page, texts, a tutorial, a gallery page, names of each kind, lists, sources, the search.
KINDS = """
    index start/ten_minutes guides/index guides/training viz/index viz/pictures doctor/index doctor/label_leak
    errors benchmarks changelog keras tutorials/index tutorials/digits gallery/index gallery/training_step
    gallery/digits reference/index reference/layers/index reference/ops/index reference/layers/Dense
    reference/layers/MultiHeadAttention reference/ops/softmax reference/ops/ones reference/eagerflow/Model
    reference/viz/trace reference/types source/eagerflow.layers.core.dense genindex search internals/contributing
""".split()
BROWSERS = 2
WIDE, PHONE = (1400, 900), (390, 844)

LOOK = (Path(__file__).parent / "look.js").read_text(encoding="utf-8")
_FOUND = "[...document.querySelectorAll('ul.search li > a')].slice(0, 3).map(a => a.getAttribute('href')).join(' ')"
_ALL_SHOWN = "Search.title && Search.title.innerText === 'Search Results'"
_SEARCHED = f"document.querySelectorAll('ul.search li > a').length > 2 || ({_ALL_SHOWN})"  # or fewer, and that is all
_ASK = "document.getElementById('search-results').replaceChildren(); Search.performSearch(%s)"  # as when one types
_TYPE = """(() => {
    document.getElementById("pst-search-dialog").showModal();
    const box = document.querySelector("#pst-search-dialog input[name=q]");
    box.value = "dropout";
    box.dispatchEvent(new KeyboardEvent("keyup", {key: "t", bubbles: true}));
})()"""
_PRESS = """document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", {key: "%s", bubbles: true, cancelable: true}))"""
_CHOSEN = "document.querySelector('#pst-search-dialog [role=option][aria-selected=true]')?.href.split('?')[0]"
_ANSWERED = "document.querySelectorAll('#pst-search-dialog ul.search > li > a').length > 2"

_BELOW_BAR = (
    "document.querySelector('#pandas').getBoundingClientRect().top"
    " - document.querySelector('.bd-header').getBoundingClientRect().bottom"
)


def looked_at(site: Path, page: str, browser: SiteBrowser) -> list[str]:
    """What is wrong with one page."""
    found: list[str] = []
    for theme, (width, height) in (("light", WIDE), ("dark", WIDE), ("light", PHONE)):
        browser.look(theme, width, height)
        browser.begin((site / f"{page}.html").as_uri())
        shown = browser.run("document.documentElement.dataset.theme")
        wrong = [*browser.wrong, *(f"asks for {url}" for url in browser.foreign)]
        wrong += [f"shows the {shown} theme"] if shown != theme else []
        wrong += browser.run(LOOK)
        found += [f"{page} ({theme}, {width} px): {told}" for told in wrong]
    return found


def searched(site: Path, browser: SiteBrowser) -> list[str]:
    """Questions whose pages aren't among the first three answers."""
    found: list[str] = []
    browser.look("light", *WIDE)
    browser.begin(f"{(site / 'search.html').as_uri()}?q=tensor")  # which reads the index, a second or two
    for query, pages in QUERIES.items():
        browser.wait(_ALL_SHOWN, 30)  # what Sphinx still has to show would end the next one, too
        browser.run(_ASK % json.dumps(query))
        browser.wait(_SEARCHED, 30)
        first = [urlsplit(address) for address in browser.run(_FOUND).split()]
        answers = [answer.path for answer in first] + [f"{answer.path}#{answer.fragment}" for answer in first]
        for wanted in pages.split():
            page, _, section = wanted.partition("#")
            there = f"{page}.html{section and '#'}{section}"
            if there not in answers:
                found.append(f"search for {query!r}: {wanted} isn't among {', '.join(map(urlunsplit, first))}")
        if query in FIRST and answers[:1] != [f"{pages.partition('#')[0]}.html"]:
            found.append(f"search for {query!r}: {pages} isn't the first of {', '.join(map(urlunsplit, first))}")
        found += [f"search for {query!r}: {told}" for told in browser.wrong]
    return found


def typed(site: Path, browser: SiteBrowser) -> list[str]:
    """What is wrong with the box above a page, which answers while one types."""
    browser.look("light", *WIDE)
    browser.begin((site / "guides" / "speed.html").as_uri())
    browser.run(_TYPE)
    browser.wait(_ANSWERED, 30)
    first = browser.run("document.querySelector('#pst-search-dialog ul.search > li > a').href.split('?')[0]")
    wanted = (site / "reference" / "layers" / "Dropout.html").as_uri()
    wrong = [] if first == wanted else [f"the first is {first}"]
    wrong += [] if browser.run("!!document.querySelector('#pst-search-dialog .told')") else ["no summaries"]
    return [f"dropout in the search box: {told}" for told in (*wrong, *chosen_by_keys(wanted, browser), *browser.wrong)]


def chosen_by_keys(first: str, browser: SiteBrowser) -> list[str]:
    """What is wrong with the keys that go through the answers in the box."""
    browser.run(_PRESS % "ArrowDown")
    wrong = [] if (there := browser.run(_CHOSEN)) == first else [f"the arrow key chooses {there}"]
    browser.run(_PRESS % "ArrowDown")
    second = browser.run(_CHOSEN)
    wrong += [f"the arrow key stays at {second}"] if second in (None, first) else []
    browser.run(_PRESS % "Enter")
    browser.wait(f"location.href.split('?')[0] === {second!r} && document.readyState === 'complete'", 10)
    return wrong


def led_to(site: Path, browser: SiteBrowser) -> list[str]:
    """Headings that a link leads to, and that the bar covers or touches."""
    found = []
    for size in (WIDE, PHONE):
        browser.look("light", *size)
        browser.begin((site / "data.html").as_uri() + "#pandas")
        if (room := browser.run(_BELOW_BAR)) < 8:
            found.append(f"data#pandas ({size[0]} px): the heading begins {room:.0f} pixels below the bar")
    return found


def chosen(site: Path, every: bool, seed: int, count: int = 100) -> list[str]:
    """The pages to look at: every kind, and some by lot."""
    there = sorted(str(path.relative_to(site).with_suffix("")) for path in site.rglob("*.html"))
    there = [page for page in there if not page.startswith("_static")]
    if every:
        return there
    drawn = random.Random(seed).sample(there, min(count, len(there)))
    return list(dict.fromkeys([*KINDS, *drawn]))


def shared_out(looks: Sequence[Callable[[SiteBrowser], list[str]]], count: int) -> list[str]:
    """What all looks find, in their order; each of several browsers takes the next one that waits."""
    waiting = iter(enumerate(looks))
    found: dict[int, list[str]] = {}

    def take() -> None:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Chromium may still be writing to it
            browser = SiteBrowser(Path(folder))
            try:
                while (taken := next(waiting, None)) is not None:
                    found[taken[0]] = taken[1](browser)
            finally:
                browser.close()

    with ThreadPoolExecutor(count) as threads:
        for done in [threads.submit(take) for _ in range(count)]:
            done.result()
    return [told for number in sorted(found) for told in found[number]]


def main() -> int:
    """Look, and say what is wrong; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("site", nargs="?", type=Path, default=ROOT / "build" / "site" / "html")
    parser.add_argument("--all", action="store_true", help="every page")
    parser.add_argument("--seed", type=int, default=7, help="of the lot")
    given = parser.parse_args()
    site = given.site.resolve()
    wrong = secrets(site)
    if find() is None:
        print("\n".join([*wrong, f"not looked at: {NONE_FOUND}"]))
        return int(bool(wrong))
    pages = chosen(site, given.all, given.seed)
    looks = [functools.partial(looked_at, site, page) for page in pages]
    others = [functools.partial(look, site) for look in (searched, typed, led_to)]
    wrong += shared_out([*others, *looks], BROWSERS)
    wrong += without_a_way(site)
    done = f"{len(pages)} pages in both themes and on a phone, {len(QUERIES)} searches, {len(TASKS)} tasks: all well"
    print("\n".join(wrong) or done)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
