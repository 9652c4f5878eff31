"""What the site shows of live pages: what a notebook does, and never an address."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tools.site import live_pages, run_page

DOCS = Path(__file__).parents[2] / "docs"
TRAINED = """\
```python
import eagerflow as ef
import viz

page = viz.live(linger=0)
model = ef.Sequential([ef.Input((3,)), ef.layers.Dense(1)])
model.compile("sgd", "mse")
history = model.fit(ef.ops.ones((8, 3)), ef.ops.ones((8, 1)), epochs=2, verbose=0)
page.close()
```
"""


def test_a_block_shows_the_live_page_as_a_notebook_does_and_no_address():
    shown = run_page.run(TRAINED, "a.md")["outputs"]
    assert [output["kind"] for output in shown[0]] == ["html"]
    assert '<img class="eagerflow-picture"' in shown[0][0]["data"]
    assert "127.0.0.1" not in json.dumps(shown)


def test_pages_that_print_an_address_are_found(tmp_path):
    (tmp_path / "good.html").write_text("http://127.0.0.1:8000/ and http://127.0.0.1:.../ are no secrets")
    assert live_pages.secrets(tmp_path) == []
    address = "http://127.0.0.1:33521/" + "-B3-" * 8  # a token may begin and end with any of its characters
    (tmp_path / "bad.html").write_text(f"<pre>viz.live: {address}/</pre>")
    assert live_pages.secrets(tmp_path) == [f"bad.html: prints a live page's address: {address[5:]}"]


def test_a_real_address_counts_as_one():
    import viz

    page = viz.live(open_browser=False, linger=0)
    page.close(quit=True)
    assert live_pages._SECRET.search(page.url)


@pytest.mark.parametrize("name", ["viz/live.md", "guides/notebooks.md"])
def test_the_texts_still_show_a_live_page(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    assert any("viz.live(" in code for _, code, _ in run_page.blocks(text))
    assert not re.search(r"127\.0\.0\.1:\d+/", text)
