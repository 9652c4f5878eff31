"""Notebooks: whether the program runs in one, and how text and pictures get into it.

Nothing here needs IPython: where its kernel isn't already running, there is no notebook.
"""

from __future__ import annotations

import itertools
import os
import sys
from typing import Any

__all__ = ["Place", "cell_names", "curves_here", "folders", "kernel", "pre", "prints_here", "shell", "show"]
__all__ += ["with_curves"]

folders: list[str] = []  # besides eagerflow's own, those whose frames notebooks don't show of an error
with_curves: list[Any] = []  # the number of the cell below which `viz.live` draws what is trained

# JupyterLab's font, else that of VS Code, else what the system has. Long lines scroll: a broken line ends the columns.
_FONT = "var(--jp-code-font-family,var(--vscode-editor-font-family,Menlo,Consolas,'DejaVu Sans Mono',monospace))"
_PRE = (
    f"font-family:{_FONT};font-size:13px;line-height:1.3;white-space:pre;word-break:normal;overflow-x:auto;"
    "margin:0;padding:0 0 0 var(--jp-code-padding,0);border:0;color:inherit;background:transparent"
)
_numbers = itertools.count()


def shell() -> Any:
    """IPython's shell, at its prompt and in notebooks; None elsewhere."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None


def kernel() -> Any:
    """IPython's shell where it serves a notebook (or a console like one); None elsewhere, at IPython's prompt too."""
    found = shell()
    return found if getattr(found, "kernel", None) is not None else None


def prints_here() -> bool:
    """Whether what is printed now appears in a notebook, and isn't captured or sent elsewhere."""
    return type(sys.stdout).__module__.partition(".")[0] == "ipykernel"


def curves_here() -> bool:
    """Whether `viz.live` draws its curves below the cell that runs."""
    cell = getattr(kernel(), "execution_count", None)
    return cell is not None and cell in with_curves


def cell_names() -> dict[str, str]:
    """What the files that IPython makes up for cells are called in the notebook: `In [3]`."""
    known = getattr(getattr(shell(), "compile", None), "_filename_map", {})
    return {file: f"In [{number}]" for file, number in known.items()}


def pre(text: str) -> str:
    """Text as HTML whose columns stay aligned, in the colours of whatever is around it.

    >>> pre("a < b")
    '<pre style="...">a &lt; b</pre>'
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f'<pre style="{_PRE}">{escaped}</pre>'


def show(plain: str, html: str) -> None:
    """Show something below the cell that runs."""
    from IPython.display import display

    display({"text/plain": plain, "text/html": html}, raw=True)


class Place:
    """A place in the notebook whose content can be replaced.

    It is made when it is first filled, below the cell that runs then, and can be filled from any thread. In a saved
    notebook stands what it held last.

    Attributes:
        is_shown: whether it has been made.
    """

    def __init__(self) -> None:
        self.is_shown = False
        self._name = f"eagerflow-{os.getpid()}-{next(_numbers)}"

    def fill(self, plain: str, html: str) -> None:
        """Put something there instead of what it holds."""
        from IPython.display import display, update_display

        shown = {"text/plain": plain, "text/html": html}
        if self.is_shown:
            update_display(shown, raw=True, display_id=self._name)
        else:
            self.is_shown = True
            display(shown, raw=True, display_id=self._name)

    def repeat(self) -> None:
        """Make it again below the cell that runs now: the next `fill` changes it there as well."""
        self.is_shown = False

    def clear(self) -> None:
        """Leave nothing there."""
        if self.is_shown:
            self.fill("", "")
