"""A trained model as a page for browsers: it runs there, with its layers' values and its graph.

`export` makes it: `runs` finds what runs and where the ONNX graph has it, `controls` what a reader gives to the model
and is shown of it, `checks` the samples whose outputs travel along, `document` the page or the folder. The scripts in
`assets` do the rest in the browser; `runtime` holds the onnxruntime-web that computes there.
"""

from __future__ import annotations

from viz.web.exporter import export

__all__ = ["export"]
