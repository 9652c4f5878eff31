"""Figures that blocks of pages draw with matplotlib, in colours for light and for dark pages."""

from __future__ import annotations

import io
import sys
from pathlib import Path

SETTINGS = Path(__file__).with_name("matplotlibrc")
_INK, _DARK_INK = "#24292f", "#ced6dd"  # of texts and axes, as the settings have it


def shown() -> list[dict[str, str]]:
    """The figures that are open, as outputs of a block; they are closed, as a notebook does after each cell."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return []
    figures = [pyplot.figure(number) for number in pyplot.get_fignums()]
    outputs = [_output(figure) for figure in figures]
    pyplot.close("all")
    return outputs


def _output(figure: object) -> dict[str, str]:
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})  # type: ignore[attr-defined]
    picture = file.getvalue()
    return {"kind": "svg", "data": picture, "dark": picture.replace(_INK, _DARK_INK)}
