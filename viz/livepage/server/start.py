"""Begins the page's process: `python -I start.py`.

The packages above this folder stand empty, so that neither eagerflow nor NumPy is loaded.
"""

from __future__ import annotations

import importlib
import os
import sys
import types

__all__: list[str] = []


def _stand_in(name: str, folder: str) -> None:
    module = types.ModuleType(name)
    module.__path__ = [folder]
    sys.modules[name] = module


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    _stand_in("viz", os.path.dirname(os.path.dirname(here)))
    _stand_in("viz.livepage", os.path.dirname(here))
    importlib.import_module("viz.livepage.server.process").main()
