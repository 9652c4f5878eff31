"""The page that servers show in place of one that isn't there: 404.html.

It is shown at any address, so its links would lead astray. Its first script finds where the site begins: before the
first folder of an address that is one of the site's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tools.site.sections import SECTIONS

FOLDERS = ["reference", "source", "guides", "start", "tutorials", "gallery", "doctor", "viz", "internals"]
_BASE = """<script>
(() => {
  const parts = location.pathname.split("/").slice(0, -1);
  const at = parts.findIndex(part => FOLDERS.includes(part));
  const base = document.createElement("base");
  base.href = (at < 0 ? parts : parts.slice(0, at)).join("/") + "/";
  document.head.prepend(base);
  addEventListener("DOMContentLoaded", () => {
    const asked = location.pathname.split("/").pop().replace(/\\.html$/, "").replace(/[-_]+/g, " ");
    const link = document.getElementById("missing-search");
    if (!link || !asked || asked === "404") return;
    link.href = `search.html?q=${encodeURIComponent(asked)}`;
    link.textContent = `Search for “${asked}”`;
  });
})();
</script>"""


def collected(app: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The page, for Sphinx."""
    links = "".join(f'<li><a href="{section.page}.html">{section.title}</a></li>' for section in SECTIONS)
    body = (
        "<h1>There is no such page</h1>"
        "<p>The page may have moved, or its address may be mistyped. Names of the API are spelled as in Python,"
        " capitals included: <code>reference/layers/Dense.html</code>.</p>"
        '<p><a id="missing-search" href="search.html">Search the site</a>, or go on from here:</p>'
        f"<ul>{links}</ul>"
    )
    script = _BASE.replace("FOLDERS", json.dumps(FOLDERS))
    yield "404", {"title": "No such page", "body": body, "metatags": script}, "page.html"
