"""Builds the site: `make docs`.

    python -m tools.site.build [--out build/site/html]

Pages are brought to build/site/pages, their Python blocks are run, the reference is written from docstrings, and Sphinx
makes HTML of it all. A warning is an error. What didn't change since the last build isn't made again.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import sphinx.builders
from sphinx.cmd.build import main as run_sphinx
from sphinx.search.en import SearchEnglish

from tools.site import (
    gallery,
    links,
    named_types,
    placements,
    recorded,
    reference,
    running,
    search_pages,
    sections,
    source_pages,
    stage,
    tutorial_cards,
    tutorials,
)
from tools.site.cache import Cache, tools_mark
from tools.site.names import ROOT, catalogue
from tools.site.run_page import blocks
from tools.site.used_in import Uses

HERE = Path(__file__).parent


class Build:
    """One build.

    Args:
        folder: for everything that it makes.
        processes: how many at once.
        only: names to write pages of the reference for, instead of all.
    """

    def __init__(self, folder: Path, processes: int, only: tuple[str, ...] = ()) -> None:
        self.only = only
        self.folder = folder
        self.pages = folder / "pages"
        self.outputs = folder / "outputs"
        self.outputs_kept = Cache(folder / "kept" / "outputs", ("run_page", "running", "live_pages", "figures"))
        self.records_kept = Cache(folder / "kept" / "records", ("recorded", "record_html", "svg"))
        self.processes = processes
        self.gallery_kept = Cache(folder / "kept" / "gallery", ("gallery",))
        self._sources: set[str] = set()
        self._markdown: dict[str, str] = {}
        self._written: set[Path] = set()
        self._begin = time.perf_counter()

    def run(self) -> int:
        """Build; the exit code."""
        os.environ[placements.FOLDER] = str(self.folder / "kept" / "placements")
        try:
            self._texts()
            names = [one for one in catalogue() if not self.only or one.path in self.only]
            with ThreadPoolExecutor(1) as beside:  # a few long jobs beside many short ones leave no processor idle
                drawn = beside.submit(gallery.write_all, self.pages / "_site_static" / "gallery", self.gallery_kept, 1)
                parts = recorded.record_all(names, self.records_kept, self.processes)
                drawn.result()
        except (stage.BrokenLink, running.BlockFailed, recorded.ExampleFailed) as error:
            print(error, file=sys.stderr)
            return 1
        self._tell("the examples of names are recorded, and the gallery is there")
        for name, text in reference.pages(parts, self.only, Uses(self._markdown)):
            self._write(self.pages / f"{name}.md", text)
        self._write(self.pages / f"{named_types.PAGE}.md", named_types.page())
        for name in ("static", "templates"):
            shutil.copytree(HERE / name, self.pages / f"_site_{name}", dirs_exist_ok=True)
        shutil.copytree(ROOT / "docs" / "images", self.pages / "images", dirs_exist_ok=True)
        self._write(self.pages / "sources.json", json.dumps(sorted(self._sources)))
        self._write(self.pages / "_site_static" / "pages.js", search_pages.script(self._markdown))
        self._remove_others()
        self._tell("the reference is written; Sphinx makes the pages")
        code = self._sphinx()
        self._remove_pages_of_before()
        self._tell("Sphinx is done")
        return code or self._check_links()

    def _texts(self) -> None:
        """Write the pages of text, and what their blocks show."""
        files = {**stage.pages(), **self._own_texts()}
        programs = {tutorials.page_of(tutorial): tutorial for tutorial in tutorials.TUTORIALS}
        homes = {tutorials.path_of(tutorial): name for name, tutorial in programs.items()}
        texts = {name: (path.read_text(encoding="utf-8"), path) for name, path in files.items()}
        made = {**{name: tutorials.markdown(tutorial) for name, tutorial in programs.items()}, **gallery.pages()}
        names = {*texts, *made, "tutorials/index", "reference/index"}
        for name, (text, path) in texts.items():
            further = sections.root(names) if name == "index" else sections.below(name, names)
            self._write(self.pages / f"{name}.md", f"{stage.staged(text, name, path, homes)}\n{further}")
        for name, text in made.items():
            self._write(self.pages / f"{name}.md", text)
        pages = [running.Page(name, text, str(path.relative_to(ROOT))) for name, (text, path) in texts.items()]
        pages += [running.Page(name, made[name], f"{tutorials.path_of(programs[name])}.md") for name in programs]
        shown = running.run_all(pages, self.outputs_kept, self.processes)
        for page in pages:
            self._outputs(page, shown.get(page.name))
        for name, tutorial in programs.items():
            self._write(self.pages / f"{name}.ipynb", tutorials.notebook(tutorial, shown[name]))
        drawn = {tutorial.name: tutorial_cards.picture(shown[name]) for name, tutorial in programs.items()}
        pictures = {name: picture for name, picture in drawn.items() if picture is not None}
        for file, svg in tutorial_cards.files(pictures):
            self._write(self.pages / "_site_static" / tutorial_cards.FOLDER / file, svg)
        self._write(self.pages / "tutorials" / "index.md", tutorial_cards.index(pictures))
        self._tell("the blocks of pages have run")

    def _outputs(self, page: running.Page, shown: list[list[dict[str, str]]] | None) -> None:
        if shown is not None:
            joined = [{"code": code, "outputs": outputs} for (_, code, _), outputs in zip(blocks(page.text), shown)]
            known = (target := self.outputs / f"{page.name}.json").exists()
            self._write(target, json.dumps(joined))
            if not known and (text := self.pages / f"{page.name}.md").exists():
                text.touch()  # Sphinx read it when it had no outputs, and wouldn't look for them

    def _own_texts(self) -> dict[str, Path]:
        folder = HERE / "texts"
        return {str(path.relative_to(folder).with_suffix("")): path for path in sorted(folder.rglob("*.md"))}

    def _write(self, path: Path, text: str) -> None:
        """Write a file unless it is there already with this text: Sphinx goes by when files changed."""
        self._written.add(path)
        if path.suffix == ".md":
            self._markdown[str(path.relative_to(self.pages).with_suffix(""))] = text
        self._sources.update(re.findall(r"\(source:([\w/]+\.py)", text))
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def _remove_others(self) -> None:
        for folder, ending in ((self.pages, "md"), (self.pages, "ipynb"), (self.outputs, "json")):
            for path in folder.rglob(f"*.{ending}"):
                if path not in self._written:
                    path.unlink()

    def _remove_pages_of_before(self) -> None:
        """Sphinx leaves the HTML of pages that there were once, to which old links would still lead."""
        known = {*self._markdown, *map(source_pages.page_of, self._sources), "search", "genindex", "404"}
        out = self.folder / "html"
        for path in out.rglob("*.html"):
            name = str(path.relative_to(out).with_suffix(""))
            if name not in known and not name.startswith("_"):
                path.unlink()

    def _sphinx(self) -> int:
        out, kept = self.folder / "html", self.folder / "doctrees"
        options = ["-b", "html", "-W", "-n", "--keep-going", "-q", "-j", str(self.processes), "-c", str(ROOT / "docs")]
        settings = ["-D", f"site_outputs={self.outputs}", "-D", f"html_static_path={self.pages / '_site_static'}"]
        made_by = tools_mark("extension", "code_links", "code_names", "named_types", "navigation", "outputs", "svg")
        settings += ["-D", f"site_made_by={made_by}"]
        settings += ["-D", f"templates_path={self.pages / '_site_templates'}"]
        with _fewer_copies(), _kept_stems():
            return run_sphinx([*options, *settings, "-d", str(kept), str(self.pages), str(out)])

    def _check_links(self) -> int:
        wrong = links.broken(self.folder / "html", self.processes)
        print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
        self._tell(f"{len(wrong)} links lead nowhere" if wrong else "every link leads somewhere")
        self._tell(f"the site begins at {os.path.relpath(self.folder / 'html' / 'index.html')}")
        return int(bool(wrong))

    def _tell(self, what: str) -> None:
        spent = sum(os.times()[:4])  # of a processor, those of programs that have ended included
        print(f"{time.perf_counter() - self._begin:6.1f} s ({spent:5.0f} s of processors)  {what}", flush=True)


@contextlib.contextmanager
def _fewer_copies() -> Iterator[None]:
    """Inside, Sphinx copies less between its processes.

    Each process that reads pages sends back all that is known of all pages, which takes seconds: so each reads many.
    And looking for garbage among what was there before they began would give each of them a copy of it.
    """
    builders: Any = sphinx.builders
    usual, thresholds = builders.make_chunks, gc.get_threshold()

    def chunks(pages: Sequence[str], processes: int) -> list[Any]:
        if processes == 1:  # writes beside one that prepares what is written, which is to be done in small parts
            return usual(pages, processes)
        return [part for part in (pages[i :: 2 * processes] for i in range(2 * processes)) if part]

    builders.make_chunks = chunks
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    try:
        yield
    finally:
        builders.make_chunks = usual
        gc.set_threshold(*thresholds)
        gc.unfreeze()


@contextlib.contextmanager
def _kept_stems() -> Iterator[None]:
    """Inside, Sphinx' search looks for the stem of each word once, not wherever the word stands."""
    language: Any = SearchEnglish
    usual = language.stem
    language.stem = functools.cache(usual)
    try:
        yield
    finally:
        language.stem = usual


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "site", help="for all that it makes")
    parser.add_argument("--processes", type=int, default=min(4, os.cpu_count() or 1), help="how many at once")
    parser.add_argument("--only", nargs="*", default=[], help="names of the reference to build, for a quick look")
    given = parser.parse_args()
    sys.exit(Build(given.folder.resolve(), given.processes, tuple(given.only)).run())
