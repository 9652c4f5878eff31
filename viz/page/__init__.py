"""The interactive page of a recording: one HTML file that needs no network and no other file.

`data` turns a recording into plain data, `render` puts data, styles and scripts into one page. The scripts in
`assets` do the rest in the browser: nothing of the layout happens in Python.
"""

from __future__ import annotations

from viz.page.data import MOST_OPS, data
from viz.page.document import Page, render, to_html

__all__ = ["MOST_OPS", "Page", "data", "render", "to_html"]
