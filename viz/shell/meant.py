"""What is meant by words that aren't commands: `viz live x.py` is `viz run --live x.py`."""

from __future__ import annotations

import os
from collections.abc import Sequence

__all__ = ["other_word"]

_SCRIPT, _RECORDING = "train.py", "train.efz"  # what stands for a file that isn't given
_OF_SCRIPTS = {
    "live": "run --live",
    "watch": "run --live",
    "monitor": "run --live",
    "dashboard": "run --live",
    "trace": "run",
    "record": "run",
    "exec": "run",
    "start": "run",
    "lint": "check",
    "validate": "check",
    "debug": "doctor",
    "diagnose": "doctor",
    "fix": "doctor --fix",
    "nan": "nonfinite",
    "samples": "data",
    "keep": "run --keep 3",
}
_OF_RECORDINGS = {
    "plot": "draw",
    "graph": "draw",
    "picture": "draw",
    "image": "draw",
    "svg": "draw",
    "render": "draw",
    "profile": "top",
    "time": "top",
    "cost": "top",
    "hot": "top",
    "layers": "summary",
    "stats": "show",
    "statistics": "show",
    "info": "show",
    "inspect": "show",
    "open": "html --open",
    "view": "html --open",
    "serve": "html --open",
    "page": "html",
    "web": "html",
    "compare": "diff",
    "source": "annotate",
    "grads": "gradients",
    "ram": "memory",
    "export": "json",
}
_ELSEWHERE = {
    "version": "viz --version",
    "lr": "viz.find_lr(model, x, y), in Python",
    "find_lr": "viz.find_lr(model, x, y), in Python",
    "explain": "viz.explain(model, x), in Python",
    "demo": "eagerflow demo",
    "compile": "eagerflow compile",
    "launch": "eagerflow launch",
}


def other_word(name: str, given: Sequence[str] = ()) -> str:
    """How the command is called that someone means who writes `name`, or "".

    Args:
        name: what stands in the place of a command.
        given: what follows it.

    >>> other_word("live", ["x.py"])
    '; for that: viz run --live x.py'
    >>> other_word("profile", ["x.py"])
    '; for that: viz run x.py, and then: viz top x.efz'
    """
    word = name.lower().lstrip("-").replace("-", "_")
    file = next(
        (each for each in given if each.lower().endswith((".py", ".efz", ".efr", ".onnx", ".keras", ".h5"))), ""
    )
    if word in _ELSEWHERE:
        return f"; for that: {_ELSEWHERE[word]}"
    if word in _OF_SCRIPTS:
        return f"; for that: viz {_OF_SCRIPTS[word]} {file if file.lower().endswith('.py') else _SCRIPT}"
    if word not in _OF_RECORDINGS:
        return ""
    if file.lower().endswith(".py"):
        recorded = f"{os.path.splitext(os.path.basename(file))[0]}.efz"
        return f"; for that: viz run {file}, and then: viz {_OF_RECORDINGS[word]} {recorded}"
    return f"; for that: viz {_OF_RECORDINGS[word]} {file or _RECORDING}"
